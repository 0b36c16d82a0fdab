// The ring of transfer_ring.hpp.
#include "uring/transfer_ring.hpp"

#include <fcntl.h>
#include <linux/falloc.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ensure.hpp"
#include "system_error.hpp"

namespace furrow::zoned {

boost::system::result<std::unique_ptr<transfer_ring>, failure> transfer_ring::open(unsigned slots, int event_fd) {
  std::unique_ptr<transfer_ring> r{new transfer_ring{slots}};
  if (const int e = ::io_uring_queue_init(slots, &r->ring_, 0); e != 0) {
    return system_failure(-e,
                          "io_uring cannot be set up; it needs Linux 5.6 and to be allowed "
                          "(sysctl kernel.io_uring_disabled=0, RLIMIT_MEMLOCK)");
  }
  r->is_open_ = true;
  if (const int e = ::io_uring_register_eventfd(&r->ring_, event_fd); e != 0) {
    return system_failure(-e, "io_uring cannot signal an event descriptor");
  }
  return r;
}

transfer_ring::~transfer_ring() {
  if (!is_open_) return;
  while (in_flight() > 0) complete([](const outcome&) {}, true);
  ::io_uring_queue_exit(&ring_);
}

void transfer_ring::read(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::span<const segment> segments) {
  slot& s = take_slot(kind::read, tag, fd, offset_bytes);
  set_segments(s, segments);
  push(s);
}

void transfer_ring::write(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::span<const segment> segments,
                          extent e) {
  slot& s = take_slot(kind::write, tag, fd, offset_bytes);
  s.wanted = e;
  set_segments(s, segments);
  push(s);
}

void transfer_ring::sync(std::uint64_t tag, int fd) { push(take_slot(kind::sync, tag, fd, 0)); }

void transfer_ring::punch(std::uint64_t tag, int fd, std::uint64_t offset_bytes, std::uint64_t bytes) {
  slot& s = take_slot(kind::punch, tag, fd, offset_bytes);
  s.total_bytes = bytes;
  push(s);
}

void transfer_ring::submit() {
  while (prepared_ > 0) {
    const int submitted = ::io_uring_submit(&ring_);
    // EBUSY and EAGAIN say that the kernel wants completions taken or memory freed first; both pass.
    if (submitted == -EBUSY || submitted == -EAGAIN || submitted == -EINTR) continue;
    ensure(submitted > 0);
    prepared_ -= static_cast<std::size_t>(submitted);
  }
}

void transfer_ring::await_one() {
  if (in_flight() == 0) return;
  submit();
  ::io_uring_cqe* first = nullptr;
  int e = 0;
  do {
    e = ::io_uring_wait_cqe(&ring_, &first);
  } while (e == -EINTR);
  ensure(e == 0);
}

bool transfer_ring::next(outcome& o) {
  ::io_uring_cqe* cqe = nullptr;
  // Nothing is ever beside the ring (I3), so a call into the library to look there is saved.
  while (::io_uring_cq_ready(&ring_) != 0 && ::io_uring_peek_cqe(&ring_, &cqe) == 0 && cqe != nullptr) {
    const std::uint64_t index = ::io_uring_cqe_get_data64(cqe);
    const int result = cqe->res;
    ::io_uring_cqe_seen(&ring_, cqe);
    slot& s = slots_[index];
    if (continues(s, result)) {
      push(s);
      continue;
    }
    o = {.tag = s.tag, .error = result < 0 ? device_error(-result) : error_code{}, .bytes = s.done_bytes};
    slots_.give_back(index);
    return true;
  }
  return false;
}

transfer_ring::slot& transfer_ring::take_slot(kind what, std::uint64_t tag, int fd, std::uint64_t offset_bytes) {
  slot& s = slots_[slots_.take()];
  s.what = what;
  s.wanted = extent::whole;
  s.fd = fd;
  s.tag = tag;
  s.offset_bytes = offset_bytes;
  s.done_bytes = 0;
  s.total_bytes = 0;
  s.vectors.clear();
  s.first_vector = 0;
  return s;
}

void transfer_ring::set_segments(slot& s, std::span<const segment> segments) {
  for (const segment& piece : segments) s.vectors.push_back({piece.data, piece.bytes});
  s.total_bytes = zoned::total_bytes(segments);
}

void transfer_ring::push(slot& s) {
  ::io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
  ensure(sqe != nullptr);
  const std::uint64_t offset = s.offset_bytes + s.done_bytes;
  switch (s.what) {
    case kind::read:
    case kind::write:
      prepare_transfer(sqe, s, offset);
      break;
    case kind::sync:
      ::io_uring_prep_fsync(sqe, s.fd, IORING_FSYNC_DATASYNC);
      break;
    case kind::punch:
      ::io_uring_prep_fallocate(sqe, s.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                                static_cast<off_t>(s.total_bytes));
      break;
  }
  ::io_uring_sqe_set_data64(sqe, slots_.index_of(s));
  ++prepared_;
}

void transfer_ring::prepare_transfer(::io_uring_sqe* sqe, const slot& s, std::uint64_t offset_bytes) {
  const iovec* const rest = s.vectors.data() + s.first_vector;
  const auto count = static_cast<unsigned>(s.vectors.size() - s.first_vector);
  if (count == 1) {  // without a list, the kernel has none to copy
    const auto bytes = static_cast<unsigned>(rest->iov_len);
    if (s.what == kind::read)
      ::io_uring_prep_read(sqe, s.fd, rest->iov_base, bytes, offset_bytes);
    else
      ::io_uring_prep_write(sqe, s.fd, rest->iov_base, bytes, offset_bytes);
  } else if (s.what == kind::read) {
    ::io_uring_prep_readv(sqe, s.fd, rest, count, offset_bytes);
  } else {
    ::io_uring_prep_writev(sqe, s.fd, rest, count, offset_bytes);
  }
}

bool transfer_ring::continues(slot& s, int result) {
  if (result == -EAGAIN || result == -EINTR) return true;
  if (result <= 0 || s.what == kind::sync || s.what == kind::punch) return false;
  std::uint64_t bytes = static_cast<std::uint64_t>(result);
  s.done_bytes += bytes;
  ensure(s.done_bytes <= s.total_bytes);
  if (s.done_bytes == s.total_bytes || s.wanted == extent::may_be_short) return false;
  while (bytes >= s.vectors[s.first_vector].iov_len) bytes -= s.vectors[s.first_vector++].iov_len;
  iovec& rest = s.vectors[s.first_vector];
  rest.iov_base = static_cast<std::byte*>(rest.iov_base) + bytes;
  rest.iov_len -= bytes;
  return true;
}

}  // namespace furrow::zoned
