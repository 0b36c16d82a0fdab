#include "format/page.hpp"

#include <algorithm>
#include <utility>

namespace furrow::format {
namespace {

constexpr std::size_t magic_at = 0;
constexpr std::size_t kind_at = 4;
constexpr std::size_t level_at = 5;
constexpr std::size_t count_at = 6;
constexpr std::size_t store_at = 8;
constexpr std::size_t generation_at = 24;
constexpr std::size_t epoch_at = 32;
constexpr std::size_t sequence_at = 40;
constexpr std::size_t checksum_at = 48;
constexpr std::size_t cells_begin_at = 72;
constexpr std::size_t cells_bytes_at = 74;
constexpr std::size_t padding_at = 76;

static_assert(store_at + sizeof(uuid) == generation_at);
static_assert(checksum_at + checksum_field::encoded_bytes == cells_begin_at);
static_assert(padding_at + 20 == page_header_bytes);
static_assert(page_bytes <= 0xffff, "places in a page are u16");
static_assert(page_header_bytes + 3 * page_view::cell_footprint_bytes(cell_bytes_max, 0) <= page_bytes, "I3");

key_view as_key(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Which bytes of a page belong to a cell already met; claims each byte once. As long as each cell lies right before or
/// right behind those already met, as in a page that was filled in order, their ends are enough.
class byte_claims {
 public:
  /// False if one of the bytes was claimed before.
  bool claim(std::size_t begin, std::size_t end) {
    if (!mixed_ && end == first_) {
      first_ = begin;
      return true;
    }
    if (!mixed_ && (begin == last_ || last_ == 0)) {
      if (last_ == 0) first_ = begin;
      last_ = end;
      return true;
    }
    if (!std::exchange(mixed_, true)) static_cast<void>(mark(first_, last_));
    return mark(begin, end);
  }

 private:
  bool mark(std::size_t begin, std::size_t end) {
    for (std::size_t at = begin; at < end;) {
      const std::size_t bit = at % 64;
      const std::size_t bits = std::min<std::size_t>(64 - bit, end - at);
      const std::uint64_t mask = (bits == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1) << bit;
      std::uint64_t& word = words_[at / 64];
      if ((word & mask) != 0) {
        return false;
      }
      word |= mask;
      at += bits;
    }
    return true;
  }

  std::array<std::uint64_t, page_bytes / 64> words_{};
  std::size_t first_ = 0, last_ = 0;
  bool mixed_ = false;
};

/// The first bytes of the key that begins at `begin`, as a number that orders like them; missing bytes are zero.
std::uint64_t head_of(std::span<const std::byte> page, std::size_t begin, std::size_t key_bytes) {
  std::uint64_t head = 0;
  if (begin + sizeof head > page.size()) {
    std::memcpy(&head, page.data() + begin, std::min(key_bytes, sizeof head));
    return boost::endian::big_to_native(head);
  }
  std::memcpy(&head, page.data() + begin, sizeof head);
  head = boost::endian::big_to_native(head);
  if (key_bytes >= sizeof head) return head;
  return key_bytes == 0 ? 0 : head & ~std::uint64_t{0} << 8 * (sizeof head - key_bytes);
}

std::uint64_t word_at(const char* from) {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return boost::endian::big_to_native(word);
}

/// Whether b < a, of which the first eight bytes are `head`. Keys of numbers have at most sixteen: two words each.
bool is_above(key_view a, std::uint64_t head, key_view b) {
  constexpr std::size_t word_bytes = sizeof head;
  if (b.size() < word_bytes) return b < a;
  const std::uint64_t other = word_at(b.data());
  if (head != other) return other < head;
  const std::size_t common = std::min(a.size(), b.size());
  if (common > 2 * word_bytes) return b.substr(word_bytes) < a.substr(word_bytes);
  const std::uint64_t last_a = word_at(a.data() + common - word_bytes);
  const std::uint64_t last_b = word_at(b.data() + common - word_bytes);
  return last_a != last_b ? last_b < last_a : b.size() < a.size();
}

/// The value of an index cell is a reference and nothing else.
bool is_reference(std::span<const std::byte> value) {
  if (value.size() != page_ref::encoded_bytes) {
    return false;
  }
  reader from{value};
  const page_ref ref = page_ref::decode(from);
  return !from.failed() && !ref.empty();
}

/// I1, I2, I3 and condition 4; the counts of the header are not trusted yet.
bool check_cells(std::span<const std::byte> page, std::uint8_t level) {
  const std::size_t count = load_le<std::uint16_t>(page.data() + count_at);
  const std::size_t cells_begin = load_le<std::uint16_t>(page.data() + cells_begin_at);
  const std::size_t cells_bytes = load_le<std::uint16_t>(page.data() + cells_bytes_at);
  const std::size_t slots_end = page_header_bytes + 2 * count;
  if (slots_end > cells_begin || cells_begin > page_bytes ||
      !all_zero(page.subspan(slots_end, cells_begin - slots_end))) {
    return false;
  }
  const std::size_t key_and_value_max = level == 0 ? cell_bytes_max : index_cell_bytes_max;
  byte_claims claims;
  std::size_t sum_bytes = 0;
  key_view previous;
  std::uint64_t previous_head = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t begin = load_le<std::uint16_t>(page.data() + page_header_bytes + 2 * i);
    if (begin < cells_begin || begin > page_bytes - 4) {
      return false;
    }
    const auto lengths = load_le<std::uint32_t>(page.data() + begin);
    const std::size_t key_bytes = lengths & 0xffff;
    const std::size_t value_bytes = lengths >> 16;
    const std::size_t end = begin + 4 + key_bytes + value_bytes;
    if (end > page_bytes || key_bytes + value_bytes > key_and_value_max || !claims.claim(begin, end)) {
      return false;
    }
    const key_view key = as_key(page.subspan(begin + 4, key_bytes));
    const std::uint64_t head = head_of(page, begin + 4, key_bytes);
    if (i > 0 && (head != previous_head ? head < previous_head : key <= previous)) {
      return false;
    }
    previous_head = head;
    if (level > 0 && (!is_reference(page.subspan(begin + 4 + key_bytes, value_bytes)) || (i == 0 && !key.empty()))) {
      return false;
    }
    previous = key;
    sum_bytes += end - begin;
  }
  return sum_bytes == cells_bytes && (level == 0 || count > 0);
}

}  // namespace

void page_ref::encode(std::byte* to) const {
  const page_ref none;
  const page_ref& ref = empty() ? none : *this;
  FURROW_ASSERT(ref.empty() || ref.copies[0] != ref.copies[1]);
  store_le(to, ref.copies[0].raw());
  store_le(to + 8, ref.copies[1].raw());
  store_le(to + 16, ref.generation);
  ref.checksum.encode(to + 24);
}

page_ref page_ref::decode(reader& from) {
  page_ref ref;
  const auto places = from.bytes(24);
  if (from.failed()) return {};
  ref.copies[0] = zoned::device_address::from_raw(load_le<std::uint64_t>(places.data()));
  ref.copies[1] = zoned::device_address::from_raw(load_le<std::uint64_t>(places.data() + 8));
  ref.generation = load_le<std::uint64_t>(places.data() + 16);
  ref.checksum = checksum_field::decode(from);
  const bool sound = ref.empty() ? ref == page_ref{} : ref.copies[0] != ref.copies[1];
  if (!sound) {
    from.fail();
  }
  return from.failed() ? page_ref{} : ref;
}

checksum_field seal_page(std::span<std::byte> page, const page_identity& identity) {
  FURROW_ASSERT(page.size() == page_bytes);
  FURROW_ASSERT(identity.level <= page_level_max);
  const std::size_t slots_end = page_header_bytes + 2 * std::size_t{load_le<std::uint16_t>(page.data() + count_at)};
  const std::size_t cells_begin = load_le<std::uint16_t>(page.data() + cells_begin_at);
  FURROW_ASSERT(slots_end <= cells_begin);   // I2
  FURROW_ASSERT(cells_begin <= page_bytes);  // I2
  store_le(page.data() + magic_at, page_magic);
  store_le(page.data() + kind_at, static_cast<std::uint8_t>(identity.kind));
  store_le(page.data() + level_at, identity.level);
  std::memcpy(page.data() + store_at, identity.store.data(), identity.store.size());
  store_le(page.data() + generation_at, identity.generation);
  store_le(page.data() + epoch_at, identity.epoch);
  store_le(page.data() + sequence_at, identity.sequence);
  std::memset(page.data() + padding_at, 0, page_header_bytes - padding_at);
  std::memset(page.data() + slots_end, 0, cells_begin - slots_end);
  return seal(page, checksum_at);
}

boost::system::result<page_identity> check_page(std::span<const std::byte> page, const uuid& store) {
  if (page.size() != page_bytes) {
    return make_error_code(fault::malformed);
  }
  if (load_le<std::uint32_t>(page.data() + magic_at) != page_magic) {
    return make_error_code(fault::magic);
  }
  if (!verify(page, checksum_at)) {
    return make_error_code(fault::checksum);
  }
  page_identity identity;
  std::memcpy(identity.store.data(), page.data() + store_at, identity.store.size());
  if (identity.store != store) {
    return make_error_code(fault::store);
  }
  const auto kind = load_le<std::uint8_t>(page.data() + kind_at);
  identity.kind = static_cast<page_kind>(kind);
  identity.level = load_le<std::uint8_t>(page.data() + level_at);
  identity.generation = load_le<std::uint64_t>(page.data() + generation_at);
  identity.epoch = load_le<std::uint64_t>(page.data() + epoch_at);
  identity.sequence = load_le<std::uint64_t>(page.data() + sequence_at);
  const bool kind_known = identity.kind == page_kind::object || identity.kind == page_kind::zone;
  if (!kind_known || identity.level > page_level_max ||
      !all_zero(page.subspan(padding_at, page_header_bytes - padding_at)) || !check_cells(page, identity.level)) {
    return make_error_code(fault::malformed);
  }
  return identity;
}

std::size_t page_view::cells_begin() const { return load_le<std::uint16_t>(page_.data() + cells_begin_at); }
std::size_t page_view::cells_bytes() const { return load_le<std::uint16_t>(page_.data() + cells_bytes_at); }

std::size_t page_view::lower_bound_near(key_view key, std::size_t from) const {
  const std::size_t end = count();
  for (std::size_t step = 1; from < end; step *= 2) {
    const std::size_t cells = std::min(step, end - from);
    if (this->key(from + cells - 1) >= key) return lower_bound(key, from, cells - 1);
    from += cells;
  }
  return from;
}

std::size_t page_view::lower_bound(key_view key, std::size_t first, std::size_t left) const {
  const bool long_enough = key.size() >= sizeof(std::uint64_t);
  const std::uint64_t head = long_enough ? word_at(key.data()) : 0;
  while (left > 0) {
    const std::size_t half = left / 2;
    if (long_enough ? is_above(key, head, this->key(first + half)) : this->key(first + half) < key) {
      first += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return first;
}

std::size_t page_view::used_bytes() const { return slots_end() + cells_bytes(); }

std::size_t page_view::free_bytes() const {
  const std::size_t used_with_empty_cell = used_bytes() + cell_footprint_bytes(0, 0);
  return used_with_empty_cell < page_bytes ? page_bytes - used_with_empty_cell : 0;
}

void page_editor::init() {
  std::fill(bytes_.begin(), bytes_.end(), std::byte{0});
  set_counts(0, page_bytes, 0);
}

void page_editor::set_counts(std::size_t count, std::size_t cells_begin, std::size_t cells_bytes) {
  FURROW_ASSERT(page_header_bytes + slot_bytes * count <= cells_begin);  // I2
  FURROW_ASSERT(cells_begin + cells_bytes <= page_bytes);                // I2
  store_le(bytes_.data() + count_at, static_cast<std::uint16_t>(count));
  store_le(bytes_.data() + cells_begin_at, static_cast<std::uint16_t>(cells_begin));
  store_le(bytes_.data() + cells_bytes_at, static_cast<std::uint16_t>(cells_bytes));
}

bool page_editor::put(key_view key, value_view value) {
  FURROW_ASSERT(key.size() + value.size() <= index_cell_bytes_max);     // I3
  const bool behind_all = count() > 0 && this->key(count() - 1) < key;  // what ascends asks for no search
  const std::size_t index = behind_all ? count() : lower_bound(key);
  if (index == count() || this->key(index) != key) {
    if (used_bytes() + cell_footprint_bytes(key.size(), value.size()) > page_bytes) {
      return false;
    }
    insert(index, key, value);
    return true;
  }
  const std::size_t cell = slot(index);
  const std::size_t old_value_bytes = this->value(index).size();
  if (value.size() <= old_value_bytes) {
    store_le(bytes_.data() + cell + 2, static_cast<std::uint16_t>(value.size()));
    std::copy(value.begin(), value.end(), bytes_.begin() + static_cast<std::ptrdiff_t>(cell + 4 + key.size()));
    set_counts(count(), cells_begin(), cells_bytes() - (old_value_bytes - value.size()));
    return true;
  }
  if (used_bytes() + (value.size() - old_value_bytes) > page_bytes) {
    return false;
  }
  erase(index);
  insert(index, key, value);
  return true;
}

void page_editor::overwrite(std::size_t index, value_view value) {
  const value_view old = this->value(index);
  FURROW_ASSERT(old.size() == value.size());
  std::copy(value.begin(), value.end(), bytes_.begin() + (old.data() - bytes_.data()));
}

void page_editor::insert(std::size_t index, key_view key, value_view value) {
  const std::size_t cell_bytes = cell_lengths_bytes + key.size() + value.size();
  if (slots_end() + slot_bytes + cell_bytes > cells_begin()) {
    compact();
  }
  const std::size_t entries = count();
  const std::size_t cell = cells_begin() - cell_bytes;
  const std::size_t total_bytes = cells_bytes() + cell_bytes;
  set_counts(entries + 1, cell, total_bytes);
  std::byte* const at = bytes_.data() + page_header_bytes + slot_bytes * index;
  std::memmove(at + slot_bytes, at, slot_bytes * (entries - index));
  store_le(at, static_cast<std::uint16_t>(cell));
  fixed_writer to{bytes_.subspan(cell, cell_bytes)};
  to.u16(static_cast<std::uint16_t>(key.size()));
  to.u16(static_cast<std::uint16_t>(value.size()));
  to.bytes(std::as_bytes(std::span{key}));
  to.bytes(value);
}

void page_editor::erase(std::size_t index) {
  const std::size_t cell = slot(index);
  const std::size_t cell_bytes = cell_lengths_bytes + key(index).size() + value(index).size();
  const std::size_t entries = count() - 1;
  std::byte* const at = bytes_.data() + page_header_bytes + slot_bytes * index;
  std::memmove(at, at + slot_bytes, slot_bytes * (entries - index));
  const std::size_t begin = entries == 0 ? page_bytes : cell == cells_begin() ? cell + cell_bytes : cells_begin();
  set_counts(entries, begin, cells_bytes() - cell_bytes);
}

void page_editor::move_tail(std::size_t index, page_editor& to) {
  FURROW_ASSERT(index <= count());
  FURROW_ASSERT(index == count() || to.count() == 0 || to.key(to.count() - 1) < key(index));  // I1
  std::size_t moved_bytes = 0;
  for (std::size_t i = index; i < count(); ++i) {
    const std::size_t footprint_bytes = cell_footprint_bytes(key(i).size(), value(i).size());
    FURROW_ASSERT(to.used_bytes() + footprint_bytes <= page_bytes);
    to.insert(to.count(), key(i), value(i));
    moved_bytes += footprint_bytes - slot_bytes;
  }
  set_counts(index, index == 0 ? page_bytes : cells_begin(), cells_bytes() - moved_bytes);
}

void page_editor::compact() {
  std::array<std::byte, page_bytes> before{};
  std::copy(bytes_.begin(), bytes_.end(), before.begin());
  std::size_t begin = page_bytes;
  for (std::size_t i = 0; i < count(); ++i) {
    const std::size_t cell = slot(i);
    const std::size_t cell_bytes = cell_lengths_bytes + std::size_t{load_le<std::uint16_t>(before.data() + cell)} +
                                   load_le<std::uint16_t>(before.data() + cell + 2);
    begin -= cell_bytes;
    std::memcpy(bytes_.data() + begin, before.data() + cell, cell_bytes);
    store_le(bytes_.data() + page_header_bytes + slot_bytes * i, static_cast<std::uint16_t>(begin));
  }
  FURROW_ASSERT(page_bytes - begin == cells_bytes());  // I2
  set_counts(count(), begin, cells_bytes());
}

}  // namespace furrow::format
