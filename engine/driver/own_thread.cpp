#include "driver/own_thread.hpp"

#include <utility>

namespace furrow::driver {

own_thread::own_thread() : context_(std::make_shared<boost::asio::io_context>(1)), work_(context_->get_executor()) {
  thread_ = std::thread([context = context_] { context->run(); });
}

own_thread::~own_thread() { join(); }

void own_thread::end() {
  const std::lock_guard lock(mutex_);
  work_.reset();
}

void own_thread::join() {
  end();
  std::thread t;
  {
    const std::lock_guard lock(mutex_);
    t = std::exchange(thread_, {});
  }
  if (!t.joinable()) return;
  if (t.get_id() == std::this_thread::get_id()) {
    t.detach();  // I2
  } else {
    t.join();
  }
}

}  // namespace furrow::driver
