// The promise that blocks of an object are being written, and the pinned map entry that goes with it.
//
// States of an ordered extent
//   gathering  not begun: later appends may join           -> open
//   open       bytes are missing               -> landed (the last piece) | failed
//   landed     every block has its place       -> published, once (publisher)
//   failed     a block will not land           -> dropped, once; its landed pieces are dead
//
// Who holds a reference is in the type: an ordered_extent_ptr. A publication's step holds one until it is published or
// dropped; machines that an ordered extent is lent to (data_writer, salvager) have plain pointers meanwhile.
//
// Invariants
//   I1  the sum of blocks of pieces + blocks_left == blocks; pieces do not overlap.
//   I2  The pinned entry covers exactly the blocks of its ordered extent; its address is a reservation, of a type that
//   does not
//       convert to a device address.
//   I3  sums.size() == blocks: a sum goes where its block goes, whatever is split. So do the source's bytes, and the
//       reservation: reserved_blocks is 0 or blocks.
//   I4  Until it is begun it may grow at its end; then never.
//   I5  The last reference gives it back to the pool that it came from, with the buffer it holds. A pool outlives them.
//
// Not here: cutting (splitter), sending (data_writer), making visible (publisher).
#pragma once

#include <boost/intrusive/list_hook.hpp>
#include <boost/intrusive/set_hook.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <vector>

#include "core/buffer.hpp"
#include "core/sliding_list.hpp"
#include "format/types.hpp"
#include "furrow/zoned/command.hpp"

namespace furrow::core {

struct publication;
class extent_pool;
class in_flight_map;
struct ordered_extent;
using ordered_extent_ptr = boost::intrusive_ptr<ordered_extent>;
void intrusive_ptr_add_ref(ordered_extent* e) noexcept;
void intrusive_ptr_release(ordered_extent* e) noexcept;
using in_flight_hook = boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::normal_link>>;
using in_flight_index_hook = boost::intrusive::set_base_hook<>;

/// Stands in a pinned map entry for the place that the device has not yet chosen.
struct reservation_address {
  std::uint64_t number = 0;
  friend constexpr auto operator<=>(reservation_address, reservation_address) = default;
};

/// An extent map entry in flight: readers don't see it.
struct pinned_extent {
  std::uint64_t object_block = 0;
  std::uint64_t blocks = 0;
  reservation_address reserved;
};

/// Where consecutive blocks of an ordered extent landed.
struct landed_piece {
  std::uint64_t object_block = 0;
  format::block_run where;
};

struct ordered_extent : in_flight_hook, in_flight_index_hook {
  ordered_extent() = default;
  ordered_extent(const ordered_extent&) = delete;
  ordered_extent& operator=(const ordered_extent&) = delete;

  publication* owner = nullptr;
  std::uint64_t object_block = 0;  ///< First block, in the object.
  std::uint64_t blocks = 0;
  std::uint64_t blocks_left = 0;
  std::uint64_t reserved_blocks = 0;  ///< Of the room that data_writer has promised; release() ends it.
  std::uint64_t claimed_blocks = 0;   ///< Of its collection's quota; an append's.
  format::zone_class cls = format::zone_class::unhinted;
  bool urgent = false;
  bool begun = false;  ///< Its first bio is cut: it grows no more.
  bool failed = false;
  error_code error;
  pinned_extent pinned;
  sliding_list<zoned::segment>
      source;  ///< blocks * block_bytes of held memory; nothing, as are the sums, if not known yet.
  sliding_list<std::uint32_t> sums;   ///< One a block; none in a store without.
  sliding_list<landed_piece> pieces;  ///< In the object's order, which need not be that of the zone or of arrival.
  std::uint32_t bios_in_flight = 0;   ///< Queued or sent.
  std::uint64_t splits = 0;           ///< Counted by the walk.
  std::uint64_t merges = 0;
  buffer copy;                         ///< What source points into, if the caller's memory could not be used.
  ordered_extent_ptr memory_of;        ///< Split off one that has a copy: holds it.
  in_flight_map* in_flight = nullptr;  ///< Where it stands, if anywhere.

  /// Blocks have landed (I1).
  void add_piece(const landed_piece& p);
  [[nodiscard]] extent_pool& home() const { return *home_; }

  [[nodiscard]] std::uint32_t references() const { return references_; }

 private:
  friend class extent_pool;
  friend void intrusive_ptr_add_ref(ordered_extent* e) noexcept;
  friend void intrusive_ptr_release(ordered_extent* e) noexcept;

  std::uint32_t references_ = 0;
  extent_pool* home_ = nullptr;
  ordered_extent* next_spare_ = nullptr;
};

/// Ordered extents with the memory of earlier ones: steady work allocates none.
class extent_pool {
 public:
  explicit extent_pool(buffer_pool& buffers) : buffers_{buffers} {}
  extent_pool(const extent_pool&) = delete;
  extent_pool& operator=(const extent_pool&) = delete;
  ~extent_pool();

  /// As new.
  [[nodiscard]] ordered_extent_ptr make();
  /// What the lists of a part of a split must hold.
  struct needs {
    std::size_t segments = 0;
    std::size_t sums = 0;
    std::size_t pieces = 0;
  };
  /// The same with room in its lists, or none if memory lacks.
  [[nodiscard]] ordered_extent_ptr try_make(const needs& n) noexcept {
    return spare_ != nullptr && fits(*spare_, n) ? take_spare() : make_fitting(n);
  }
  /// For tests: try_make() asks for memory so many times more, then it lacks.
  void allow(std::uint64_t allocations) { allowed_ = allocations; }
  /// Times that try_make() asked for memory.
  [[nodiscard]] std::uint64_t allocations() const { return allocations_; }
  /// That somebody holds.
  [[nodiscard]] std::size_t live() const { return live_; }

 private:
  friend void intrusive_ptr_release(ordered_extent* e) noexcept;
  void give_back(ordered_extent* e) noexcept;
  [[nodiscard]] static bool fits(const ordered_extent& e, const needs& n) noexcept {
    return n.segments <= e.source.capacity() && n.sums <= e.sums.capacity() && n.pieces <= e.pieces.capacity();
  }
  [[nodiscard]] ordered_extent_ptr take_spare() noexcept {
    ordered_extent* const e = spare_;
    spare_ = e->next_spare_;
    --spare_count_;
    ++live_;
    return ordered_extent_ptr{e};
  }
  [[nodiscard]] ordered_extent_ptr make_fitting(const needs& n) noexcept;
  [[nodiscard]] bool may_allocate() noexcept;
  template <class List>
  [[nodiscard]] bool make_room(List& list, std::size_t count) noexcept;

  buffer_pool& buffers_;
  ordered_extent* spare_ = nullptr;
  std::size_t spare_count_ = 0;
  std::size_t live_ = 0;
  std::uint64_t allowed_ = ~std::uint64_t{0};
  std::uint64_t allocations_ = 0;
};

inline void intrusive_ptr_add_ref(ordered_extent* e) noexcept { ++e->references_; }
inline void intrusive_ptr_release(ordered_extent* e) noexcept {
  if (--e->references_ == 0) e->home_->give_back(e);
}

}  // namespace furrow::core
