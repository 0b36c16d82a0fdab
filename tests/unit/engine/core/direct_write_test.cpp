// Writes whose source is given piece by piece: whatever is held at each attempt, what is written is what was asked for; what
// fails leaves old bytes and takes nothing with it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <span>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::size_t block = 4096;
using bytes = std::vector<std::byte>;

/// Memory that a device takes as it is.
class aligned_bytes {
 public:
  explicit aligned_bytes(const bytes& content)
      : data_(static_cast<std::byte*>(std::aligned_alloc(block, (content.size() + block - 1) / block * block))),
        size_(content.size()) {
    std::copy(content.begin(), content.end(), data_.get());
  }
  [[nodiscard]] std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool has(const std::byte* p) const { return p >= data() && p < data() + size_; }

 private:
  struct freed {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::unique_ptr<std::byte, freed> data_;
  std::size_t size_;
};

struct world {
  zoned::memory_zones zones = device_shape{.zones = 64}.make();
  core_runner store;
  core::handle_id object;

  explicit world(bool no_split = false, std::uint64_t extent_bytes = 64 << 10)
      : store{zones, {.ordered_extent_bytes_max = extent_bytes}} {
    store.no_split = no_split;
    store.format_and_open();
    object = store.create("o");
  }
  /// How many bytes of the source from there on are held; 0: none yet.
  using giving = std::function<std::size_t(std::size_t position)>;

  /// The write's answer. `position` is where it last asked for more.
  core::notification write(std::uint64_t offset, const aligned_bytes& from, const giving& give,
                           std::size_t* position = nullptr) {
    core::write_request r{object, offset, from.size(), {}, {}};
    if (const std::size_t n = give(0)) r.segments.push_back({from.data(), std::min(n, from.size())});
    const std::uint64_t id = store.ask_later(std::move(r));
    for (;;) {
      store.run();
      auto node = store.answers.extract(id);
      REQUIRE_FALSE(node.empty());
      const auto* need = std::get_if<core::source_need>(&node.mapped().result);
      if (need == nullptr) return std::move(node.mapped());
      const std::size_t at = need->position_bytes;
      REQUIRE(at < from.size());
      if (position != nullptr) *position = at;
      core::source_request more{{id}, {}, {}, false};
      if (const std::size_t n = give(at)) more.segments.push_back({from.data() + at, std::min(n, from.size() - at)});
      store.ask_later(std::move(more));
    }
  }
  bytes all() {
    const auto s = std::get<object_status>(store.good(store.ask(core::stat_request{object})).result);
    return store.read(object, 0, s.bytes);
  }
  void fill(const bytes& content) {
    aligned_bytes from(content);
    store.good(write(0, from, [&](std::size_t) { return content.size(); }));
  }
  /// Nothing is left over: the store closes, and opens again as it was.
  void settles(const bytes& expected) {
    CHECK(all() == expected);
    CHECK(store.check().damage == 0);
    store.good(store.ask(core::close_request{}));
    store.good(store.open());
    core::open_object_request r;
    r.name = "o";
    object = std::get<core::opened_object>(store.good(store.ask(r)).result).handle;
    CHECK(all() == expected);
  }
};

bytes over(bytes old, std::uint64_t offset, const bytes& with) {
  if (old.size() < offset + with.size()) old.resize(offset + with.size());
  std::copy(with.begin(), with.end(), old.begin() + static_cast<std::ptrdiff_t>(offset));
  return old;
}

world::giving first_then_all(std::size_t first) {
  return [first, asked = 0](std::size_t) mutable { return asked++ == 0 ? first : ~std::size_t{0}; };
}

TEST_CASE("every cut of a source: none at first, a byte or a block short, inside a block") {
  constexpr std::size_t n = 5 * block;
  for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{2 * block}, std::uint64_t{2 * block + 100}}) {
    world w;
    bytes model = pattern(1, 4 * block);
    w.fill(model);
    for (const std::size_t cut : {std::size_t{0}, std::size_t{1}, std::size_t{100}, block - 1, block, block + 1,
                                  2 * block, 4 * block - 1, 4 * block, 4 * block + 1, n - 1, n}) {
      INFO("offset ", offset, " cut ", cut);
      const bytes content = pattern(cut + 7, n);
      const aligned_bytes from(content);
      const auto before = w.store.stats();
      const auto r = w.store.good(w.write(offset, from, first_then_all(cut)));
      CHECK(std::get<append_result>(r.result).bytes == n);
      model = over(model, offset, content);
      CHECK(w.all() == model);
      const auto after = w.store.stats();
      const std::size_t whole = (offset + cut) / block * block;
      const std::size_t last = (offset + n) / block * block;  // what is behind is a tail, which takes no block
      CHECK(after.attempts - before.attempts == (cut == n ? 1 : 2));
      CHECK(after.extracted - before.extracted == (whole > offset && whole < last ? 1 : 0));
      CHECK(after.bounced_bytes == 0);
      CHECK((after.cancelled_blocks > before.cancelled_blocks) == (whole < last));
    }
    w.settles(model);
  }
}

