#include "driver/context_hook.hpp"

#include <utility>

#include "driver/driver.hpp"

namespace furrow::driver {

boost::asio::execution_context::id context_hook::id;

void context_hook::add(std::weak_ptr<driver> d) {
  const driver* which = d.lock().get();
  const std::lock_guard lock(mutex_);
  drivers_.push_back({which, std::move(d)});
}

void context_hook::remove(const driver* d) {
  const std::lock_guard lock(mutex_);
  std::erase_if(drivers_, [d](const entry& e) { return e.which == d; });
}

void context_hook::shutdown() noexcept {
  std::vector<entry> all;
  {
    const std::lock_guard lock(mutex_);
    all.swap(drivers_);
  }
  for (const entry& e : all) {
    if (const auto d = e.alive.lock()) d->abandon();
  }
}

}  // namespace furrow::driver
