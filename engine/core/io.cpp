#include "core/io.hpp"

#include "core/assert.hpp"

namespace furrow::core {

void io_table::submit(const ask& a, io_client& client, std::uint64_t tag) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  slot& s = slots_[index];
  s.what = a;
  const auto segments = a.segments.span();
  s.segments.assign(segments.begin(), segments.end());
  s.what.segments = {};
  s.client = &client;
  s.tag = tag;
  out_.push_back(index);
  ++in_flight_;
  ++submitted_;
}

bool io_table::poll(zoned::command& to) {
  if (out_.empty()) return false;
  const std::uint32_t index = out_.take();
  const slot& s = slots_[index];
  to.id = {std::uint64_t{s.generation} << 32 | index};
  to.op = s.what.op;
  to.zone = s.what.zone;
  to.offset_bytes = s.what.offset_bytes;
  to.segments = s.segments;
  to.zones = s.what.zones;
  return true;
}

const io_client* io_table::complete(const zoned::completion& c) {
  const auto index = static_cast<std::uint32_t>(c.id.value);
  FURROW_ASSERT(index < slots_.size());
  slot& s = slots_[index];
  FURROW_ASSERT(s.client != nullptr && s.generation == c.id.value >> 32);  // I1
  io_client* client = s.client;
  const std::uint64_t tag = s.tag;
  s.client = nullptr;
  ++s.generation;
  free_.push_back(index);
  --in_flight_;
  client->io_done(tag, c);  // I2
  return client;
}

}  // namespace furrow::core
