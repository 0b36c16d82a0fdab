#include "driver/fault_watch.hpp"

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>

#include "core/assert.hpp"
#include "driver/view_memory.hpp"

#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif

namespace furrow::driver {
namespace {

std::atomic<bool> denied{false};

error_code last_error() { return {errno, boost::system::system_category()}; }

}  // namespace

void fault_watch::deny(bool on) { denied = on; }

std::shared_ptr<fault_watch> fault_watch::open_or(std::shared_ptr<fault_watch> there, error_code& why) {
  return there && !denied ? there : open(why);
}

std::shared_ptr<fault_watch> fault_watch::open(error_code& why) {
  if (denied) {
    why = {EPERM, boost::system::system_category()};
    return nullptr;
  }
  long fd = ::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fd = ::syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);
  if (fd < 0) {
    why = last_error();
    return nullptr;
  }
  uffdio_api api{};
  api.api = UFFD_API;
  if (::ioctl(static_cast<int>(fd), UFFDIO_API, &api) != 0) {
    why = last_error();
    ::close(static_cast<int>(fd));
    return nullptr;
  }
  const int stop = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop < 0) {
    why = last_error();
    ::close(static_cast<int>(fd));
    return nullptr;
  }
  return std::make_shared<fault_watch>(static_cast<int>(fd), stop);
}

fault_watch::fault_watch(int fd, int stop) : fd_(fd), stop_(stop), thread_([this] { run(); }) {}

fault_watch::~fault_watch() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(stop_, &one, sizeof one));
  thread_.join();
  ::close(stop_);
  ::close(fd_);
}

error_code fault_watch::add(view_memory& m) {
  const std::lock_guard lock(mutex_);
  if (ended_) return errc::closed;
  uffdio_register r{};
  r.range = {m.begin(), m.mapped_bytes()};
  r.mode = UFFDIO_REGISTER_MODE_MISSING;
  if (::ioctl(fd_, UFFDIO_REGISTER, &r) != 0) return last_error();
  views_.emplace(m.begin(), &m);
  return {};
}

void fault_watch::remove(const view_memory& m) {
  const std::lock_guard lock(mutex_);
  views_.erase(m.begin());
}

void fault_watch::end_all() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (const auto& [begin, m] : views_) m->end();
}

void fault_watch::run() {
  std::array<pollfd, 2> both{{{fd_, POLLIN, 0}, {stop_, POLLIN, 0}}};
  std::array<uffd_msg, 32> faults{};
  for (;;) {
    if (::poll(both.data(), both.size(), -1) < 0 && errno != EINTR) return;
    if (both[1].revents != 0) return;
    const ssize_t got = ::read(fd_, faults.data(), sizeof faults);
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; got > 0 && i < static_cast<std::size_t>(got) / sizeof(uffd_msg); ++i) {
      if (faults[i].event != UFFD_EVENT_PAGEFAULT) continue;
      const std::uintptr_t at = faults[i].arg.pagefault.address;
      const auto after = views_.upper_bound(at);
      if (after == views_.begin()) continue;
      view_memory& m = *std::prev(after)->second;
      if (at - m.begin() < m.mapped_bytes()) m.touched(at);
    }
  }
}

}  // namespace furrow::driver
