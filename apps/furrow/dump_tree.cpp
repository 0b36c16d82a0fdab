#include "dump_tree.hpp"

#include <fmt/format.h>

#include <functional>

#include "format/checksum.hpp"
#include "format/keys.hpp"
#include "format/names.hpp"

namespace furrow::cli {

namespace {

using page_bytes = std::vector<std::byte>;

struct expected_page {
  format::page_ref ref;
  std::uint8_t level = 0;
};

/// What a walk does with a page that verifies, before its children; false: not to go below it.
using visit_page = std::function<bool(const dump_place& at, const format::page_identity&, const format::page_view&)>;
/// Whether the subtree of the keys in [from, to) is wanted; an empty `to` is the end.
using want_subtree = std::function<bool(format::key_view from, format::key_view to)>;

class tree_walk {
 public:
  tree_walk(const dump_context& c, const format::superblock& s, format::page_kind kind)
      : c_{c}, store_{s.store}, root_{kind == format::page_kind::object ? s.objects : s.zones}, kind_{kind} {}

  void walk(const visit_page& visit, const want_subtree& want) {
    if (root_.ref.empty()) return c_.to.note({}, "empty", 1);
    walk({root_.ref, root_.level}, {}, visit, want);
  }

 private:
  void walk(const expected_page& expected, const format::key& end, const visit_page& visit, const want_subtree& want) {
    const unsigned depth = 1U + root_.level - expected.level;
    dump_place at;
    const auto bytes = read(expected, at, depth);
    if (!bytes)
      return c_.to.fault({},
                         fmt::format("{} page of generation {}, level {}: no copy verifies", format::name_of(kind_),
                                     expected.ref.generation, expected.level),
                         depth);
    const format::page_view page{std::span{*bytes}.first<format::page_bytes>()};
    visit(at, *format::check_page(*bytes, store_), page);
    if (expected.level == 0) return;
    for (std::size_t i = 0; i < page.count(); ++i) {
      const format::key to{i + 1 < page.count() ? page.key(i + 1) : format::key_view{end}};
      if (!want(page.key(i), to)) continue;
      format::reader from{page.value(i)};
      const format::page_ref ref = format::page_ref::decode(from);
      if (from.failed() || from.left() != 0 || ref.empty()) {
        c_.to.fault(at, fmt::format("cell {} is no reference to a page", i), depth + 1);
        continue;
      }
      walk({ref, static_cast<std::uint8_t>(expected.level - 1)}, to, visit, want);
    }
  }

  /// The first copy that verifies; the faults of those before it are told.
  std::optional<page_bytes> read(const expected_page& expected, dump_place& at, unsigned depth) {
    for (const zoned::device_address a : expected.ref.copies) {
      if (a == format::page_ref::no_copy) continue;
      const zoned::geometry& shape = c_.device.shape();
      if (shape.zone_of(a).value >= shape.zone_count) {
        c_.to.fault({}, fmt::format("page: block {} is behind the device's end", a.block()), depth);
        continue;
      }
      at = {shape.zone_of(a), shape.block_in_zone(a)};
      auto bytes = c_.device.read(at.zone, at.block, 1);
      const std::string why = bytes ? fault_of(expected, *bytes) : bytes.error().message();
      if (why.empty()) return std::move(*bytes);
      c_.to.fault(at, "page: " + why, depth);
    }
    return std::nullopt;
  }

  [[nodiscard]] std::string fault_of(const expected_page& expected, const page_bytes& bytes) const {
    const auto identity = format::check_page(bytes, store_);
    if (!identity) return identity.error().message();
    if (identity->kind != kind_) return fmt::format("a page of the {} tree", format::name_of(identity->kind));
    if (identity->level != expected.level)
      return fmt::format("level {} in place of {}", identity->level, expected.level);
    if (identity->generation != expected.ref.generation) {
      return fmt::format("generation {} in place of {}", identity->generation, expected.ref.generation);
    }
    return {};
  }

  const dump_context& c_;
  format::uuid store_;
  format::tree_root root_;
  format::page_kind kind_;
};

/// Compares a run's sums with the blocks; what differs is a fault.
void verify_run(const dump_context& c, const format::superblock& s, const format::run_parts& parts,
                const format::run_view& run) {
  const dump_place at{parts.zone, parts.block};
  const auto blocks = c.device.read(parts.zone, parts.block, run.blocks());
  if (!blocks) return c.to.fault(at, blocks.error().message(), 2);
  if (s.data_checksum != format::checksum_kind::crc32c || !run.has_sums()) return;
  for (std::size_t i = 0; i < run.blocks(); ++i) {
    const auto block = std::span{*blocks}.subspan(i * zoned::store_block_bytes, zoned::store_block_bytes);
    if (format::crc32c(block) == run.sum(i)) continue;
    c.to.fault({{parts.zone, parts.block + i}},
               fmt::format("object {} block {}: the sum does not agree", run.object(), run.object_block() + i), 2);
  }
}

}  // namespace

void dump_tree(const dump_context& c, const format::superblock& s, format::page_kind kind) {
  const format::tree_root& root = kind == format::page_kind::object ? s.objects : s.zones;
  c.to.heading(fmt::format("{} tree: {} pages", format::name_of(kind), root.pages));
  const auto print = [&](const dump_place& at, const format::page_identity& identity, const format::page_view& page) {
    const unsigned depth = 1U + root.level - identity.level;
    c.to.structure(at, format::describe(identity, page), depth);
    for (std::size_t i = 0; i < page.count(); ++i) {
      c.to.structure({}, format::describe_cell(identity, page.key(i), page.value(i)), depth + 1);
    }
    return true;
  };
  tree_walk{c, s, kind}.walk(print, [](auto, auto) { return true; });
}

void dump_runs_of_zone(const dump_context& c, const format::superblock& s, zoned::zone_index zone) {
  const format::key first = format::run_key(0, zone, 0);
  const format::key behind = format::after_prefix(first.substr(0, first.size() - sizeof(std::uint32_t)));
  const auto print = [&](const dump_place&, const format::page_identity& identity, const format::page_view& page) {
    if (identity.level > 0) return true;
    for (std::size_t i = page.lower_bound(first); i < page.count() && page.key(i) < behind; ++i) {
      const auto parts = format::parse_run_key(page.key(i));
      const auto run = format::run_view::of(page.value(i));
      const std::optional<dump_place> at = parts ? std::optional{dump_place{parts->zone, parts->block}} : std::nullopt;
      c.to.structure(at, format::describe_cell(identity, page.key(i), page.value(i)), 1);
      if (parts && run) verify_run(c, s, *parts, *run);
    }
    return true;
  };
  const auto overlaps = [&](format::key_view from, format::key_view to) {
    return from < behind && (to.empty() || to > first);
  };
  tree_walk{c, s, format::page_kind::zone}.walk(print, overlaps);
}

}  // namespace furrow::cli
