// The queue of aio_writes.hpp.
#include "zbd/aio_writes.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "ensure.hpp"
#include "system_error.hpp"

namespace furrow::zoned {

/// What the context's number points to: the kernel lets a process take its events out by itself.
struct aio_writes::ring {
  static constexpr std::uint32_t known = 0xa10a10a1;

  std::uint32_t id;
  std::uint32_t count;
  std::uint32_t head;
  std::uint32_t tail;
  std::uint32_t magic;
  std::uint32_t compatible_features;
  std::uint32_t incompatible_features;
  std::uint32_t header_bytes;

  [[nodiscard]] const ::io_event* events() const { return reinterpret_cast<const ::io_event*>(this + 1); }
};

std::unique_ptr<aio_writes> aio_writes::open(unsigned slots, int event_fd) {
  std::unique_ptr<aio_writes> w{new aio_writes{slots, event_fd}};
  if (::syscall(SYS_io_setup, slots, &w->context_) != 0) return nullptr;
  auto* const shared = reinterpret_cast<ring*>(w->context_);
  const bool readable =
      shared->magic == ring::known && shared->incompatible_features == 0 && shared->header_bytes == sizeof(ring);
  if (readable) w->ring_ = shared;
  return w;
}

aio_writes::~aio_writes() {
  if (context_ != 0) ::syscall(SYS_io_destroy, context_);
}

void aio_writes::write(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::span<const segment> segments) {
  const std::uint32_t index = slots_.take();
  slot& s = slots_[index];
  s.tag = tag;
  s.control = {};
  s.control.aio_data = index;
  s.control.aio_fildes = static_cast<std::uint32_t>(fd);
  s.control.aio_offset = static_cast<std::int64_t>(offset_bytes);
  s.control.aio_flags = IOCB_FLAG_RESFD;
  s.control.aio_resfd = static_cast<std::uint32_t>(event_fd_);
  if (segments.size() == 1) {
    s.control.aio_lio_opcode = IOCB_CMD_PWRITE;
    s.control.aio_buf = reinterpret_cast<std::uintptr_t>(segments.front().data);
    s.control.aio_nbytes = segments.front().bytes;
  } else {
    s.vectors.clear();
    for (const segment& piece : segments) s.vectors.push_back({piece.data, piece.bytes});
    s.control.aio_lio_opcode = IOCB_CMD_PWRITEV;
    s.control.aio_buf = reinterpret_cast<std::uintptr_t>(s.vectors.data());
    s.control.aio_nbytes = s.vectors.size();
  }
  prepared_.push_back(&s.control);
}

bool aio_writes::submit() {
  for (std::size_t first = 0; first < prepared_.size();) {
    const std::size_t count = std::min(prepared_.size() - first, submitted_at_once);
    const long submitted = ::syscall(SYS_io_submit, context_, count, prepared_.data() + first);
    if (submitted > 0) {
      first += static_cast<std::size_t>(submitted);
    } else if (errno != EINTR && errno != EAGAIN) {
      refused(*prepared_[first++], errno);
    }
  }
  prepared_.clear();
  return !refused_.empty();
}

void aio_writes::refused(::iocb& c, int number) {
  refused_.push_back({.tag = slots_[c.aio_data].tag, .error = device_error(number), .bytes = 0});
  slots_.give_back(c.aio_data);
}

bool aio_writes::next(outcome& o) {
  if (!refused_.empty()) {
    o = refused_.back();
    refused_.pop_back();
    return true;
  }
  if (in_flight() == 0) return false;
  ::io_event e{};
  if (!take_event(e)) return false;
  const bool failed = e.res < 0;
  o = {.tag = slots_[e.data].tag,
       .error = failed ? device_error(static_cast<int>(-e.res)) : error_code{},
       .bytes = failed ? 0 : static_cast<std::uint64_t>(e.res)};
  slots_.give_back(e.data);
  return true;
}

bool aio_writes::take_event(::io_event& e) {
  if (ring_ == nullptr) {
    ::timespec at_once{};
    return ::syscall(SYS_io_getevents, context_, 0, 1, &e, &at_once) == 1;
  }
  const std::uint32_t head = ring_->head;
  if (head == std::atomic_ref{ring_->tail}.load(std::memory_order_acquire)) return false;
  e = ring_->events()[head];
  std::atomic_ref{ring_->head}.store(head + 1 == ring_->count ? 0 : head + 1, std::memory_order_release);
  return true;
}

}  // namespace furrow::zoned
