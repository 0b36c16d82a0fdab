#include "raw_device.hpp"

#include <poll.h>

#include <algorithm>
#include <cstdlib>

#include "failure.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct free_memory {
  void operator()(std::byte* p) const { std::free(p); }  // NOLINT: from aligned_alloc
};
using aligned_memory = std::unique_ptr<std::byte, free_memory>;

aligned_memory allocate(std::uint64_t bytes) {
  aligned_memory memory{static_cast<std::byte*>(std::aligned_alloc(zoned::store_block_bytes, bytes))};
  if (!memory) throw std::bad_alloc{};
  return memory;
}

}  // namespace

raw_device::raw_device(const std::string& uri, access how) : device_{open_device(uri, how)} { list_zones(uri); }

void raw_device::list_zones(const std::string& uri) {
  zones_.resize(shape().zone_count);
  std::size_t filled = 0;
  while (filled < zones_.size()) {
    zoned::command c;
    c.op = zoned::opcode::report;
    c.zone = {static_cast<std::uint32_t>(filled)};
    c.zones = std::span{zones_}.subspan(filled);
    const zoned::completion done = execute(c);
    if (done.error) throw make_failure(uri, done.error);
    if (done.bytes == 0) throw failure{escaped(uri) + ": the device reports fewer zones than it has"};
    filled += done.bytes;
  }
}

zoned::completion raw_device::execute(zoned::command c) {
  c.id = {next_command_++};
  const auto wait = [this] {
    pollfd ready{device_->completion_fd(), POLLIN, 0};
    ::poll(&ready, 1, 1000);
  };
  while (device_->submit({&c, 1}) == 0) wait();
  zoned::completion done;
  while (device_->reap({&done, 1}) == 0) wait();
  return done;
}

result<std::vector<std::byte>> raw_device::read(zoned::zone_index zone, std::uint64_t block, std::uint64_t blocks) {
  constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
  std::vector<std::byte> to(blocks * block_bytes);
  if ((block + blocks) * block_bytes > shape().bytes_of(zone)) return make_error_code(zoned::errc::out_of_range);
  const std::uint64_t step = std::max(block_bytes, promises().transfer_bytes_max / block_bytes * block_bytes);
  const aligned_memory memory = allocate(std::min<std::uint64_t>(step, std::max(to.size(), block_bytes)));
  for (std::uint64_t at = 0; at < to.size();) {
    const zoned::segment piece{memory.get(), std::min(step, to.size() - at)};
    zoned::command c;
    c.op = zoned::opcode::read;
    c.zone = zone;
    c.offset_bytes = block * block_bytes + at;
    c.segments = {&piece, 1};
    const zoned::completion done = execute(c);
    if (done.error) return done.error;
    if (done.bytes == 0) return make_error_code(zoned::errc::io);
    std::copy_n(memory.get(), done.bytes, to.begin() + static_cast<std::ptrdiff_t>(at));
    at += done.bytes;
  }
  return to;
}

std::uint64_t raw_device::written_blocks(zoned::zone_index index) const {
  const zoned::zone_info& z = zone(index);
  const std::uint64_t capacity = z.capacity_bytes / zoned::store_block_bytes;
  switch (z.condition) {
    case zoned::zone_condition::empty:
    case zoned::zone_condition::offline:
      return 0;
    case zoned::zone_condition::implicit_open:
    case zoned::zone_condition::explicit_open:
    case zoned::zone_condition::closed:
      return std::min(capacity, z.write_pointer_bytes / zoned::store_block_bytes);
    case zoned::zone_condition::not_write_pointer:
    case zoned::zone_condition::full:
    case zoned::zone_condition::read_only:
      return capacity;
  }
  return 0;
}

}  // namespace furrow::cli
