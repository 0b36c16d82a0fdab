#include "driver/choices.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <random>
#include <vector>

#include "format/checksum.hpp"

namespace furrow::driver {
namespace {

constexpr std::size_t timed_bytes = 4 << 10;
constexpr int timed_runs = 5;

/// The fastest of some runs: the others were disturbed.
std::chrono::steady_clock::duration time_of(format::crc32c_kind kind, std::span<const std::byte> bytes) {
  format::select_crc32c(kind);
  auto best = std::chrono::steady_clock::duration::max();
  std::uint32_t sum = 0;
  for (int i = 0; i < timed_runs; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    sum = format::crc32c_continue(sum, bytes);
    best = std::min(best, std::chrono::steady_clock::now() - begin);
  }
  [[maybe_unused]] const volatile std::uint32_t used = sum;
  return best;
}

constexpr std::uint64_t kib = 1 << 10;
constexpr std::uint64_t mib = 1 << 20;
constexpr std::uint64_t tib = std::uint64_t{1} << 40;

struct range {
  const char* name;
  std::uint64_t value;
  std::uint64_t min;
  std::uint64_t max;
};

}  // namespace

uuid random_uuid() {
  std::random_device source;
  uuid u;
  for (std::size_t i = 0; i < u.size(); i += sizeof(std::uint32_t)) {
    const std::uint32_t word = source();
    std::memcpy(u.data() + i, &word, sizeof(word));
  }
  u[6] = (u[6] & std::byte{0x0f}) | std::byte{0x40};
  u[8] = (u[8] & std::byte{0x3f}) | std::byte{0x80};
  return u;
}

void choose_crc32c() {
  static std::once_flag once;
  std::call_once(once, [] {
    const std::vector<std::byte> bytes(timed_bytes, std::byte{0x5a});
    const auto isal = time_of(format::crc32c_kind::isal, bytes);
    const auto table = time_of(format::crc32c_kind::table, bytes);
    format::select_crc32c(isal <= table ? format::crc32c_kind::isal : format::crc32c_kind::table);
  });
}

std::optional<std::string> refusal(const store_options& o) {
  const range ranges[] = {
      {"page_cache_bytes", o.page_cache_bytes, mib, tib},
      {"in_flight_bytes_max", o.in_flight_bytes_max, 64 * kib, tib},
      {"operations_max", o.operations_max, 1, mib},
      {"view_bytes_max", o.view_bytes_max, 4 * kib, tib},
      {"handles_max", o.handles_max, 1, mib},
      {"ordered_extent_bytes_max", o.ordered_extent_bytes_max, 4 * kib, 16 * mib},
      {"journal_group_bytes", o.journal_group_bytes, 4 * kib, 4 * mib},
      {"checkpoint_journal_bytes_min", o.checkpoint_journal_bytes_min, 0, 1024 * mib},
  };
  for (const range& r : ranges) {
    if (r.value < r.min || r.value > r.max) {
      return std::string(r.name) + " is " + std::to_string(r.value) + "; it can be " + std::to_string(r.min) + " to " +
             std::to_string(r.max);
    }
  }
  if (o.ordered_extent_bytes_max % zoned::store_block_bytes != 0) {
    return "ordered_extent_bytes_max is " + std::to_string(o.ordered_extent_bytes_max) +
           "; it must be a multiple of 4096";
  }
  return std::nullopt;
}

std::optional<std::string> refusal(const format_options& o) {
  if (o.page_copies > 2) return "page_copies is " + std::to_string(o.page_copies) + "; it can be 0, 1 or 2";
  return std::nullopt;
}

}  // namespace furrow::driver
