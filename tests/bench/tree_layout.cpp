// What a page tree costs: bytes on disk and in memory, time of lookups and inserts, pages written for one change.
//
//   tree_layout [count]     default 1,000,000 of each kind
//
// Not here: reading pages from a device; all leaves are resident but for the last column of memory.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "core/page_tree.hpp"

using namespace furrow;

namespace {

std::uint64_t allocations = 0;

}  // namespace

void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes)) return p;
  throw std::bad_alloc{};
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

using random_source = std::mt19937_64;

struct cell {
  format::key key;
  std::vector<std::byte> value;
};

/// Of processor time, so that other programs on the machine count for little.
double ns_since(std::clock_t start, std::size_t calls) {
  const double ns = static_cast<double>(std::clock() - start) * (1e9 / static_cast<double>(CLOCKS_PER_SEC));
  return ns / static_cast<double>(calls);
}

struct checkpoint_cost {
  std::size_t pages = 0;
  double ns_a_page = 0;
};

/// Writes nowhere, but does all of a checkpoint's work on the tree.
checkpoint_cost checkpoint(core::page_tree& tree, std::uint64_t& block) {
  const auto start = std::clock();
  checkpoint_cost cost;
  static_cast<void>(tree.take_dying());
  core::tree_snapshot snapshot = tree.freeze();
  std::array<std::byte, format::page_bytes> page;
  for (std::uint8_t level = 0; level <= snapshot.level; ++level) {
    for (const core::node_ptr& node : core::page_tree::collect_dirty(snapshot, level)) {
      format::page_ref ref = tree.seal(*node, page, ++block, 1, 1);
      ref.copies[0] = zoned::device_address{0, block};
      tree.placed(*node, ref);
      ++cost.pages;
    }
  }
  tree.drop(std::move(snapshot));
  cost.ns_a_page = ns_since(start, cost.pages);
  return cost;
}

void measure(const char* what, const std::vector<cell>& cells, std::uint64_t seed) {
  core::page_tree tree{format::page_kind::object, format::uuid{}};
  std::uint64_t block = 0;
  std::uint64_t now = 0;
  std::size_t payload = 0;
  const auto insert_start = std::clock();
  for (const cell& c : cells) {
    tree.put(c.key, c.value);
    payload += c.key.size() + c.value.size();
  }
  const double insert_ns = ns_since(insert_start, cells.size());
  const checkpoint_cost whole = checkpoint(tree, block);

  random_source random{seed};
  std::vector<format::key> wanted(std::min<std::size_t>(cells.size(), 500'000));
  for (format::key& w : wanted) w = cells[random() % cells.size()].key;
  std::size_t found = 0;
  const std::uint64_t allocations_before = allocations;
  const auto find_start = std::clock();
  for (const format::key& w : wanted) {
    tree.advance(++now);
    found += tree.find(w).has_cell() ? 1u : 0u;
  }
  const double find_ns = ns_since(find_start, wanted.size());
  const std::uint64_t find_allocations = allocations - allocations_before;
  if (found != wanted.size()) std::abort();

  tree.put(cells[0].key, cells[cells.size() - 1].value);
  const checkpoint_cost one = checkpoint(tree, block);
  const double count = static_cast<double>(cells.size());
  const double disk = static_cast<double>(tree.pages() * format::page_bytes) / count;
  const double memory = static_cast<double>(tree.resident_bytes()) / count;
  const std::size_t leaves = tree.resident_leaves();
  const auto evict_start = std::clock();
  static_cast<void>(tree.evict(0, now + 1));
  const double evict_ns = ns_since(evict_start, leaves);
  const double index_memory = static_cast<double>(tree.resident_bytes()) / count;
  std::printf("%-22s %8.1f %7.1f %7.1f %7.2f %8.0f %7.2f %8.0f %8.0f %8.0f %10zu\n", what,
              static_cast<double>(payload) / count, disk, memory, index_memory, find_ns,
              static_cast<double>(find_allocations) / static_cast<double>(wanted.size()), insert_ns, whole.ns_a_page,
              evict_ns, one.pages * format::page_bytes);
}

/// Extents of 1 to 31 blocks appended to objects in random turn: 64 KiB on average.
std::vector<cell> extents(std::size_t count, std::uint64_t objects, std::uint64_t seed) {
  random_source random{seed};
  std::vector<std::uint64_t> end(objects, 0);
  std::vector<cell> cells(count);
  std::uint64_t address = 0;
  for (cell& c : cells) {
    const std::uint64_t object = random() % objects;
    format::extent_value value;
    value.address = zoned::device_address{0, address};
    value.blocks = value.logical_blocks = static_cast<std::uint32_t>(1 + random() % 31);
    c = {format::extent_key(object + 1, end[object]), format::encode(value)};
    end[object] += value.blocks;
    address += value.blocks;
  }
  return cells;
}

std::vector<cell> names(std::size_t count, bool ascending, std::uint64_t seed) {
  random_source random{seed};
  std::vector<cell> cells(count);
  for (std::size_t i = 0; i < count; ++i) {
    char name[64];
    const std::uint64_t day = ascending ? i * 360 / count : random() % 360;
    const std::uint64_t number = ascending ? i : random() % 100'000'000;
    std::snprintf(name, sizeof name, "photos/2026/%02u/%02u/img_%08u.jpg", static_cast<unsigned>(day / 30 + 1),
                  static_cast<unsigned>(day % 30 + 1), static_cast<unsigned>(number));
    std::vector<std::byte> id(8);
    format::store_le(id.data(), std::uint64_t{i});
    cells[i] = {format::name_key(1, name), std::move(id)};
  }
  return cells;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  if (count == 0) return std::fprintf(stderr, "usage: tree_layout [count]\n"), 2;
  std::printf("%zu of each; bytes are each one's, times are ns of processor time a call\n\n", count);
  std::printf("%-22s %8s %7s %7s %7s %8s %7s %8s %8s %8s %10s\n", "", "key+", "on", "in", "evic-", "", "alloc-", "",
              "flush", "evict", "written by");
  std::printf("%-22s %8s %7s %7s %7s %8s %7s %8s %8s %8s %10s\n", "", "value", "disk", "memory", "ted", "lookup",
              "ations", "insert", "a page", "a leaf", "1 change");
  measure("extents, 1 object", extents(count, 1, 1), 1);
  measure("extents, 100 objects", extents(count, 100, 2), 2);
  measure("extents, 10k objects", extents(count, 10'000, 3), 3);
  measure("names, ascending", names(count, true, 4), 4);
  measure("names, random", names(count, false, 5), 5);
  return 0;
}
