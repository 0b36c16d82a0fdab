// The ring of command_ring.hpp.
#include "nvme/command_ring.hpp"

#include <linux/nvme_ioctl.h>

#include <cerrno>
#include <cstring>

#include "ensure.hpp"
#include "system_error.hpp"

namespace furrow::zoned::nvme {

boost::system::result<std::unique_ptr<command_ring>, failure> command_ring::open(unsigned slots, int event_fd,
                                                                                 int device_fd,
                                                                                 std::uint32_t namespace_id) {
  std::unique_ptr<command_ring> r{new command_ring{slots, device_fd, namespace_id}};
  if (const int e = ::io_uring_queue_init(slots, &r->ring_, IORING_SETUP_SQE128 | IORING_SETUP_CQE32); e != 0) {
    return system_failure(-e,
                          "io_uring cannot be set up for NVMe commands; it needs Linux 5.19 and to be allowed "
                          "(sysctl kernel.io_uring_disabled=0, RLIMIT_MEMLOCK)");
  }
  r->is_open_ = true;
  if (const int e = ::io_uring_register_eventfd(&r->ring_, event_fd); e != 0) {
    return system_failure(-e, "io_uring cannot signal an event descriptor");
  }
  return r;
}

command_ring::~command_ring() {
  if (!is_open_) return;
  while (in_flight() > 0) complete([](const outcome&) {}, true);
  ::io_uring_queue_exit(&ring_);
}

void command_ring::start(std::uint64_t tag, const ring_command& c) {
  const std::uint32_t index = slots_.take();
  slot& s = slots_[index];
  s.tag = tag;
  s.vectors.clear();
  for (const segment& piece : c.memory) s.vectors.push_back({piece.data, piece.bytes});

  ::io_uring_sqe* sqe = ::io_uring_get_sqe(&ring_);
  ensure(sqe != nullptr);
  std::memset(sqe, 0, 2 * sizeof *sqe);
  const bool gathered = s.vectors.size() > 1;
  sqe->opcode = IORING_OP_URING_CMD;
  sqe->fd = device_fd_;
  sqe->cmd_op = static_cast<std::uint32_t>(gathered ? NVME_URING_CMD_IO_VEC : NVME_URING_CMD_IO);
  sqe->user_data = index;
  ::nvme_uring_cmd n{};
  n.opcode = static_cast<std::uint8_t>(c.op);
  n.nsid = namespace_id_;
  n.cdw10 = static_cast<std::uint32_t>(c.lba);
  n.cdw11 = static_cast<std::uint32_t>(c.lba >> 32);
  n.cdw12 = c.dword12;
  n.cdw13 = c.dword13;
  if (gathered) {
    n.addr = reinterpret_cast<std::uintptr_t>(s.vectors.data());
    n.data_len = static_cast<std::uint32_t>(s.vectors.size());
  } else if (!s.vectors.empty()) {
    n.addr = reinterpret_cast<std::uintptr_t>(s.vectors[0].iov_base);
    n.data_len = static_cast<std::uint32_t>(s.vectors[0].iov_len);
  }
  std::memcpy(sqe->cmd, &n, sizeof n);
  ++prepared_;
}

void command_ring::submit() {
  while (prepared_ > 0) {
    const int submitted = ::io_uring_submit(&ring_);
    // EBUSY and EAGAIN say that the kernel wants completions taken or memory freed first; both pass.
    if (submitted == -EBUSY || submitted == -EAGAIN || submitted == -EINTR) continue;
    ensure(submitted > 0);
    prepared_ -= static_cast<std::size_t>(submitted);
  }
}

void command_ring::await_one() {
  if (in_flight() == 0) return;
  submit();
  ::io_uring_cqe* first = nullptr;
  int e = 0;
  do {
    e = ::io_uring_wait_cqe(&ring_, &first);
  } while (e == -EINTR);
  ensure(e == 0);
}

bool command_ring::next(outcome& o) {
  ::io_uring_cqe* cqe = nullptr;
  if (::io_uring_peek_cqe(&ring_, &cqe) != 0 || cqe == nullptr) return false;
  const std::uint64_t index = cqe->user_data;
  const int status = cqe->res;
  o = {.tag = slots_[index].tag,
       .error = status < 0 ? device_error(-status) : error_of_status(static_cast<unsigned>(status)),
       .result = cqe->big_cqe[0]};
  ::io_uring_cqe_seen(&ring_, cqe);
  slots_.give_back(index);
  return true;
}

}  // namespace furrow::zoned::nvme
