#include "furrow_full/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <thread>

#include "furrow/failure.hpp"
#include "furrow_full/content.hpp"

namespace furrow::full {

namespace {

constexpr std::size_t memory_alignment = 4096;
constexpr std::uint64_t piece_bytes = 1 << 20;
constexpr std::uint64_t slices = 10;
constexpr std::chrono::milliseconds room_pause{50};

class aligned_memory {
 public:
  explicit aligned_memory(std::size_t bytes)
      : bytes_{bytes}, begin_{::operator new (bytes, std::align_val_t{memory_alignment})} {}
  aligned_memory(const aligned_memory&) = delete;
  aligned_memory& operator=(const aligned_memory&) = delete;
  ~aligned_memory() { ::operator delete (begin_, std::align_val_t{memory_alignment}); }
  [[nodiscard]] std::span<std::byte> all() const { return {static_cast<std::byte*>(begin_), bytes_}; }

 private:
  std::size_t bytes_;
  void* begin_;
};

double seconds_between(std::chrono::steady_clock::time_point from, std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

run::run(place& where, const plan& how) : where_{where}, how_{how} {}

outcome run::carry_out() {
  out_.capacity_bytes = where_.capacity_bytes();
  out_.blocks = static_cast<std::uint64_t>(static_cast<double>(out_.capacity_bytes) * how_.full) / how_.block_bytes;
  if (out_.blocks < how_.depth) throw cli::wrong_usage("so small a place has no block for each caller");
  generations_.resize(out_.blocks);
  unsure_.resize(out_.blocks);
  out_.wanted_bytes = how_.overwrite_bytes != 0
                          ? how_.overwrite_bytes
                          : static_cast<std::uint64_t>(static_cast<double>(where_.device_bytes()) * how_.times);
  if (out_.wanted_bytes == 0) throw cli::wrong_usage("how much? the device's size is not known: --overwrite");
  fill_all();
  if (out_.failed) return std::move(out_);
  overwrite();
  out_.told = where_.told();
  if (how_.spoil) spoil(*how_.spoil);
  where_.reopen();
  compare();
  return std::move(out_);
}

void run::fill_all() {
  const auto began = clock::now();
  const std::uint64_t at_a_time = std::max<std::uint64_t>(1, piece_bytes / how_.block_bytes);
  const aligned_memory memory{at_a_time * how_.block_bytes};
  for (std::uint64_t first = 0; first < out_.blocks; first += at_a_time) {
    const std::uint64_t count = std::min(at_a_time, out_.blocks - first);
    for (std::uint64_t i = 0; i < count; ++i)
      fill(memory.all().subspan(i * how_.block_bytes, how_.block_bytes), {how_.seed, first + i, 0});
    const ending end = where_.put(first * how_.block_bytes, memory.all().first(count * how_.block_bytes));
    if (end.code) return fail(fmt::format("filling, after {} of {} blocks", first, out_.blocks).c_str(), end);
  }
  if (const ending end = where_.sync(); end.code) return fail("the sync of what was filled", end);
  out_.fill_seconds = seconds_between(began, clock::now());
  out_.told_full = where_.told();
}

void run::overwrite() {
  const std::uint64_t before = device_written();
  const auto began = clock::now();
  slice_began_ = began;
  at_work_ = how_.depth;
  {
    std::vector<std::jthread> callers;
    for (std::uint32_t i = 0; i < how_.depth; ++i) callers.emplace_back([this, i] { call(i); });
    watch();
  }
  out_.bytes = done_ * how_.block_bytes;
  if (const ending end = where_.sync(); end.code) fail("the sync of what was written over", end);
  out_.seconds = seconds_between(began, clock::now());
  out_.device_written_bytes = device_written() - before;
}

/// The blocks of a caller are every depth-th.
void run::call(std::uint32_t caller) {
  std::uint64_t random = how_.seed * 1'000'003 + caller;
  const std::uint64_t own = (out_.blocks - caller + how_.depth - 1) / how_.depth;
  const std::uint64_t writes = out_.wanted_bytes / how_.block_bytes / how_.depth;
  const aligned_memory memory{how_.block_bytes};
  for (std::uint64_t i = 0; i < writes && !over_; ++i) {
    const std::uint64_t block = next_random(random) % own * how_.depth + caller;
    if (!write(block, memory.all())) break;
  }
  --at_work_;
}

bool run::write(std::uint64_t block, std::span<std::byte> memory) {
  fill(memory, {how_.seed, block, generations_[block] + 1});
  const auto began = clock::now();
  for (;;) {
    const ending end = where_.put(block * how_.block_bytes, memory);
    const double seconds = seconds_between(began, clock::now());
    if (!end.code) {
      ++generations_[block];
      note_done(seconds);
      return true;
    }
    if (!end.no_space || seconds >= how_.patience_seconds || over_) {
      unsure_[block] = 1;
      fail("writing over", end);
      return false;
    }
    {
      const std::lock_guard lock{guard_};
      ++out_.refusals;
    }
    std::this_thread::sleep_for(room_pause);
  }
}

void run::note_done(double seconds) {
  const std::lock_guard lock{guard_};
  const std::uint64_t done = ++done_;
  out_.longest_seconds = std::max(out_.longest_seconds, seconds);
  const std::uint64_t all = out_.wanted_bytes / how_.block_bytes / how_.depth * how_.depth;
  if (done * slices / all == (done - 1) * slices / all) return;
  const auto now = clock::now();
  out_.slice_seconds.push_back(seconds_between(slice_began_, now));
  slice_began_ = now;
}

void run::fail(const char* when, const ending& how) {
  const std::lock_guard lock{guard_};
  over_ = true;
  if (!out_.failed) out_.failed = {when, how.what, how.no_space, done_ * how_.block_bytes};
}

/// Callers that hang cannot be waited for: the process ends.
void run::watch() {
  auto moved = clock::now();
  for (std::uint64_t seen = 0; at_work_ != 0;) {
    std::this_thread::sleep_for(std::chrono::milliseconds{100});
    if (const std::uint64_t now = done_; now != seen) {
      seen = now;
      moved = clock::now();
    } else if (seconds_between(moved, clock::now()) > how_.stuck_seconds + how_.patience_seconds) {
      fmt::print(stderr, "furrow-full: nothing has completed for {:.0f} seconds, after {} bytes; seed {}\n",
                 seconds_between(moved, clock::now()), seen * how_.block_bytes, how_.seed);
      std::fflush(nullptr);
      std::_Exit(static_cast<int>(cli::exit_status::failed));
    }
  }
}

void run::spoil(std::uint64_t block) {
  if (block >= out_.blocks) throw cli::wrong_usage("there is no such block to spoil");
  const aligned_memory memory{how_.block_bytes};
  fill(memory.all(), {how_.seed, block, generations_[block]});
  memory.all().back() ^= std::byte{1};
  if (const ending end = where_.put(block * how_.block_bytes, memory.all()); end.code) fail("spoiling", end);
}

void run::compare() {
  const auto began = clock::now();
  const std::uint64_t at_a_time = std::max<std::uint64_t>(1, piece_bytes / how_.block_bytes);
  const aligned_memory found{at_a_time * how_.block_bytes}, wanted{how_.block_bytes};
  for (std::uint64_t first = 0; first < out_.blocks; first += at_a_time) {
    const std::uint64_t count = std::min(at_a_time, out_.blocks - first);
    const ending end = where_.get(first * how_.block_bytes, found.all().first(count * how_.block_bytes));
    if (end.code) return fail(fmt::format("reading back, at block {}", first).c_str(), end);
    for (std::uint64_t i = 0; i < count; ++i)
      compare_block(first + i, found.all().subspan(i * how_.block_bytes, how_.block_bytes), wanted.all());
  }
  out_.compare_seconds = seconds_between(began, clock::now());
}

void run::compare_block(std::uint64_t block, std::span<const std::byte> found, std::span<std::byte> wanted) {
  if (unsure_[block] != 0) {
    ++out_.unsure_blocks;
    return;
  }
  ++out_.compared_blocks;
  fill(wanted, {how_.seed, block, generations_[block]});
  if (std::memcmp(found.data(), wanted.data(), found.size()) == 0) return;
  if (++out_.wrong_blocks > 1) return;
  const auto at = std::mismatch(found.begin(), found.end(), wanted.begin()).first - found.begin();
  out_.first_wrong =
      fmt::format("block {} (generation {}): byte {} of {} is another", block, generations_[block], at, found.size());
}

std::uint64_t run::device_written() const {
  if (how_.counters.empty()) return where_.written_bytes();
  // Reads, merged, sectors, ms, writes, merged, sectors.
  std::ifstream file{how_.counters};
  std::uint64_t value = 0;
  for (int field = 0; field < 7; ++field) file >> value;
  if (!file) throw cli::wrong_usage(how_.counters + " has no counters of a block device");
  return value * 512;
}

}  // namespace furrow::full
