// Quantiles of the bench against those of the sorted values themselves.
#include "bench/latency.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace furrow::bench {
namespace {

TEST_CASE("latency: nothing was measured") {
  const latency l;
  CHECK(l.count() == 0);
  CHECK(l.quantile_ns(500'000) == 0);
  CHECK(l.mean_ns() == 0);
}

TEST_CASE("latency: small values are exact") {
  latency l;
  for (std::uint64_t ns = 1; ns <= 40; ++ns) l.add(ns);
  CHECK(l.quantile_ns(500'000) == 20);
  CHECK(l.quantile_ns(1'000'000) == 40);
  CHECK(l.quantile_ns(1) == 1);
  CHECK(l.max_ns() == 40);
}

TEST_CASE("latency: every quantile is at most one thirty-second above the value, and never below it") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 chance{seed};
    latency l;
    std::vector<std::uint64_t> all;
    for (int i = 0; i < 5000; ++i) {
      all.push_back(chance() >> (1 + chance() % 63));
      l.add(all.back());
    }
    std::ranges::sort(all);
    for (const std::uint64_t per_million : {1'000u, 500'000u, 900'000u, 990'000u, 999'000u, 999'900u, 1'000'000u}) {
      const std::uint64_t value = all[(all.size() * per_million + 999'999) / 1'000'000 - 1];
      CAPTURE(per_million);
      CHECK(l.quantile_ns(per_million) >= value);
      CHECK(l.quantile_ns(per_million) <= value + value / 32);
    }
    CHECK(l.max_ns() == all.back());
  }
}

TEST_CASE("latency: those of two threads added are those of one that did both") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 chance{seed};
    latency both, one, other;
    for (int i = 0; i < 1000; ++i) {
      const std::uint64_t ns = chance() >> (1 + chance() % 63) >> 12;  // their sum fits
      both.add(ns);
      (chance() % 3 == 0 ? one : other).add(ns);
    }
    one.add(other);
    CHECK(one.count() == both.count());
    CHECK(one.mean_ns() == both.mean_ns());
    CHECK(one.max_ns() == both.max_ns());
    for (std::uint64_t per_million = 0; per_million <= 1'000'000; per_million += 10'000) {
      CHECK(one.quantile_ns(per_million) == both.quantile_ns(per_million));
    }
  }
}

}  // namespace
}  // namespace furrow::bench
