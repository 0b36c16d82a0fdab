// An eventfd that is either readable or not: level-triggered readiness without counting.
#pragma once

#include <sys/eventfd.h>

#include "ensure.hpp"
#include "unique_fd.hpp"

namespace furrow::zoned {

class event_fd {
 public:
  event_fd() : fd_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)} { ensure(fd_.is_open()); }

  [[nodiscard]] int get() const noexcept { return fd_.get(); }

  void set() noexcept { ensure(::eventfd_write(fd_.get(), 1) == 0); }

  /// Harmless if it is not set.
  void clear() noexcept {
    eventfd_t ignored = 0;
    if (::eventfd_read(fd_.get(), &ignored) != 0) ensure(errno == EAGAIN);
  }

 private:
  unique_fd fd_;
};

}  // namespace furrow::zoned
