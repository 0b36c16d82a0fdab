// Little-endian integers and byte strings into and out of memory, by copy, never by overlay.
//
// Invariants
//   I1  A writer never passes the end of its buffer: too little room is a bug of the caller and asserted.
//   I2  A reader never passes the end of its input: the first read that would do so latches failed(), and this and all
//       later reads give zeros and empty strings. Callers check failed() once, at the end.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include <boost/endian/conversion.hpp>

#include "core/assert.hpp"

namespace furrow::format {

template <class T>
void store_le(std::byte* to, T value) {
  value = boost::endian::native_to_little(value);
  std::memcpy(to, &value, sizeof value);
}
template <class T>
[[nodiscard]] T load_le(const std::byte* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return boost::endian::little_to_native(value);
}

[[nodiscard]] inline bool all_zero(std::span<const std::byte> bytes) {
  if (bytes.empty()) {
    return true;
  }
  // Each byte equals the next, and the first is zero.
  return bytes[0] == std::byte{0} && std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

/// Appends to a growing vector; used for records, whose length is not known beforehand.
class writer {
 public:
  explicit writer(std::vector<std::byte>& to) : to_{to} {}

  template <class T>
  void number(T value) {
    const std::size_t at = to_.size();
    to_.resize(at + sizeof value);
    store_le(to_.data() + at, value);
  }
  void u8(std::uint8_t v) { number(v); }
  void u16(std::uint16_t v) { number(v); }
  void u32(std::uint32_t v) { number(v); }
  void u64(std::uint64_t v) { number(v); }
  void u32s(std::span<const std::uint32_t> values) {
    if constexpr (std::endian::native == std::endian::little) return bytes(std::as_bytes(values));
    const std::size_t at = to_.size();
    to_.resize(at + 4 * values.size());
    for (std::size_t i = 0; i < values.size(); ++i) store_le(to_.data() + at + 4 * i, values[i]);
  }
  void bytes(std::span<const std::byte> v) { to_.insert(to_.end(), v.begin(), v.end()); }
  void text(std::string_view v) { bytes(std::as_bytes(std::span{v})); }
  void zeros(std::size_t count) { to_.resize(to_.size() + count); }
  [[nodiscard]] std::size_t written() const { return to_.size(); }

 private:
  std::vector<std::byte>& to_;
};

/// Fills a span of known length from its start.
class fixed_writer {
 public:
  explicit fixed_writer(std::span<std::byte> to) : to_{to} {}

  template <class T>
  void number(T value) {
    store_le(room(sizeof value), value);
  }
  void u8(std::uint8_t v) { number(v); }
  void u16(std::uint16_t v) { number(v); }
  void u32(std::uint32_t v) { number(v); }
  void u64(std::uint64_t v) { number(v); }
  void u32s(std::span<const std::uint32_t> values) {
    std::byte* const to = room(4 * values.size());
    for (std::size_t i = 0; i < values.size(); ++i) store_le(to + 4 * i, values[i]);
  }
  void bytes(std::span<const std::byte> v) {
    std::byte* const to = room(v.size());
    if (!v.empty()) {
      std::memcpy(to, v.data(), v.size());
    }
  }
  void zeros(std::size_t count) {
    std::byte* const to = room(count);
    if (count > 0) {
      std::memset(to, 0, count);
    }
  }
  /// The next `count` bytes, to be filled by the caller.
  [[nodiscard]] std::byte* room(std::size_t count) {
    FURROW_ASSERT(count <= left());  // I1
    std::byte* const to = to_.data() + at_;
    at_ += count;
    return to;
  }
  [[nodiscard]] std::size_t written() const { return at_; }
  [[nodiscard]] std::size_t left() const { return to_.size() - at_; }

 private:
  std::span<std::byte> to_;
  std::size_t at_ = 0;
};

class reader {
 public:
  explicit reader(std::span<const std::byte> from) : from_{from} {}

  template <class T>
  [[nodiscard]] T number() {
    if (failed_ || left() < sizeof(T)) {
      failed_ = true;
      return T{};
    }
    const T value = load_le<T>(from_.data() + at_);
    at_ += sizeof(T);
    return value;
  }
  [[nodiscard]] std::uint8_t u8() { return number<std::uint8_t>(); }
  [[nodiscard]] std::uint16_t u16() { return number<std::uint16_t>(); }
  [[nodiscard]] std::uint32_t u32() { return number<std::uint32_t>(); }
  [[nodiscard]] std::uint64_t u64() { return number<std::uint64_t>(); }
  [[nodiscard]] std::span<const std::byte> bytes(std::size_t count) {
    if (failed_ || left() < count) {
      failed_ = true;
      return {};
    }
    const auto v = from_.subspan(at_, count);
    at_ += count;
    return v;
  }
  [[nodiscard]] std::string_view text(std::size_t count) {
    const auto v = bytes(count);
    return {reinterpret_cast<const char*>(v.data()), v.size()};
  }
  void skip(std::size_t count) { static_cast<void>(bytes(count)); }
  /// Skips padding; padding that is not zero fails the reader.
  void zeros(std::size_t count) {
    if (!all_zero(bytes(count))) {
      failed_ = true;
    }
  }
  void fail() { failed_ = true; }
  [[nodiscard]] std::size_t left() const { return from_.size() - at_; }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  std::span<const std::byte> from_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace furrow::format
