#include "driver/own_thread.hpp"

#include <boost/asio/execution/context.hpp>
#include <boost/asio/query.hpp>
#include <boost/asio/system_executor.hpp>
#include <cstdlib>
#include <utility>

namespace furrow::driver {

/// I3. Joined before Asio's system context is destroyed; never destroyed itself, as a thread may come later.
class own_thread::left_threads {
 public:
  static left_threads& of_process() {
    static auto* const all = new left_threads;
    return *all;
  }

  void add(std::list<running>&& one) {
    std::list<running> ended;
    const std::lock_guard lock(mutex_);
    for (auto i = threads_.begin(); i != threads_.end();) {
      const auto next = std::next(i);
      if (i->has_ended) ended.splice(ended.end(), threads_, i);
      i = next;
    }
    for (running& r : ended) r.thread.join();
    threads_.splice(threads_.end(), one);
  }

 private:
  left_threads() {
    // A handler without an executor of its own is called through this, which must not be gone before the threads are.
    (void)boost::asio::query(boost::asio::system_executor(), boost::asio::execution::context);
    (void)std::atexit([] { of_process().join(); });
  }

  void join() {
    std::list<running> threads;
    {
      const std::lock_guard lock(mutex_);
      threads.swap(threads_);
    }
    for (running& r : threads) {
      if (r.thread.get_id() == std::this_thread::get_id()) {
        r.thread.detach();  // it ends the process
      } else {
        r.thread.join();
      }
    }
  }

  std::mutex mutex_;  ///< Of what follows.
  std::list<running> threads_;
};

own_thread::own_thread()
    : context_(std::make_shared<boost::asio::io_context>(1)), work_(context_->get_executor()), thread_(1) {
  left_threads::of_process();
  thread_.front().thread = std::thread([context = context_, has_ended = &thread_.front().has_ended]() mutable {
    context->run();
    context.reset();
    *has_ended = true;
  });
}

own_thread::~own_thread() { join(); }

void own_thread::end() {
  const std::lock_guard lock(mutex_);
  work_.reset();
}

void own_thread::join() {
  end();
  std::list<running> one;
  {
    const std::lock_guard lock(mutex_);
    one.swap(thread_);
  }
  if (one.empty()) return;
  std::thread& t = one.front().thread;
  if (t.get_id() == std::this_thread::get_id()) {
    left_threads::of_process().add(std::move(one));
  } else {
    t.join();
  }
}

}  // namespace furrow::driver
