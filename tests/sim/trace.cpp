// Hashing and printing of a device's trace.
#include "sim/trace.hpp"

namespace furrow::sim {
namespace {

auto number(std::uint64_t n) { return static_cast<unsigned long long>(n); }

}  // namespace

const char* name_of(zoned::opcode op) {
  switch (op) {
    case zoned::opcode::append:
      return "append";
    case zoned::opcode::write:
      return "write";
    case zoned::opcode::read:
      return "read";
    case zoned::opcode::flush:
      return "flush";
    case zoned::opcode::report:
      return "report";
    case zoned::opcode::open:
      return "open";
    case zoned::opcode::close:
      return "close";
    case zoned::opcode::finish:
      return "finish";
    case zoned::opcode::reset:
      return "reset";
  }
  return "?";
}

void trace::submitted(const zoned::command& c) {
  ++count_;
  const std::uint64_t bytes = zoned::total_bytes(c.segments);
  add((std::uint64_t{static_cast<std::uint8_t>(c.op)} << 56) ^ c.zone.value);
  add(c.id.value);
  add(c.offset_bytes);
  // Not the segments: how many there are follows from what memory the heap gave, of which neighbours join.
  add(bytes ^ (std::uint64_t{c.zones.size()} << 20));
  if (file_ != nullptr) {
    std::fprintf(file_, "%llu submit %llu %s zone %u offset %llu bytes %llu segments %zu\n", number(count_),
                 number(c.id.value), name_of(c.op), c.zone.value, number(c.offset_bytes), number(bytes),
                 c.segments.size());
  }
  for (trace_watcher* w : watchers_) w->submitted(c);
}

void trace::completed(const zoned::command& c, const zoned::completion& done, const zoned::memory_zones& zones) {
  ++count_;
  add(done.id.value);
  add((std::uint64_t{static_cast<std::uint32_t>(done.error.value())} << 32) ^ done.at.zone.value);
  add(done.at.offset_bytes);
  add(done.bytes);
  if (file_ != nullptr) {
    std::fprintf(file_, "%llu complete %llu %s zone %u at %llu bytes %llu%s%s\n", number(count_), number(done.id.value),
                 name_of(c.op), c.zone.value, number(done.at.offset_bytes), number(done.bytes),
                 done.error ? " error " : "", done.error ? done.error.message().c_str() : "");
  }
  for (trace_watcher* w : watchers_) w->completed(c, done, zones);
}

void trace::interrupted(interruption how) {
  ++count_;
  add(static_cast<std::uint64_t>(how));
  if (file_ != nullptr) {
    std::fprintf(file_, "%llu %s\n", number(count_), how == interruption::power_loss ? "POWER LOST" : "PROCESS ENDED");
  }
  for (trace_watcher* w : watchers_) w->interrupted();
}

}  // namespace furrow::sim