TEST_CASE("random prefixes are given until all is written, nothing of the room is lost") {
  std::mt19937_64 random(11);
  world w;
  bytes model;
  for (int round = 0; round < 300; ++round) {
    const std::uint64_t offset = random() % 2 == 0 ? random() % 40 * block : random() % (160 << 10);
    const bytes content = pattern(random(), 1 + random() % (150 << 10));
    const aligned_bytes from(content);
    int empty = 0;
    const auto give = [&](std::size_t) -> std::size_t {
      if (empty < 3 && random() % 4 == 0) return ++empty, 0;
      empty = 0;
      return block + random() % (50 << 10);
    };
    w.store.good(w.write(offset, from, give));
    model = over(model, offset, content);
    REQUIRE_MESSAGE(w.all() == model, "round ", round);
  }
  CHECK(w.store.stats().extracted > 100);
  w.settles(model);
}

TEST_CASE(
    "a write that was cancelled in front of its source takes no room, and one that ends in mid-write only what it "
    "wrote") {
  for (const bool by_source : {false, true}) {
    world w;
    const bytes old = pattern(3, 8 * block);
    w.fill(old);
    const aligned_bytes from(pattern(4, 8 * block));
    const std::uint64_t free = w.store.stats().free_bytes;
    const std::uint64_t id =
        w.store.ask_later(core::write_request{w.object, 0, from.size(), {{from.data(), 3 * block}}, {}});
    w.store.run();
    auto need = w.store.answers.extract(id);
    REQUIRE(std::get<core::source_need>(need.mapped().result).position_bytes == 3 * block);
    CHECK(w.store.stats().free_bytes ==
          free - 3 * block);  // what is not submitted has no room while the source is asked
    if (by_source)
      w.store.ask(core::source_request{{id}, {}, errc::source_failed, false});
    else
      w.store.ask(core::cancel_request{{id}, errc::cancelled});
    CHECK(w.store.answers.extract(id).mapped().error == (by_source ? errc::source_failed : errc::cancelled));
    CHECK(w.store.stats().free_bytes == free - 3 * block);
    w.settles(over(old, 0, bytes(from.data(), from.data() + 3 * block)));
  }
}

TEST_CASE("each append of a write given in two parts fails in turn, of the first part or of the rest") {
  constexpr std::size_t n = 24 * block;
  for (const std::size_t cut : {block, 12 * block, 23 * block, n}) {
    for (std::size_t k = 0; k < 40; ++k) {
      INFO("cut ", cut, " append ", k);
      world w(false, 16 << 10);
      const bytes old = pattern(5, n);
      w.fill(old);
      const bytes content = pattern(6, n);
      const aligned_bytes from(content);
      std::size_t seen = 0;
      const std::byte* bad = nullptr;
      w.store.fail = [&](const zoned::command& c) -> error_code {
        if (c.op != zoned::opcode::append || c.segments.empty() || !from.has(c.segments.front().data)) return {};
        const std::byte* first = c.segments.front().data;
        if (bad == nullptr && seen++ == k) bad = first;
        return first == bad ? error_code{zoned::errc::io} : error_code{};
      };
      std::size_t position = 0;
      const auto r = w.write(0, from, first_then_all(cut), &position);
      w.store.fail = nullptr;
      if (bad == nullptr) {  // there is no k-th
        w.store.good(r);
        w.settles(content);
        CHECK(k > 0);
        break;
      }
      CHECK(r.error == zoned::errc::io);
      const bool in_first = bad < from.data() + cut;
      CHECK(position == (in_first ? 0 : cut));  // after a failure no more is asked for
      const bytes expected = w.all();
      for (std::size_t b = 0; b < n; b += block) {
        const auto is = [&](const bytes& x) {
          return std::ranges::equal(std::span(x).subspan(b, block), std::span(expected).subspan(b, block));
        };
        CHECK((is(content) || is(old)));
        if (from.data() + b == bad) CHECK(is(old));
        if (!in_first && b < cut) CHECK(is(content));
        if (in_first && b >= cut) CHECK(is(old));
      }
      w.settles(expected);
      w.fill(content);
      CHECK(w.all() == content);
    }
  }
}

TEST_CASE(
    "without the split the bytes that were submitted are lost, though the write succeeds; with it they are there") {
  constexpr std::size_t n = 8 * block;
  constexpr std::ptrdiff_t cut = 3 * block;
  for (const bool no_split : {false, true}) {
    for (const bool hole : {false, true}) {
      INFO("no split: ", no_split, ", into a hole: ", hole);
      world w(no_split);
      const bytes old = hole ? bytes(n) : pattern(8, n);
      if (hole)
        w.store.good(w.store.ask(core::truncate_request{w.object, n, {}}));
      else
        w.fill(old);
      const bytes content = pattern(9, n);
      const auto r = w.write(0, aligned_bytes(content), first_then_all(cut));
      CHECK_FALSE(r.error);
      CHECK(std::get<append_result>(r.result).bytes == n);
      CHECK(w.store.stats().extracted == 1);
      const bytes now = w.all();
      CHECK(std::equal(content.begin() + cut, content.end(), now.begin() + cut));
      const bytes& front = no_split ? old : content;
      CHECK(std::equal(front.begin(), front.begin() + cut, now.begin()));
      CHECK((now == content) == !no_split);
    }
  }
}

}  // namespace
}  // namespace furrow::test
