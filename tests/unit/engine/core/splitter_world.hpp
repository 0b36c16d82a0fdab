// The blocks of one object in flight, and a model that knows each block by itself: what is split must still say the same
// of every block.
//
// Invariants, of which check() tells the first breach
//   I1  the sums of blocks, of blocks_left and of reserved blocks are those of the model
//   I2  the map is ordered, without overlap, and covers the model's blocks
//   I3  the reservation and the place of each block are the model's; pieces begin and end where they landed
//   I4  each pinned entry covers exactly its ordered extent
//   I5  the sums, and the memory, of each block are the model's
//   I6  references are the map's, the holder's and those for a copy; the pool counts who is held
//   I7  who is held stands in the map, and nobody else
//   I8  class, urgency and owner of each block are the model's
#pragma once

#include <array>
#include <string>
#include <vector>

#include "core/in_flight_map.hpp"
#include "core/publisher.hpp"
#include "core/splitter.hpp"
#include "sim/random.hpp"

namespace furrow::test {

/// What belongs to one block, wherever it goes.
struct block_facts {
  bool present = false;
  bool reserved = false;
  bool landed = false;
  bool begins_piece = false;
  bool urgent = false;
  format::zone_class cls = format::zone_class::unhinted;
  std::uint32_t sum = 0;
  std::uint64_t reservation = 0;
  std::uint64_t address = 0;  ///< Raw, once it has landed.
  std::uint64_t memory = 0;   ///< Told by its runs of bytes.
  const core::publication* owner = nullptr;
  friend bool operator==(const block_facts&, const block_facts&) = default;
};

struct held_extent {
  core::ordered_extent_ptr extent;
  bool sent = false;
  bool failed = false;
};

class splitter_world {
 public:
  explicit splitter_world(std::uint64_t blocks) : model(blocks) {}
  ~splitter_world();
  splitter_world(const splitter_world&) = delete;
  splitter_world& operator=(const splitter_world&) = delete;

  core::buffer_pool buffers;
  core::extent_pool pool{buffers};
  core::in_flight_map map;
  std::vector<held_extent> all;
  std::vector<block_facts> model;
  zoned::geometry shape{
      .zone_bytes = 1024 * core::block_bytes, .zone_count = 64, .last_zone_bytes = 1024 * core::block_bytes};

  /// How the memory of one to be made is cut up.
  struct wish {
    std::vector<std::size_t> segments{};  ///< Bytes, over and over; none: one segment.
    bool copied = false;
    bool urgent = false;
    format::zone_class cls = format::zone_class::unhinted;
    std::size_t owner = 0;
  };
  core::ordered_extent& create(std::uint64_t first_block, std::uint64_t blocks, const wish& w);
  core::ordered_extent& create(std::uint64_t first_block, std::uint64_t blocks) {
    return create(first_block, blocks, {});
  }
  void send(core::ordered_extent& e);
  /// Blocks, counted in the object, land; it is no more with the data writer when all have.
  void land(core::ordered_extent& e, std::uint64_t object_block, std::uint64_t blocks, zoned::device_address at);
  void fail(core::ordered_extent& e);
  /// What the model says of a split.
  [[nodiscard]] core::split_refusal expected(const core::ordered_extent& e, std::uint64_t pre,
                                             std::uint64_t post) const;
  /// The parts are held from now on.
  core::split_refusal split(core::ordered_extent& e, std::uint64_t pre, std::uint64_t post);
  void hold(core::ordered_extent_ptr part, bool sent);
  void drop(core::ordered_extent& e);

  [[nodiscard]] held_extent& held(const core::ordered_extent& e);
  [[nodiscard]] const held_extent& held(const core::ordered_extent& e) const;
  /// The extents that the blocks [first, end) must give, by the model.
  [[nodiscard]] std::vector<format::object_extent> landed_runs(std::uint64_t first, std::uint64_t end) const;
  /// Empty, or the first breach of an invariant.
  [[nodiscard]] std::string check() const;

 private:
  [[nodiscard]] std::string check_one(const core::ordered_extent& e) const;
  std::array<core::publication, 3> owners_;
  std::uint64_t reservation_ = 1000;
  std::uint32_t sum_ = 1;
  std::uintptr_t memory_ = 1 << 20;
};

/// (object block, reservation, blocks) of a pinned entry, and of its ordered extent.
struct vector3 {
  std::uint64_t object_block, reservation, blocks;
  friend bool operator==(const vector3&, const vector3&) = default;
};
[[nodiscard]] std::vector<vector3> vectors_of(const splitter_world& w);

}  // namespace furrow::test
