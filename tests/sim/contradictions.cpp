#include "sim/contradictions.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "format/keys.hpp"
#include "sim/failure.hpp"

namespace furrow::sim {
namespace {

using format::page_kind;
using is_cell = std::function<bool(format::key_view, format::value_view)>;
using bytes = std::vector<std::byte>;

/// A cell of some page.
struct cell {
  std::size_t structure = 0;
  std::size_t value_offset = 0;
  std::uint64_t generation = 0;
  std::string key;
  bytes value;
};

/// All cells of pages of that kind and level that are such, of old pages too.
std::vector<cell> cells_of(const forgery& f, page_kind kind, std::uint8_t level, const is_cell& is) {
  std::vector<cell> all;
  for (std::size_t i = 0; i < f.structures(); ++i) {
    const std::span<const std::byte> page = f.at(i).bytes;
    if (format::load_le<std::uint32_t>(page.data()) != format::page_magic) continue;
    if (page[4] != static_cast<std::byte>(kind) || page[5] != std::byte{level}) continue;
    const format::page_view cells{page.first<format::page_bytes>()};
    for (std::size_t c = 0; c < cells.count(); ++c) {
      const auto [key, value] = cells.at(c);
      if (is(key, value))
        all.push_back({i, static_cast<std::size_t>(value.data() - page.data()),
                       format::load_le<std::uint64_t>(page.data() + 24), std::string{key},
                       bytes(value.begin(), value.end())});
    }
  }
  return all;
}

/// The first such cell of the newest page that has one.
cell find(const forgery& f, page_kind kind, std::uint8_t level, const is_cell& is) {
  std::optional<cell> found;
  for (const cell& c : cells_of(f, kind, level, is))
    if (!found || c.generation > found->generation) found = c;
  if (!found) throw broken_promise{"the store has no cell to forge"};
  return *found;
}

/// In every page that has it.
void change(forgery& f, page_kind kind, std::uint8_t level, const cell& c, std::size_t offset,
            std::span<const std::byte> to) {
  for (const cell& one : cells_of(f, kind, level, [&](format::key_view k, format::value_view) { return k == c.key; }))
    f.forge(one.structure, one.value_offset + offset, to);
}

template <class T>
std::function<void(forgery&)> says(page_kind kind, is_cell is, std::size_t offset, T value) {
  return [kind, is = std::move(is), offset, value](forgery& f) {
    std::array<std::byte, sizeof(T)> to{};
    format::store_le(to.data(), value);
    change(f, kind, 0, find(f, kind, 0, is), offset, to);
  };
}
/// Another one of the same length says what the first does.
std::function<void(forgery&)> says_as_the_first(page_kind kind, std::uint8_t level, is_cell is) {
  return [kind, level, is = std::move(is)](forgery& f) {
    const cell first = find(f, kind, level, is);
    const cell other = find(f, kind, level, [&](format::key_view k, format::value_view v) {
      return is(k, v) && k != first.key && v.size() == first.value.size() && !std::ranges::equal(v, first.value);
    });
    change(f, kind, level, other, 0, first.value);
  };
}

constexpr std::uint64_t both(std::uint32_t blocks) { return std::uint64_t{blocks} << 32 | blocks; }

}  // namespace

std::vector<contradiction> contradictions() {
  const is_cell extent = [](format::key_view k, format::value_view) { return format::parse_extent_key(k).has_value(); };
  const is_cell object = [](format::key_view k, format::value_view) { return format::parse_object_key(k).has_value(); };
  const is_cell name = [](format::key_view k, format::value_view) { return format::parse_name_key(k).has_value(); };
  const is_cell run = [](format::key_view k, format::value_view) { return format::parse_run_key(k).has_value(); };
  const is_cell shared = [](format::key_view k, format::value_view) { return format::parse_shared_key(k).has_value(); };
  const is_cell any = [](format::key_view, format::value_view) { return true; };
  const is_cell shared_extent = [](format::key_view k, format::value_view v) {
    return format::parse_extent_key(k) && v[17] == std::byte{1};
  };
  constexpr page_kind objects = page_kind::object, zones = page_kind::zone;
  return {
      {"an extent of no blocks", says(objects, extent, 8, both(0))},
      {"an extent that reaches into the next one", says(objects, extent, 8, both(200))},
      {"an extent of four billion blocks", says(objects, extent, 8, both(~std::uint32_t{0}))},
      {"an extent that stores less than it is", says(objects, extent, 8, std::uint32_t{0})},
      {"an extent in a zone of superblocks", says(objects, extent, 0, std::uint64_t{0})},
      {"an extent beyond the device", says(objects, extent, 0, std::uint64_t{1} << 40)},
      {"an extent on another device", says(objects, extent, 6, std::uint16_t{7})},
      {"an extent that is shared, and does not say so", says(objects, shared_extent, 17, std::uint8_t{0})},
      {"an extent of zeros that has a place", says(objects, extent, 16, std::uint8_t{2})},
      {"two extents in one place", says_as_the_first(objects, 0, extent)},
      {"an object of 2^63 bytes", says(objects, object, 8, std::uint64_t{1} << 63)},
      {"an object of no bytes that has extents", says(objects, object, 8, std::uint64_t{0})},
      {"an object of more extents than there are", says(objects, object, 24, std::uint64_t{1'000'000})},
      {"an object of more blocks than there are", says(objects, object, 32, std::uint64_t{1'000'000})},
      {"an object in a collection that is not there", says(objects, object, 0, std::uint32_t{77})},
      {"an object that bears another one's name", says_as_the_first(objects, 0, object)},
      {"a name of an object that is not there", says(objects, name, 0, std::uint64_t{1'000'000})},
      {"two names of one object", says_as_the_first(objects, 0, name)},
      {"a run of another object", says(zones, run, 0, std::uint64_t{1'000'000})},
      {"a run of other blocks of its object", says(zones, run, 8, std::uint8_t{77})},
      {"a run of more blocks than it has sums of", says(zones, run, 14, std::uint8_t{255})},
      {"blocks that four billion extents share", says(zones, shared, 4, ~std::uint32_t{0})},
      {"blocks that one extent shares", says(zones, shared, 4, std::uint32_t{1})},
      {"two ways to one leaf of objects", says_as_the_first(objects, 1, any)},
  };
}

}  // namespace furrow::sim
