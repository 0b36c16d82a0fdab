#include "driver/view_memory.hpp"

#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "core/assert.hpp"

namespace furrow::driver {
namespace {

constexpr std::size_t ask_pages_max = 256;

error_code last_error() { return {errno, boost::system::system_category()}; }

/// A file without bytes: touching a mapping of it is a SIGBUS.
int empty_file() {
  static const int fd = ::memfd_create("furrow-no-bytes", MFD_CLOEXEC);
  return fd;
}

}  // namespace

std::shared_ptr<view_memory> view_memory::make(std::uint64_t bytes, std::uint64_t fill_bytes,
                                               std::shared_ptr<fault_watch> watch,
                                               std::shared_ptr<std::atomic<std::uint64_t>> budget, error_code& why) {
  const std::size_t length = (bytes + page_bytes - 1) / page_bytes * page_bytes;
  std::uint64_t left = budget->load();
  do {
    if (left < length) {
      why = errc::busy;
      return nullptr;
    }
  } while (!budget->compare_exchange_weak(left, left - length));
  const int rights = watch ? PROT_READ : PROT_READ | PROT_WRITE;
  void* const at = ::mmap(nullptr, length, rights, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) {
    why = last_error();
    *budget += length;
    return nullptr;
  }
  // In a child nobody would fill it.
  static_cast<void>(::madvise(at, length, MADV_DONTFORK));
  auto m = std::make_shared<view_memory>(static_cast<std::byte*>(at), bytes, fill_bytes, std::move(budget));
  if (!watch) return m;
  // A process that locks all its memory to come has its pages already, as zeros. (As a system call: sanitizers make
  // munlock() nothing.)
  static_cast<void>(::syscall(SYS_munlock, at, length));
  if (::madvise(at, length, MADV_DONTNEED) != 0) {
    why = last_error();
    return nullptr;
  }
  m->watch_ = std::move(watch);  // before others learn of it
  why = m->watch_->add(*m);
  if (!why) return m;
  m->watch_ = nullptr;
  return nullptr;
}

view_memory::view_memory(std::byte* data, std::uint64_t bytes, std::uint64_t fill_bytes,
                         std::shared_ptr<std::atomic<std::uint64_t>> budget)
    : data_(data),
      bytes_(bytes),
      fill_pages_(fill_bytes / page_bytes),
      budget_(std::move(budget)),
      states_((bytes + page_bytes - 1) / page_bytes),
      pins_(states_.size()) {}

view_memory::~view_memory() {
  if (watch_) watch_->remove(*this);
  ::munmap(data_, mapped_bytes());
  *budget_ += mapped_bytes();
}

void view_memory::need_locked(page_range pages) {
  std::fill_n(states_.begin() + static_cast<std::ptrdiff_t>(pages.first), pages.count, state::filling);
  ask_(pages);
}

void view_memory::touched(std::uintptr_t at) {
  const std::size_t page = (at - begin()) / page_bytes;
  const std::lock_guard lock(mutex_);
  if (states_[page] == state::filled || states_[page] == state::failed) return wake({page, 1});
  if (states_[page] == state::filling || ended_) return;
  const std::size_t window = page / fill_pages_ * fill_pages_;
  std::size_t first = page, end = page + 1;
  while (first > window && states_[first - 1] == state::missing) --first;
  while (end < std::min(window + fill_pages_, states_.size()) && states_[end] == state::missing) ++end;
  need_locked({first, end - first});
}

error_code view_memory::populate(std::uint64_t from, std::uint64_t count) {
  if (from >= bytes_ || count == 0) return {};
  const std::size_t first = from / page_bytes;
  const std::size_t end = (from + std::min(count, bytes_ - from) + page_bytes - 1) / page_bytes;
  std::unique_lock lock(mutex_);
  for (std::size_t i = first; i < end && !ended_;) {
    std::size_t run = i;
    while (run < end && run - i < ask_pages_max && states_[run] == state::missing) ++run;
    if (run > i) need_locked({i, run - i});
    i = std::max(run, i + 1);
  }
  const auto in_range = [&](state s) {
    return std::find(states_.begin() + static_cast<std::ptrdiff_t>(first),
                     states_.begin() + static_cast<std::ptrdiff_t>(end),
                     s) != states_.begin() + static_cast<std::ptrdiff_t>(end);
  };
  changed_.wait(lock, [&] { return ended_ || !in_range(state::filling); });
  if (in_range(state::failed)) return error_;
  return ended_ && in_range(state::missing) ? error_code{errc::closed} : error_code{};
}

std::span<const std::byte> view_memory::pin(std::uint64_t from, std::uint64_t most) {
  if (from >= bytes_ || most == 0) return {};
  const std::size_t first = from / page_bytes;
  const std::uint64_t until = from + std::min(most, bytes_ - from);
  const std::lock_guard lock(mutex_);
  std::size_t end = first;
  for (; end < states_.size() && end * page_bytes < until && states_[end] == state::filled; ++end) ++pins_[end];
  if (end == first) return {};
  return {data_ + from, std::min<std::uint64_t>(until, end * page_bytes) - from};
}

void view_memory::unpin(std::span<const std::byte> held) {
  if (held.empty()) return;
  const auto from = static_cast<std::size_t>(held.data() - data_);
  const std::lock_guard lock(mutex_);
  for (std::size_t i = from / page_bytes; i * page_bytes < from + held.size(); ++i) {
    FURROW_ASSERT(pins_[i] > 0);
    --pins_[i];
  }
}

std::uint64_t view_memory::release(std::uint64_t from, std::uint64_t count) {
  if (plain() || from >= bytes_) return 0;
  const std::uint64_t until = from + std::min(count, bytes_ - from);
  const std::size_t end = until == bytes_ ? states_.size() : until / page_bytes;
  std::uint64_t released = 0;
  const std::lock_guard lock(mutex_);
  if (ended_) return 0;
  for (std::size_t i = (from + page_bytes - 1) / page_bytes; i < end;) {
    std::size_t run = i;
    while (run < end && states_[run] == state::filled && pins_[run] == 0) ++run;
    // Pages that the caller has locked stay.
    if (run > i && ::madvise(data_ + i * page_bytes, (run - i) * page_bytes, MADV_DONTNEED) == 0) {
      std::fill(states_.begin() + static_cast<std::ptrdiff_t>(i), states_.begin() + static_cast<std::ptrdiff_t>(run),
                state::missing);
      released += (run - i) * page_bytes;
    }
    i = run + 1;
  }
  return released;
}

std::uint64_t view_memory::filled_bytes() {
  const std::lock_guard lock(mutex_);
  return static_cast<std::uint64_t>(std::count(states_.begin(), states_.end(), state::filled)) * page_bytes;
}

void view_memory::fill_done(page_range pages, std::span<const std::byte> from, error_code e) {
  const std::lock_guard lock(mutex_);
  if (ended_) return;
  if (e && pages.count > 1) {  // one bad page is not to fail its neighbours
    for (std::size_t i = 0; i < pages.count; ++i) ask_({pages.first + i, 1});
    return;
  }
  if (!e && watch_) e = put_locked(pages, from.data());
  if (e) {
    fail_locked(pages, e);
  } else {
    std::fill_n(states_.begin() + static_cast<std::ptrdiff_t>(pages.first), pages.count, state::filled);
  }
  changed_.notify_all();
}

error_code view_memory::put_locked(page_range pages, const std::byte* from) {
  std::size_t done = 0;
  std::size_t length = pages.count * page_bytes;
  while (done < pages.count * page_bytes) {
    length = std::max(length, done + page_bytes);
    uffdio_copy c{};
    c.dst = begin() + pages.first * page_bytes + done;
    c.src = reinterpret_cast<std::uintptr_t>(from) + done;
    c.len = length - done;
    if (::ioctl(watch_->fd(), UFFDIO_COPY, &c) == 0) {
      done += c.len;
      continue;
    }
    const int why = errno;
    if (c.copy > 0) {
      done += static_cast<std::size_t>(c.copy);
    } else if (why == ENOENT && c.len > page_bytes) {
      length = done + page_bytes;  // the caller has cut the mapping, by locking a part of it say: page by page
    } else if (why != EAGAIN) {
      return {why, boost::system::system_category()};
    }
  }
  return {};
}

void view_memory::fail_locked(page_range pages, error_code e) {
  error_ = e;
  std::fill_n(states_.begin() + static_cast<std::ptrdiff_t>(pages.first), pages.count, state::failed);
  if (!watch_) return;
  // At the file's offset that is the page's own, so that neighbours are one mapping. If there can be no more mappings, who
  // touches the page waits for ever: it sees no wrong bytes (M1).
  void* const at = data_ + pages.first * page_bytes;
  const void* const put = ::mmap(at, pages.count * page_bytes, PROT_READ, MAP_PRIVATE | MAP_FIXED, empty_file(),
                                 static_cast<off_t>(pages.first * page_bytes));
  if (put == at) wake(pages);
}

void view_memory::wake(page_range pages) const {
  uffdio_range r{begin() + pages.first * page_bytes, pages.count * page_bytes};
  static_cast<void>(::ioctl(watch_->fd(), UFFDIO_WAKE, &r));
}

void view_memory::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  for (std::size_t i = 0; i < states_.size();) {
    std::size_t run = i;
    while (run < states_.size() && (states_[run] == state::missing || states_[run] == state::filling)) ++run;
    if (run > i) fail_locked({i, run - i}, errc::closed);
    i = run + 1;
  }
  changed_.notify_all();
}

}  // namespace furrow::driver
