#include "bench/checksum_speed.hpp"

#include <algorithm>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <furrow/zoned/registry.hpp>
#include <vector>

#include "bench/caller.hpp"
#include "bench/load.hpp"
#include "format/checksum.hpp"

namespace furrow::bench {

namespace {

constexpr std::size_t block_bytes = 4096;
constexpr std::size_t blocks = 256;

/// The engine times the implementations and selects one when the first store of the process is formatted or opened.
void let_the_engine_choose() {
  store_thread thread{false};
  auto device = zoned::open("memory:?size=64M&zone_size=1M");
  if (!device) throw std::runtime_error{device.error().what};
  device = thread.await(store::async_format(thread.where(), std::move(*device), {}, asio::use_future));
  const store on = thread.await(store::async_open(thread.where(), std::move(*device), {}, asio::use_future));
  thread.await(on.async_close(asio::use_future));
}

}  // namespace

checksum_speed measure_checksum(double seconds) {
  using clock = std::chrono::steady_clock;
  let_the_engine_choose();
  const aligned_memory content = memory_of(blocks * block_bytes, 1);
  std::vector<double> batches;
  std::uint32_t all = 0;
  const auto end = clock::now() + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{seconds});
  for (auto began = clock::now(); began < end || batches.empty();) {
    for (std::size_t i = 0; i < blocks; ++i) {
      all ^= format::crc32c(std::span{content.get() + i * block_bytes, block_bytes});
    }
    const auto now = clock::now();
    batches.push_back(std::chrono::duration<double, std::nano>(now - began).count() / static_cast<double>(blocks));
    began = now;
  }
  [[maybe_unused]] const volatile std::uint32_t used = all;
  const auto middle = batches.begin() + static_cast<std::ptrdiff_t>(batches.size() / 2);
  std::ranges::nth_element(batches, middle);
  const bool isal = format::selected_crc32c() == format::crc32c_kind::isal;
  return {isal ? "isal" : "table", block_bytes, *middle};
}

}  // namespace furrow::bench
