// Changes of objects of many extents, with hardly a page of the trees resident: what a change needs is asked for before
// anything has changed. Blocks are known by a number that each of their words has.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;
constexpr std::uint64_t blocks_max = 1200;

class world {
 public:
  explicit world(std::uint64_t seed)
      : random_{seed}, zones_{device_shape{.zones = 260}.make()}, store_{zones_, {.page_cache_bytes = 0}} {
    store_.format_and_open();
    for (std::size_t at = 0; at < 2; ++at) {
      handles_.push_back(store_.create("object " + std::to_string(at)));
      model_.emplace_back();
      write(at, 0, blocks_max / 2);
      for (int i = 0; i < 300; ++i) write(at, random_() % model_[at].size(), 1);
    }
    reopen();
  }
  void step() {
    const std::size_t at = random_() % 2;
    const std::uint64_t size = model_[at].size(), first = random_() % size;
    const std::uint64_t few = 1 + random_() % 3, many = 1 + random_() % 200;
    switch (random_() % 8) {
      case 0:
      case 1:
        write(at, first, random_() % 2 == 0 ? many : few);
        break;
      case 2:
        zero(at, first, many);
        break;
      case 3:
      case 4:
        clone(at, first, random_() % 2, many);
        break;
      case 5:
        clone(at, first, at, many);
        break;
      case 6:
        tail_and_behind(at, random_() % 20, few);
        break;
      default:
        truncate(at, std::max<std::uint64_t>(blocks_max / 3, random_() % blocks_max));
    }
    store_.good(store_.ask(core::checkpoint_request{}));  // what is dirty stays resident
  }
  void compare() {
    for (std::size_t at = 0; at < 2; ++at) {
      INFO("object ", at, " after ", what_);
      const auto now = store_.read(handles_[at], 0, model_[at].size() * block);
      for (std::size_t b = 0; b < model_[at].size(); ++b) {
        std::vector<std::uint64_t> words(block / 8);
        std::memcpy(words.data(), now.data() + b * block, block);
        REQUIRE_MESSAGE(words == std::vector<std::uint64_t>(block / 8, model_[at][b]), "block ", b);
      }
    }
  }
  void check() {
    const core::check_result c = store_.check();
    for (const auto& f : c.findings) MESSAGE(f.what);
    INFO("after ", what_);
    REQUIRE(c.damage == 0);
  }
  void reopen() {
    store_.good(store_.ask(core::close_request{}));
    store_.good(store_.open());
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      core::open_object_request r;
      r.name = "object " + std::to_string(i);
      handles_[i] = std::get<core::opened_object>(store_.good(store_.ask(r)).result).handle;
    }
  }
  std::uint64_t page_waits() { return store_.stats().page_waits; }

 private:
  std::vector<std::byte> fresh(std::uint64_t count) {
    std::vector<std::byte> to(count * block);
    for (std::uint64_t b = 0; b < count; ++b) {
      const std::vector<std::uint64_t> words(block / 8, ++number_);
      std::memcpy(to.data() + b * block, words.data(), block);
    }
    return to;
  }
  void says(const char* what, std::size_t at, std::uint64_t first, std::uint64_t count) {
    what_ = std::string{what} + " of object " + std::to_string(at) + " from block " + std::to_string(first) + ", " +
            std::to_string(count);
  }
  void write(std::size_t at, std::uint64_t first, std::uint64_t count) {
    count = std::min(count, blocks_max - first);
    says("write", at, first, count);
    INFO(what_);
    std::vector<std::byte> from = fresh(count);
    store_.good(
        store_.ask(core::write_request{handles_[at], first * block, from.size(), {{from.data(), from.size()}}, {}}));
    auto& m = model_[at];
    m.resize(std::max<std::size_t>(m.size(), first + count));
    for (std::uint64_t b = 0; b < count; ++b) m[first + b] = number_ - count + 1 + b;
  }
  /// A write behind a tail makes a block of that, too: one publication of two records.
  void tail_and_behind(std::size_t at, std::uint64_t gap, std::uint64_t count) {
    auto& m = model_[at];
    const std::uint64_t end = m.size();
    if (end + gap + count + 1 > blocks_max) return;
    says("tail and a write behind it", at, end, gap);
    INFO(what_);
    std::vector<std::byte> tail(10);
    store_.append(handles_[at], tail);
    store_.good(store_.ask(core::checkpoint_request{}));
    write(at, end + 1 + gap, count);
  }
  void zero(std::size_t at, std::uint64_t first, std::uint64_t count) {
    auto& m = model_[at];
    says("hole", at, first, count);
    INFO(what_);
    store_.good(store_.ask(core::zero_request{handles_[at], first * block, count * block, false, {}}));
    for (std::uint64_t b = first; b < std::min<std::uint64_t>(first + count, m.size()); ++b) m[b] = 0;
  }
  void truncate(std::size_t at, std::uint64_t to) {
    says("truncation", at, to, 0);
    INFO(what_);
    store_.good(store_.ask(core::truncate_request{handles_[at], to * block, {}}));
    model_[at].resize(to);
  }
  void clone(std::size_t to, std::uint64_t at, std::size_t from, std::uint64_t count) {
    const auto source = model_[from];
    auto& m = model_[to];
    const std::uint64_t first = random_() % source.size();
    count = std::min({count, source.size() - first, blocks_max - at});
    if (to == from && first < at + count && at < first + count) return;
    says("clone", to, at, count);
    what_ += " of object " + std::to_string(from) + " from block " + std::to_string(first);
    INFO(what_);
    store_.good(
        store_.ask(core::clone_request{handles_[to], at * block, handles_[from], first * block, count * block, {}}));
    m.resize(std::max<std::size_t>(m.size(), at + count));
    std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(first), count,
                m.begin() + static_cast<std::ptrdiff_t>(at));
  }

  std::mt19937_64 random_;
  zoned::memory_zones zones_;
  core_runner store_;
  std::vector<core::handle_id> handles_;
  std::vector<std::vector<std::uint64_t>> model_;
  std::uint64_t number_ = 0;
  std::string what_;
};

TEST_CASE("changes whose pages are hardly ever there are those of arrays of blocks") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    INFO("seed ", seed);
    world w{seed};
    for (int i = 0; i < 400; ++i) {
      INFO("step ", i);
      w.step();
      if (i % 10 == 9) w.compare();
      if (i % 50 == 49) w.check();
    }
    CHECK(w.page_waits() > 1000);
    w.reopen();
    w.compare();
  }
}

}  // namespace
}  // namespace furrow::test
