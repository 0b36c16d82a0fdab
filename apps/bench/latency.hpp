// Latencies of many operations in bounded memory: counts in buckets that are 1/32 of their value wide.
#pragma once

#include <array>
#include <bit>
#include <cstdint>

namespace furrow::bench {

class latency {
 public:
  void add(std::uint64_t ns) {
    ++counts_[bucket_of(ns)];
    ++total_;
    sum_ += ns;
    max_ = ns > max_ ? ns : max_;
  }
  void add(const latency& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    total_ += other.total_;
    sum_ += other.sum_;
    max_ = other.max_ > max_ ? other.max_ : max_;
  }
  [[nodiscard]] std::uint64_t count() const { return total_; }
  [[nodiscard]] std::uint64_t max_ns() const { return max_; }
  [[nodiscard]] std::uint64_t mean_ns() const { return total_ == 0 ? 0 : sum_ / total_; }

  /// The least value that so many of a million operations did not exceed, rounded up to its bucket's end.
  [[nodiscard]] std::uint64_t quantile_ns(std::uint64_t per_million) const {
    if (total_ == 0) return 0;
    const std::uint64_t wanted = (total_ * per_million + 999'999) / 1'000'000;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen >= wanted && counts_[i] > 0) return end_of(i) < max_ ? end_of(i) : max_;
    }
    return max_;
  }

 private:
  static constexpr unsigned fine_bits = 5;  // 32 buckets for each power of two
  static constexpr std::size_t buckets = (64 - fine_bits + 1) << fine_bits;

  static std::size_t bucket_of(std::uint64_t ns) {
    const unsigned width = static_cast<unsigned>(std::bit_width(ns));
    if (width <= fine_bits) return static_cast<std::size_t>(ns);
    const unsigned shift = width - fine_bits - 1;
    return (static_cast<std::size_t>(shift) << fine_bits) + static_cast<std::size_t>(ns >> shift);
  }
  static std::uint64_t end_of(std::size_t bucket) {
    if (bucket < (std::size_t{2} << fine_bits)) return bucket;
    const std::size_t shift = (bucket >> fine_bits) - 1;
    const std::uint64_t within = bucket - (shift << fine_bits);
    return ((within + 1) << shift) - 1;
  }

  std::array<std::uint64_t, buckets> counts_{};
  std::uint64_t total_ = 0, sum_ = 0, max_ = 0;
};

}  // namespace furrow::bench
