#include "draw.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "model.hpp"

namespace furrow::fsx {

namespace {

constexpr std::uint64_t length_max = 256 << 10;

struct weight {
  op_kind kind;
  std::uint64_t share;
};
/// Per 2,120 operations.
constexpr std::array<weight, op_kinds> weights{{{op_kind::append, 300},
                                                {op_kind::write, 500},
                                                {op_kind::read, 360},
                                                {op_kind::punch, 170},
                                                {op_kind::write_zeroes, 120},
                                                {op_kind::truncate, 130},
                                                {op_kind::trim_front, 40},
                                                {op_kind::clone, 160},
                                                {op_kind::extents, 160},
                                                {op_kind::map, 60},
                                                {op_kind::write_view, 60},
                                                {op_kind::sync, 54},
                                                {op_kind::recreate, 4},
                                                {op_kind::reopen, 2}}};
constexpr std::uint64_t weights_total = 2120;

}  // namespace

const char* name_of(op_kind k) {
  constexpr std::array<const char*, op_kinds> names{"append",     "write",      "read",     "punch",   "write_zeroes",
                                                    "truncate",   "trim_front", "clone",    "extents", "map",
                                                    "write_view", "sync",       "recreate", "reopen"};
  return names[static_cast<std::size_t>(k)];
}

std::string to_text(const operation& o) {
  std::string text = fmt::format("{} {}", o.number, name_of(o.kind));
  if (o.kind == op_kind::reopen) return text;
  text += fmt::format(" object {}", o.object);
  if (o.kind == op_kind::sync || o.kind == op_kind::recreate) return text;
  if (o.kind == op_kind::truncate || o.kind == op_kind::trim_front)
    text += fmt::format(" to {:#x}", o.offset_bytes);
  else
    text += fmt::format(" {:#x}..{:#x} ({} bytes)", o.offset_bytes, o.offset_bytes + o.bytes, o.bytes);
  if (o.kind == op_kind::write_view) text += fmt::format(" of its view from {:#x}", o.source_offset_bytes);
  if (o.kind == op_kind::clone) text += fmt::format(" of object {} from {:#x}", o.source, o.source_offset_bytes);
  return text + (o.durable ? " durable" : "");
}

/// splitmix64
std::uint64_t drawer::random() {
  std::uint64_t v = state_ += 0x9e37'79b9'7f4a'7c15;
  v = (v ^ v >> 30) * 0xbf58'476d'1ce4'e5b9;
  v = (v ^ v >> 27) * 0x94d0'49bb'1331'11eb;
  return v ^ v >> 31;
}

void drawer::fill(std::span<std::byte> to) {
  if (one_in(32)) {
    std::memset(to.data(), 0, to.size());
    return;
  }
  for (std::size_t at = 0; at < to.size(); at += sizeof(std::uint64_t)) {
    const std::uint64_t word = random();
    std::memcpy(to.data() + at, &word, std::min(sizeof word, to.size() - at));
  }
}

op_kind drawer::kind() {
  std::uint64_t share = below(weights_total);
  for (const weight& w : weights) {
    if (share < w.share) return w.kind;
    share -= w.share;
  }
  return op_kind::sync;
}

std::uint64_t drawer::length() {
  std::uint64_t bytes = 0;
  switch (below(5)) {
    case 0:
      bytes = 1 + below(64);
      break;
    case 1:
      bytes = 1 + below(4 * block_bytes);
      break;
    case 2:
      bytes = (1 + below(16)) * block_bytes;
      break;
    case 3:
      bytes = (1 + below(16)) * block_bytes + below(7) - 3;
      break;
    default:
      bytes = 1 + below(length_max);
      break;
  }
  return std::min({bytes, length_max, options_.object_bytes_max});
}

std::uint64_t drawer::offset(std::uint64_t end) {
  std::uint64_t at = below(end + 1);
  switch (below(4)) {
    case 0:
      break;
    case 1:
      at = at / block_bytes * block_bytes;
      break;
    case 2:
      at = at / block_bytes * block_bytes + below(7) - std::min<std::uint64_t>(3, at / block_bytes * block_bytes);
      break;
    default:
      at = end - std::min(end, below(2 * block_bytes));
      break;
  }
  return std::min(at, end);
}

void drawer::range_inside(operation& o, std::uint64_t size) {
  o.offset_bytes = offset(size);
  o.bytes = std::min(length(), size - o.offset_bytes);
}

/// Behind the end too: up to 64 KiB from it.
void drawer::range_anywhere(operation& o, std::uint64_t size) {
  const std::uint64_t most = options_.object_bytes_max;
  o.offset_bytes = one_in(12) ? size + below(64 << 10) : offset(size);
  o.offset_bytes = std::min(o.offset_bytes, most - 1);
  o.bytes = std::min(length(), most - o.offset_bytes);
}

bool drawer::clone(operation& o) {
  o.source = below(options_.objects);
  const std::uint64_t from = size_of_(o.source), to = size_of_(o.object);
  o.source_offset_bytes = offset(from) / block_bytes * block_bytes;
  range_anywhere(o, to);
  o.offset_bytes = o.offset_bytes / block_bytes * block_bytes;
  const std::uint64_t most = std::min(from - o.source_offset_bytes, options_.object_bytes_max - o.offset_bytes);
  o.bytes = std::min(o.bytes, most) / block_bytes * block_bytes;
  const std::uint64_t rest = from - o.source_offset_bytes;
  if (one_in(4) && rest <= most && o.offset_bytes + rest >= to) o.bytes = rest;
  const bool meets = o.source == o.object && o.offset_bytes < o.source_offset_bytes + o.bytes &&
                     o.source_offset_bytes < o.offset_bytes + o.bytes;
  return o.bytes > 0 && !meets;
}

bool drawer::map(operation& o, std::uint64_t size) {
  o.offset_bytes = offset(size) / block_bytes * block_bytes;
  o.bytes = std::min(length(), size - o.offset_bytes);
  return o.bytes > 0;
}

/// The view and what it is written over may overlap.
bool drawer::write_view(operation& o, std::uint64_t size) {
  o.source_offset_bytes = offset(size) / block_bytes * block_bytes;
  range_anywhere(o, size);
  o.bytes = std::min(o.bytes, size - o.source_offset_bytes);
  return o.bytes > 0;
}

operation drawer::next(std::uint64_t number) {
  operation o;
  o.number = number;
  o.kind = kind();
  o.object = below(options_.objects);
  o.durable = one_in(16);
  const std::uint64_t size = size_of_(o.object);
  if (o.kind == op_kind::reopen && !options_.reopens) o.kind = op_kind::sync;
  if (o.kind == op_kind::map && !options_.maps) o.kind = op_kind::read;
  if (o.kind == op_kind::write_view && !options_.maps) o.kind = op_kind::write;
  if (o.kind == op_kind::map && !map(o, size)) o.kind = op_kind::write;
  if (o.kind == op_kind::write_view && !write_view(o, size)) o.kind = op_kind::write;
  if (o.kind == op_kind::clone && !clone(o)) o.kind = op_kind::write;
  if (o.kind == op_kind::append) {
    o.offset_bytes = size;
    o.bytes = length();
    if (o.bytes > options_.object_bytes_max - size) o.kind = op_kind::truncate;
  }
  switch (o.kind) {
    case op_kind::write:
    case op_kind::write_zeroes:
    case op_kind::punch:
      range_anywhere(o, size);
      break;
    case op_kind::read:
    case op_kind::extents:
      range_inside(o, size);
      break;
    case op_kind::truncate:
      o.offset_bytes = one_in(4) ? offset(options_.object_bytes_max) : offset(size);
      break;
    case op_kind::trim_front:
      o.offset_bytes = offset(size);
      break;
    case op_kind::append:
    case op_kind::clone:
    case op_kind::map:
    case op_kind::write_view:
    case op_kind::sync:
    case op_kind::recreate:
    case op_kind::reopen:
      break;
  }
  return o;
}

}  // namespace furrow::fsx
