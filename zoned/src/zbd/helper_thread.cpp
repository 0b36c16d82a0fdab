// The thread of helper_thread.hpp. It starts with the first job: many devices never need it.
#include "zbd/helper_thread.hpp"

#include <algorithm>
#include <utility>

namespace furrow::zoned {

helper_thread::helper_thread(event_fd& answered) : answered_{answered} {}

helper_thread::~helper_thread() {
  {
    const std::scoped_lock lock{mutex_};
    ends_ = true;
    jobs_.clear();
  }
  changed_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void helper_thread::add(std::uint64_t tag, job what) {
  {
    const std::scoped_lock lock{mutex_};
    jobs_.emplace_back(tag, std::move(what));
  }
  if (!thread_.joinable()) thread_ = std::thread{[this] { run(); }};
  changed_.notify_one();
}

bool helper_thread::cancel(std::uint64_t tag) {
  const std::scoped_lock lock{mutex_};
  return std::erase_if(jobs_, [&](const auto& j) { return j.first == tag; }) > 0;
}

std::vector<helper_thread::answer> helper_thread::take_answers() {
  const std::scoped_lock lock{mutex_};
  has_answers_.store(false, std::memory_order_relaxed);
  return std::exchange(answers_, {});
}

void helper_thread::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [this] { return ends_ || !jobs_.empty(); });
    if (ends_) return;
    const job now = std::move(jobs_.front().second);
    jobs_.pop_front();
    lock.unlock();
    const answer a = now();
    lock.lock();
    answers_.push_back(a);
    has_answers_.store(true, std::memory_order_release);
    answered_.set();
  }
}

}  // namespace furrow::zoned
