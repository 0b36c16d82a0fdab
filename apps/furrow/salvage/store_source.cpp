#include "store_source.hpp"

#include <algorithm>

#include "furrow/failure.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t read_bytes = 1 << 20;
constexpr std::uint64_t failures_max = 1 << 18;

/// Between the two, at a multiple of a block; `end` if there is no such place.
std::uint64_t middle_of(std::uint64_t begin, std::uint64_t end) {
  if (end - begin <= block_bytes) return end;
  const std::uint64_t half = (end - begin) / 2 / block_bytes * block_bytes;
  return begin + std::max(half, block_bytes);
}

std::string line_of(const furrow::failure& f) { return f.what(); }

}  // namespace

found store_source::find(object_id id, object_status& to) {
  object_ = {};
  failures_ = 0;
  auto opened = store_.open_object(object_key{id});
  if (!opened && opened.error().code == errc::not_found) return found::no;
  if (!opened) return found::damaged;
  auto status = opened->stat();
  if (!status) return found::damaged;
  object_ = std::move(*opened);
  to = std::move(*status);
  bytes_ = to.bytes;
  return found::yes;
}

void store_source::read(const take_piece& take) { look(0, bytes_, take); }

bool store_source::given_up(std::uint64_t begin, std::uint64_t end, const take_piece& take) {
  if (failures_ < failures_max) return false;
  take({begin, end - begin, {}, {}, "too much of the object cannot be read: not looked at"});
  return true;
}

void store_source::look(std::uint64_t begin, std::uint64_t end, const take_piece& take) {
  while (begin < end) {
    if (given_up(begin, end, take)) return;
    const auto list = object_.extents(begin, end - begin);
    if (!list) {
      ++failures_;
      const std::uint64_t middle = middle_of(begin, end);
      if (middle >= end) return take({begin, end - begin, {}, {}, line_of(list.error())});
      look(begin, middle, take);
      begin = middle;
      continue;
    }
    if (list->extents.empty()) return;
    for (const extent_status& e : list->extents) {
      const std::uint64_t from = std::max(e.offset_bytes, begin), to = std::min(e.offset_bytes + e.bytes, end);
      if (e.what != extent_status::kind::hole && from < to) {
        read_data(from, to, e.where ? std::optional{e.where->zone} : std::nullopt, take);
      }
      begin = std::max(begin, to);
    }
    if (!list->more) return;
  }
}

void store_source::read_data(std::uint64_t begin, std::uint64_t end, std::optional<zoned::zone_index> zone,
                             const take_piece& take) {
  while (begin < end) {
    if (given_up(begin, end, take)) return;
    const std::uint64_t bytes = std::min(read_bytes, end - begin);
    memory_.resize(read_bytes);
    const auto got = object_.read(begin, asio::buffer(memory_.data(), bytes));
    if (got && *got == bytes) {
      take({begin, bytes, std::span{memory_}.first(bytes), zone, {}});
      begin += bytes;
      continue;
    }
    ++failures_;
    const std::uint64_t middle = middle_of(begin, begin + bytes);
    const auto its_zone = !got && got.error().detail.zone ? got.error().detail.zone : zone;
    if (middle >= begin + bytes) {
      take({begin, bytes, {}, its_zone, got ? std::string{"less came than there is"} : got.error().code.message()});
    } else {
      read_data(begin, middle, zone, take);
      read_data(middle, begin + bytes, zone, take);
    }
    begin += bytes;
  }
}

}  // namespace furrow::cli
