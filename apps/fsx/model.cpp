#include "model.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace furrow::fsx {

namespace {

const char* name_of(extent_status::kind k) {
  switch (k) {
    case extent_status::kind::data:
      return "data";
    case extent_status::kind::hole:
      return "a hole";
    case extent_status::kind::tail:
      return "the tail";
  }
  return "";
}

std::uint64_t up(std::uint64_t bytes) { return (bytes + block_bytes - 1) / block_bytes; }

}  // namespace

void model::grow(std::uint64_t to) {
  if (to <= size()) return;
  const bool had_tail = size() % block_bytes != 0;
  const std::uint64_t tail_block = size() / block_bytes;
  bytes_.resize(to);
  data_.resize(to / block_bytes, false);
  if (had_tail) mark(tail_block, tail_block + 1, true);
}

void model::mark(std::uint64_t first_block, std::uint64_t end_block, bool data) {
  end_block = std::min<std::uint64_t>(end_block, data_.size());
  for (std::uint64_t b = first_block; b < end_block; ++b) data_[b] = data;
}

void model::write(std::uint64_t at, std::span<const std::byte> from) {
  if (from.empty()) return;
  grow(at + from.size());
  std::copy(from.begin(), from.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  mark(at / block_bytes, up(at + from.size()), true);
}

void model::zero(std::uint64_t at, std::uint64_t count, bool extends) {
  const std::uint64_t old_blocks = data_.size();
  if (count != 0 && extends) grow(at + count);
  const std::uint64_t end = std::min(at + count, size());
  if (at >= end) return;
  std::fill(bytes_.begin() + static_cast<std::ptrdiff_t>(at), bytes_.begin() + static_cast<std::ptrdiff_t>(end),
            std::byte{});
  mark(up(at), end / block_bytes, false);
  for (const std::uint64_t edge : {at, end})
    if (edge % block_bytes != 0 && edge / block_bytes < old_blocks) data_[edge / block_bytes] = true;
}

void model::truncate(std::uint64_t to) {
  grow(to);
  bytes_.resize(to);
  data_.resize(to / block_bytes);
}

void model::clone(std::uint64_t at, const model& source, std::uint64_t from, std::uint64_t count) {
  if (count == 0) return;
  const std::vector<std::byte> bytes{source.bytes_.begin() + static_cast<std::ptrdiff_t>(from),
                                     source.bytes_.begin() + static_cast<std::ptrdiff_t>(from + count)};
  const std::uint64_t blocks = count / block_bytes;
  const auto first = source.data_.begin() + static_cast<std::ptrdiff_t>(from / block_bytes);
  const std::vector<bool> data{first, first + static_cast<std::ptrdiff_t>(blocks)};
  grow(at + count);
  std::copy(bytes.begin(), bytes.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(at));
  std::copy(data.begin(), data.end(), data_.begin() + static_cast<std::ptrdiff_t>(at / block_bytes));
}

std::optional<std::string> model::compare(std::uint64_t from, std::span<const std::byte> read) const {
  const auto expected = bytes(from, read.size());
  const auto [a, b] = std::mismatch(read.begin(), read.end(), expected.begin());
  if (a == read.end()) return std::nullopt;
  const auto at = static_cast<std::uint64_t>(a - read.begin());
  std::uint64_t others = 0;
  for (std::uint64_t i = at; i < read.size(); ++i) others += read[i] != expected[i] ? 1u : 0u;
  return fmt::format("byte {} (block {}, byte {} of it) is {:#04x} and was to be {:#04x}; {} of {} bytes differ",
                     from + at, (from + at) / block_bytes, (from + at) % block_bytes, static_cast<unsigned>(*a),
                     static_cast<unsigned>(*b), others, read.size());
}

std::optional<std::string> model::compare(std::uint64_t from, std::uint64_t count, const extent_list& list) const {
  using kind = extent_status::kind;
  const std::uint64_t end = from >= size() ? from : from + std::min(count, size() - from);
  const std::uint64_t tail_begin = size() / block_bytes * block_bytes;
  std::uint64_t at = from;
  for (const extent_status& x : list.extents) {
    if (x.offset_bytes != at || x.bytes == 0 || x.bytes > end - at)
      return fmt::format("an extent of bytes {}..{} where one from {} up to {} at most was to come", x.offset_bytes,
                         x.offset_bytes + x.bytes, at, end);
    for (; at < x.offset_bytes + x.bytes;
         at = std::min(x.offset_bytes + x.bytes, (at / block_bytes + 1) * block_bytes)) {
      const kind expected = at >= tail_begin ? kind::tail : data_[at / block_bytes] ? kind::data : kind::hole;
      if (x.what != expected)
        return fmt::format("block {} is {} and was to be {}", at / block_bytes, name_of(x.what), name_of(expected));
    }
  }
  if (at != end && !list.more) return fmt::format("the extents end at {}, not at {}", at, end);
  return std::nullopt;
}

}  // namespace furrow::fsx
