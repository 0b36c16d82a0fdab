// A thread with an io_context for one store.
//
// Invariants
//   I1  The context outlives the thread and everything that was given keep_alive().
//   I2  join() returns after the thread has left the context, except on the thread itself.
//   I3  What join() on the thread itself leaves is joined when a later one is left, if it has ended by then, and else
//       when the process ends.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace furrow::driver {

class own_thread {
 public:
  own_thread();
  own_thread(const own_thread&) = delete;
  own_thread& operator=(const own_thread&) = delete;
  ~own_thread();

  [[nodiscard]] boost::asio::io_context::executor_type executor() const { return context_->get_executor(); }
  [[nodiscard]] std::shared_ptr<void> keep_alive() const { return context_; }

  /// The thread ends when it has done what it has.
  void end();
  /// Ends it, and waits for that.
  void join();

 private:
  class left_threads;
  struct running {
    std::thread thread;
    std::atomic<bool> has_ended = false;
  };

  std::shared_ptr<boost::asio::io_context> context_;
  std::mutex mutex_;  ///< Of what follows.
  std::optional<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::list<running> thread_;  ///< One or none: an element of a list goes to another without memory.
};

}  // namespace furrow::driver
