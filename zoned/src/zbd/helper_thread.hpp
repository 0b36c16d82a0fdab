// One thread for calls that block: jobs go in, answers come out, in order.
//
// Invariants
//   I1  Each job added is either taken back by cancel before it began, or answered exactly once.
//   I2  The event is set after an answer can be taken.
//   I3  Destruction waits for the job at work; those not begun are forgotten.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "event_fd.hpp"
#include "furrow/zoned/error.hpp"

namespace furrow::zoned {

class helper_thread {
 public:
  struct answer {
    std::uint64_t tag = 0;
    error_code error;
    std::uint64_t count = 0;
  };
  using job = std::function<answer()>;

  explicit helper_thread(event_fd& answered);
  ~helper_thread();
  helper_thread(const helper_thread&) = delete;
  helper_thread& operator=(const helper_thread&) = delete;

  void add(std::uint64_t tag, job what);
  /// True if the job had not begun; it will not be answered.
  [[nodiscard]] bool cancel(std::uint64_t tag);
  /// Costs no lock.
  [[nodiscard]] bool has_answers() const noexcept { return has_answers_.load(std::memory_order_acquire); }
  [[nodiscard]] std::vector<answer> take_answers();

 private:
  void run();

  event_fd& answered_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ends_ = false;
  std::deque<std::pair<std::uint64_t, job>> jobs_;
  std::vector<answer> answers_;
  std::atomic<bool> has_answers_ = false;  // <=> answers_ is not empty
  std::thread thread_;
};

}  // namespace furrow::zoned
