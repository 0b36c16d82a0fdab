// A 4 KiB page of a tree: sorted cells of key and value, the unit of metadata at rest. Leaf and index pages are alike;
// in an index page the value is the reference of the child whose keys are >= the cell's key (the first cell's key is
// empty: minus infinity).
//
// Layout
//   page        | header 96 | slots u16 each, ascending by key, growing up | zeros | cells, growing down from the end |
//   header      | magic u32 | kind u8 | level u8 | count u16 | store 16 | generation u64 | epoch u64 | sequence u64 |
//               | checksum field 24 at 48 | cells_begin u16 | cells_bytes u16 | zeros 20 |
//   slot        | offset of the cell from the page's start u16 |
//   cell        | key_bytes u16 | value_bytes u16 | key | value |
//   reference   | address u64 | second address u64 or all ones | generation u64 | checksum field 24 |        48 bytes
//
// Invariants
//   I1  Keys ascend strictly, compared as unsigned bytes.
//   I2  Slots and cells do not overlap; each cell lies between cells_begin and the end, no two share a byte, and
//       cells_bytes is their sum (bytes between cells are garbage to be compacted, never read).
//   I3  Key plus value is at most cell_bytes_max in a leaf, so that a page holds three, and index_cell_bytes_max in an
//       index page.
// Valid iff
//   1  magic, checksum and store agree
//   2  kind, level, generation and checksum are those of the reference that led to it
//   3  kind is known, level is at most page_level_max, padding is zero; I1, I2, I3
//   4  level 0 is a leaf; a page of another level has a first cell of empty key, and values that are references
//
// Not here: splitting, merging and which page is where (core/page_tree).
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "format/types.hpp"

namespace furrow::format {

inline constexpr std::size_t page_bytes = zoned::store_block_bytes;
inline constexpr std::size_t page_header_bytes = 96;
inline constexpr std::size_t cell_bytes_max = 1320;
inline constexpr std::uint32_t page_magic = 0x5047'5246;  // "FRGP"
/// A tree of pages with the fewest cells that they may have is far lower.
inline constexpr std::uint8_t page_level_max = 31;

/// DO NOT CHANGE: on disk.
enum class page_kind : std::uint8_t { object = 1, zone = 2 };

/// A key is bytes, compared as unsigned.
using key_view = std::string_view;
using value_view = std::span<const std::byte>;

struct page_ref {
  static constexpr std::size_t encoded_bytes = 48;
  static constexpr zoned::device_address no_copy = zoned::device_address::from_raw(~std::uint64_t{0});
  std::array<zoned::device_address, 2> copies{no_copy, no_copy};
  std::uint64_t generation = 0;
  checksum_field checksum;

  [[nodiscard]] bool empty() const { return copies[0] == no_copy; }
  /// An empty reference is encoded as page_ref{}.
  void encode(std::byte* to) const;
  /// Fails the reader if a second copy stands without or at the place of the first, or an empty one is not page_ref{}.
  [[nodiscard]] static page_ref decode(reader& from);
  friend bool operator==(const page_ref&, const page_ref&) = default;
};
inline constexpr std::size_t index_cell_bytes_max = cell_bytes_max + page_ref::encoded_bytes;

struct page_identity {
  page_kind kind = page_kind::object;
  std::uint8_t level = 0;
  uuid store{};
  std::uint64_t generation = 0;
  std::uint64_t epoch = 0;
  std::uint64_t sequence = 0;  ///< The last publication applied to it.
};

/// Writes the header and the checksum of a page whose cells are in place, and zeros between slots and cells.
checksum_field seal_page(std::span<std::byte> page, const page_identity& identity);
/// All of "Valid iff" but what only the reference knows; the identity is returned for that.
[[nodiscard]] boost::system::result<page_identity> check_page(std::span<const std::byte> page, const uuid& store);

/// Cells of a page in memory that is trusted: made by init() or passed by check_page().
class page_view {
 public:
  explicit page_view(std::span<const std::byte, page_bytes> page) : page_{page} {}
  struct entry {
    key_view key;
    value_view value;
  };
  [[nodiscard]] std::size_t count() const { return load_le<std::uint16_t>(page_.data() + count_at); }
  [[nodiscard]] key_view key(std::size_t index) const { return at(index).key; }
  [[nodiscard]] value_view value(std::size_t index) const { return at(index).value; }
  [[nodiscard]] entry at(std::size_t index) const {
    const std::byte* const from = page_.data() + slot(index);
    const std::size_t key_bytes = load_le<std::uint16_t>(from), value_bytes = load_le<std::uint16_t>(from + 2);
    const std::byte* const key = from + cell_lengths_bytes;
    return {{reinterpret_cast<const char*>(key), key_bytes}, {key + key_bytes, value_bytes}};
  }
  /// Index of the first cell whose key is not less; count() if none.
  [[nodiscard]] std::size_t lower_bound(key_view key) const { return lower_bound(key, 0, count()); }
  /// The same if those before `from` are less and it is not far behind that.
  [[nodiscard]] std::size_t lower_bound_near(key_view key, std::size_t from) const;
  /// Has the processor fetch the cells that the first steps of lower_bound() compare with.
  void fetch_steps() const {
    constexpr std::size_t parts = 16;
    const std::size_t cells = count();
    for (std::size_t i = 1; i < parts; ++i)
      if (const std::size_t index = cells * i / parts; index < cells) __builtin_prefetch(page_.data() + slot(index));
  }
  /// Bytes that one more cell may use after compaction (its slot and lengths already taken off).
  [[nodiscard]] std::size_t free_bytes() const;
  /// Bytes of header, slots and cells in use.
  [[nodiscard]] std::size_t used_bytes() const;
  /// What one more cell takes: its slot, its lengths, its key and its value.
  [[nodiscard]] static constexpr std::size_t cell_footprint_bytes(std::size_t key_bytes, std::size_t value_bytes) {
    return slot_bytes + cell_lengths_bytes + key_bytes + value_bytes;
  }

 protected:
  /// Of `left` cells from `first` on.
  [[nodiscard]] std::size_t lower_bound(key_view key, std::size_t first, std::size_t left) const;
  static constexpr std::size_t slot_bytes = 2;
  static constexpr std::size_t cell_lengths_bytes = 4;
  static constexpr std::size_t count_at = 6;
  [[nodiscard]] std::size_t slot(std::size_t index) const {
    FURROW_ASSERT(index < count());
    return load_le<std::uint16_t>(page_.data() + page_header_bytes + slot_bytes * index);
  }
  [[nodiscard]] std::size_t cells_begin() const;
  [[nodiscard]] std::size_t cells_bytes() const;
  [[nodiscard]] std::size_t slots_end() const { return page_header_bytes + slot_bytes * count(); }

  std::span<const std::byte, page_bytes> page_;
};

class page_editor : public page_view {
 public:
  explicit page_editor(std::span<std::byte, page_bytes> page) : page_view{page}, bytes_{page} {}
  void init();
  /// Inserts or replaces; false, and nothing changed, if it does not fit even after compaction. Neither key nor value
  /// lies in this page.
  [[nodiscard]] bool put(key_view key, value_view value);
  /// Another value of the same length.
  void overwrite(std::size_t index, value_view value);
  void erase(std::size_t index);
  /// Moves the cells from `index` on to the end of `to`, which has room and only lesser keys.
  void move_tail(std::size_t index, page_editor& to);

 private:
  void compact();
  void insert(std::size_t index, key_view key, value_view value);
  void set_counts(std::size_t count, std::size_t cells_begin, std::size_t cells_bytes);
  std::span<std::byte, page_bytes> bytes_;
};

}  // namespace furrow::format
