// What each record does to the trees and the zone table: the one place, for publication and for replay.
//
// Invariants
//   I1  prepare() changes nothing. apply() follows a ready prepare() of the same record in the same turn; it cannot fail.
//   I2  The trees after records 1..n depend on these records alone, not on whether they were published or replayed.
//   I3  The blocks of an object's extents sum up to object_value.blocks; over all objects, by zone, to live_blocks.
//
// Not here: whether a record may be published (publisher), its encoding (format/record), extents (extent_edit).
#pragma once

#include <unordered_map>

#include "core/context.hpp"
#include "core/extent_edit.hpp"

namespace furrow::core {

/// What an object is, as a replay keeps it.
struct kept_value {
  format::object_value value;
  bool changed = false;  ///< Since it was put into the tree; the page that it is to go to is dirty, and so at hand.
};

/// One whole extent in the place of another, of an object whose value stands in memory: what replay_batch takes together.
struct replacement {
  std::uint64_t sequence = 0;
  std::uint64_t object = 0, object_block = 0;
  format::block_run to;
  zoned::device_address was;
  std::uint64_t fence_epoch = 0;
  std::int64_t modified_ns = 0;
  std::uint32_t tail_epoch = 0;
  format::zone_class cls = format::zone_class::unhinted;
  kept_value* kept = nullptr;  ///< The object's, if it is known.
};

class applier {
 public:
  explicit applier(context& c) : c_{c}, extents_{c} {}

  /// Pages that are needed first, or why the record contradicts the trees (in a replay: damage; else a bug).
  [[nodiscard]] readiness prepare(const format::record_body& body);
  void apply(std::uint64_t sequence, const format::record_body& body);
  /// Its cell as its account is now; where it goes was prepared in this turn.
  void put_collection(collection_account& a);

  /// From now on prepare() takes these objects for created, and contradictions for those of a group whose earlier
  /// records are not applied yet (the publisher has checked them); none: as usual.
  void assume(const std::vector<std::uint64_t>* created) { assumed_ = created; }

  /// For a replay: from now on what objects are stands here once they were changed, and goes into the tree with
  /// settle_values(), which ends this.
  void keep_values() { keeps_ = true; }
  void settle_values();
  /// So many are kept.
  [[nodiscard]] std::size_t kept_values() const { return kept_.size(); }

  /// Its value, if a replay keeps it; until settle_values().
  [[nodiscard]] kept_value* find_kept(std::uint64_t object);
  /// Of a replacement all but the extent's cell, which is somebody else's: whether it can be applied, and that.
  [[nodiscard]] readiness prepare_replacement(const replacement& r);
  void apply_replacement(const replacement& r, std::span<const std::uint32_t> sums);

  /// The object as last published.
  [[nodiscard]] readiness load(std::uint64_t object, std::optional<format::object_value>& to);
  /// The bytes of its tail, or of its attributes.
  [[nodiscard]] readiness load_tail(std::uint64_t object, std::uint64_t object_bytes, std::vector<std::byte>& to);
  [[nodiscard]] readiness load_attributes(std::uint64_t object, const format::object_value& v, attributes& to);
  /// Blocks of it that are a hole though extents are still there, if any.
  [[nodiscard]] readiness load_doomed(std::uint64_t object, std::optional<format::doomed_value>& to);
  [[nodiscard]] const extent_editor& extents() const { return extents_; }

 private:
  readiness prepare_publish(const format::publish_record& r);
  readiness prepare_tail(const format::tail_record& r);
  readiness prepare_create(const format::create_record& r);
  readiness prepare_unname(std::uint64_t object);
  readiness prepare_rename(const format::rename_record& r);
  readiness prepare_drop(const format::drop_record& r);
  readiness prepare_punch(const format::punch_record& r);
  readiness prepare_clone(const format::clone_record& r);
  readiness prepare_move(const format::move_record& r);
  readiness prepare_moved(const format::moved_run& run);
  /// The blocks can be written to by a record.
  readiness prepare_place(const format::block_run& run);
  readiness prepare_extent(const format::object_value& v, const format::publish_record& r,
                           const format::object_extent& e, std::size_t& dropped);
  /// The end that a record states, and the tail behind it.
  readiness prepare_end(std::uint64_t object, std::uint64_t bytes, std::size_t tail_bytes);
  /// The blocks [first, end) can be cut out; a record's list of them, from `at` on, is what is there.
  readiness prepare_replaced(std::uint64_t object, std::uint64_t first, std::uint64_t end,
                             const std::vector<format::block_run>& dropped, std::size_t& at);
  readiness prepare_cells_of(zoned::zone_index zone);
  readiness prepare_chunks(std::uint64_t object, bool tail);

  void apply_publish(std::uint64_t sequence, const format::publish_record& r);
  void apply_tail(const format::tail_record& r);
  void apply_create(const format::create_record& r);
  void apply_unname(std::uint64_t object);
  void apply_rename(const format::rename_record& r);
  void apply_attributes(const format::attributes_record& r);
  void apply_zone_role(std::uint64_t sequence, const format::zone_role_record& r);
  void apply_zone_free(const format::zone_free_record& r);
  void apply_drop(const format::drop_record& r);
  void apply_punch(const format::punch_record& r);
  void apply_clone(const format::clone_record& r);
  void apply_move(std::uint64_t sequence, const format::move_record& r);
  void apply_collection(const format::collection_record& r);

  void put_end(format::object_value& v, std::uint64_t object, std::uint64_t bytes, std::uint32_t tail_epoch,
               std::int64_t modified_ns, std::span<const std::byte> tail);
  void put_runs(std::uint64_t object, const format::object_extent& e, std::span<const std::uint32_t> sums);
  /// Those of some blocks of a record; none if it has none.
  [[nodiscard]] static std::span<const std::uint32_t> sums_of(std::span<const std::uint32_t> all, std::size_t first,
                                                              std::size_t blocks) {
    return all.empty() ? all : all.subspan(first, blocks);
  }
  void put_chunks(std::uint64_t object, bool tail, std::span<const std::byte> bytes);
  void put_attributes(format::object_value& v, std::uint64_t object, const format::attribute_set& a);
  /// The value as last published: where it is kept, or in `own`.
  [[nodiscard]] readiness view(std::uint64_t object, std::optional<format::object_value>& own,
                               const format::object_value*& to);
  [[nodiscard]] format::object_value take(std::uint64_t object);
  void put_object(std::uint64_t object, const format::object_value& v);
  void store(std::uint64_t object, const format::object_value& v);
  /// Where its value stands, if not in the tree alone.
  [[nodiscard]] format::object_value* held(std::uint64_t object);

  context& c_;
  extent_editor extents_;
  std::vector<extent_slice> slices_;
  static constexpr const char* others_replaced = "bytes that replace others than those that are there";
  static constexpr const char* other_sums = "blocks with sums in a store without, or without in one that has them";
  const std::vector<std::uint64_t>* assumed_ = nullptr;
  std::vector<std::byte> value_;  // of a cell being put
  std::unordered_map<std::uint64_t, kept_value> kept_;
  std::pair<std::uint64_t, kept_value*> kept_last_{0, nullptr};  ///< That was found.
  bool keeps_ = false;
};

}  // namespace furrow::core
