// One workload on an open store, by one thread or several.
//
//   threads   the store runs on                  callers
//   1         the thread that calls run()        one, on the same thread and io_context
//   more      a thread of its own                a thread and an io_context each, and objects of their own
//
// Not here: what one thread does (caller.hpp); what is printed of it (report.hpp).
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <furrow/engine/store.hpp>
#include <future>
#include <memory>
#include <vector>

#include "bench/caller.hpp"
#include "bench/plan.hpp"

namespace furrow::bench {

/// Where a store runs, and how its futures are waited for.
class store_thread {
 public:
  /// A thread of its own, or the one that waits.
  explicit store_thread(bool own) : own_{own} {}

  [[nodiscard]] run_on where() { return own_ ? run_on{own_thread} : run_on{context_}; }
  [[nodiscard]] asio::io_context& context() { return context_; }

  /// Throws what the future does.
  template <class Value>
  Value await(std::future<Value> result) {
    while (!own_ && result.wait_for(std::chrono::seconds{0}) != std::future_status::ready) {
      context_.restart();
      context_.run_one();
    }
    return result.get();
  }

 private:
  asio::io_context context_{1};
  bool own_;
};

class load {
 public:
  load(store_thread& thread, store on, const plan& what);
  /// Throws boost::system::system_error if an operation fails.
  [[nodiscard]] outcome run();

 private:
  void prepare(caller& one, std::size_t number);
  [[nodiscard]] object filled_object(const std::string& name, std::uint64_t* bytes);
  void run_callers(double seconds);

  store_thread& thread_;
  store store_;
  plan plan_;
  std::uint64_t share_bytes_ = 0;
  std::vector<std::unique_ptr<asio::io_context>> contexts_;  ///< Of callers on threads.
  std::vector<std::unique_ptr<caller>> callers_;
};

}  // namespace furrow::bench
