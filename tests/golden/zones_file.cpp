// The file of zones_file.hpp.
#include "golden/zones_file.hpp"

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace furrow::golden {
namespace {

constexpr std::string_view magic = "FZONES01";
constexpr std::size_t word_bytes = sizeof(std::uint64_t);

template <class Number>
void put(std::string& to, Number n) {
  for (std::size_t i = 0; i < sizeof n; ++i) to.push_back(static_cast<char>(static_cast<std::uint64_t>(n) >> (8 * i)));
}

class source {
 public:
  explicit source(std::string_view from) : left_{from} {}

  template <class Number>
  Number take() {
    std::uint64_t n = 0;
    if (left_.size() < sizeof(Number)) {
      failed_ = true;
      return 0;
    }
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      n |= std::uint64_t{static_cast<unsigned char>(left_[i])} << (8 * i);
    left_.remove_prefix(sizeof(Number));
    return static_cast<Number>(n);
  }
  bool starts_with(std::string_view what) {
    if (left_.substr(0, what.size()) != what) return false;
    left_.remove_prefix(what.size());
    return true;
  }
  void fail() { failed_ = true; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool empty() const { return left_.empty(); }

 private:
  std::string_view left_;
  bool failed_ = false;
};

void put_runs(std::string& to, const std::vector<std::uint64_t>& words) {
  for (std::size_t at = 0; at < words.size();) {
    std::size_t same = at + 1;
    while (same < words.size() && words[same] == words[at]) ++same;
    if (same - at > 1) {
      put(to, static_cast<std::int32_t>(same - at));
      put(to, words[at]);
      at = same;
      continue;
    }
    std::size_t end = at + 1;
    while (end < words.size() && (end + 1 == words.size() || words[end] != words[end + 1])) ++end;
    put(to, -static_cast<std::int32_t>(end - at));
    for (; at < end; ++at) put(to, words[at]);
  }
}

std::vector<std::uint64_t> take_runs(source& from, std::size_t count) {
  std::vector<std::uint64_t> words;
  while (words.size() < count && !from.failed()) {
    const auto n = from.take<std::int32_t>();
    const auto length = static_cast<std::size_t>(n < 0 ? -std::int64_t{n} : n);
    if (length == 0 || length > count - words.size()) {
      from.fail();
    } else if (n > 0) {
      words.insert(words.end(), length, from.take<std::uint64_t>());
    } else {
      for (std::size_t i = 0; i < length; ++i) words.push_back(from.take<std::uint64_t>());
    }
  }
  return words;
}

/// Behind what was ever written: zones in memory hold a pattern there.
std::uint64_t end_of(const zoned::memory_zones& zones, const zoned::zone_info& z) {
  if (z.type == zoned::zone_type::sequential) return z.write_pointer_bytes;
  std::string bytes(z.capacity_bytes, '\0');
  zones.peek({z.index, 0}, std::as_writable_bytes(std::span{bytes}));
  const std::string_view pattern = zoned::memory_zones::unwritten_pattern;
  std::uint64_t end = z.capacity_bytes;
  while (end != 0 && std::string_view{bytes}.substr(end - pattern.size(), pattern.size()) == pattern)
    end -= pattern.size();
  return end;
}

}  // namespace

std::string text_of(const zoned::memory_zones& zones) {
  const zoned::geometry& shape = zones.shape();
  std::uint32_t conventional = 0;
  for (const zoned::zone_info& z : zones.machine().all())
    conventional += z.type == zoned::zone_type::conventional ? 1 : 0;
  std::string text{magic};
  put(text, shape.lba_bytes);
  put(text, shape.zone_count);
  put(text, shape.zone_bytes);
  put(text, conventional);
  put(text, std::uint32_t{0});
  for (const zoned::zone_info& z : zones.machine().all()) {
    const std::uint64_t end = end_of(zones, z);
    put(text, z.capacity_bytes);
    put(text, end);
    std::vector<std::uint64_t> words(end / word_bytes);
    if (!words.empty()) zones.peek({z.index, 0}, std::as_writable_bytes(std::span{words}));
    put_runs(text, words);
  }
  return text;
}

std::optional<zoned::memory_zones> zones_of(std::string_view text, const zoned::guarantees& promises) {
  source from{text};
  if (!from.starts_with(magic)) return std::nullopt;
  zoned::geometry shape;
  shape.lba_bytes = from.take<std::uint32_t>();
  shape.zone_count = from.take<std::uint32_t>();
  shape.zone_bytes = shape.last_zone_bytes = from.take<std::uint64_t>();
  const auto conventional = from.take<std::uint32_t>();
  if (from.take<std::uint32_t>() != 0 || from.failed() || shape.zone_count > 1024 || conventional > shape.zone_count)
    return std::nullopt;
  std::vector<zoned::zone_info> all;
  std::vector<std::vector<std::uint64_t>> bytes;
  for (std::uint32_t i = 0; i < shape.zone_count; ++i) {
    const auto capacity = from.take<std::uint64_t>();
    const auto end = from.take<std::uint64_t>();
    if (from.failed() || capacity > shape.zone_bytes || end > capacity || capacity > (1u << 24)) return std::nullopt;
    const bool is_conventional = i < conventional;
    const auto condition = is_conventional   ? zoned::zone_condition::not_write_pointer
                           : end == 0        ? zoned::zone_condition::empty
                           : end == capacity ? zoned::zone_condition::full
                                             : zoned::zone_condition::closed;
    all.push_back({{i},
                   is_conventional ? zoned::zone_type::conventional : zoned::zone_type::sequential,
                   condition,
                   shape.zone_bytes,
                   capacity,
                   is_conventional ? 0 : end});
    bytes.push_back(take_runs(from, end / word_bytes));
  }
  if (from.failed() || !from.empty()) return std::nullopt;
  zoned::memory_zones zones{shape, promises, all};
  for (std::uint32_t i = 0; i < shape.zone_count; ++i)
    if (!bytes[i].empty()) zones.poke({{i}, 0}, std::as_bytes(std::span{bytes[i]}));
  return zones;
}

}  // namespace furrow::golden
