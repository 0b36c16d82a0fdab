// Random changes of a few objects against arrays of bytes: every byte, what is allocated, and the check of the whole
// store, after each few steps and over reopening. The seed is printed.
#include <doctest/doctest.h>

#include <random>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

using bytes = std::vector<std::byte>;

constexpr std::uint64_t block = 4096;

class world {
 public:
  explicit world(std::uint64_t seed)
      : random_{seed},
        zones_{device_shape{.zones = 96}.make()},
        store_{zones_, {.ordered_extent_bytes_max = 64 << 10}} {
    store_.format_and_open();
    for (int i = 0; i < 3; ++i) {
      handles_.push_back(store_.create("object " + std::to_string(i)));
      model_.emplace_back();
    }
  }
  void step() {
    const std::size_t at = random_() % model_.size();
    bytes& m = model_[at];
    const auto kind = random_() % 12;
    if (kind < 5) {
      write(at, offset_in(m, true));
    } else if (kind < 6) {
      bytes more = pattern(random_(), count());
      if (m.size() + more.size() > bytes_max) return truncate(at, random_() % (m.size() + 1));
      what_ = "append " + std::to_string(more.size());
      store_.append(handles_[at], more);
      m.insert(m.end(), more.begin(), more.end());
    } else if (kind < 9) {
      zero(at, offset_in(m, kind == 7), count(), kind == 7);
    } else if (kind < 10) {
      truncate(at, random_() % 4 == 0 ? offset_in(m, true) : random_() % (m.size() + 1));
    } else {
      clone(at, random_() % model_.size());
    }
  }
  void compare() {
    for (std::size_t i = 0; i < model_.size(); ++i) {
      INFO("object ", i, " of ", model_[i].size(), " bytes after ", what_);
      const auto status = std::get<object_status>(store_.good(store_.ask(core::stat_request{handles_[i]})).result);
      REQUIRE(status.bytes == model_[i].size());
      const bytes now = store_.read(handles_[i], 0, model_[i].size());
      const auto [a, b] = std::mismatch(now.begin(), now.end(), model_[i].begin());
      REQUIRE_MESSAGE(a == now.end(), "differs at ", a - now.begin());
    }
  }
  void check() {
    const core::check_result c = store_.check();
    for (const auto& f : c.findings) MESSAGE(f.what);
    INFO("after ", what_);
    REQUIRE(c.damage == 0);
  }
  void reopen(bool cleanly) {
    if (cleanly) store_.good(store_.ask(core::close_request{}));
    if (!cleanly) store_.good(store_.ask(core::sync_request{}));
    store_.good(store_.open());
    for (std::size_t i = 0; i < handles_.size(); ++i) {
      core::open_object_request r;
      r.name = "object " + std::to_string(i);
      handles_[i] = std::get<core::opened_object>(store_.good(store_.ask(r)).result).handle;
    }
  }

 private:
  static constexpr std::uint64_t bytes_max = 400 << 10;

  std::uint64_t edge(std::uint64_t around) {
    const std::uint64_t base = around / block * block;
    const std::uint64_t near[] = {base, base + 1, base + block - 1, base + block, around, base + random_() % block};
    return near[random_() % 6];
  }
  std::uint64_t offset_in(const bytes& m, bool behind) {
    if (random_() % 4 == 0) return edge(m.size());
    return edge(random_() % (m.size() + (behind ? 3 * block : 0) + 1));
  }
  std::uint64_t count() {
    switch (random_() % 4) {
      case 0:
        return 1 + random_() % 100;
      case 1:
        return edge(random_() % (4 * block)) + 1;
      case 2:
        return (1 + random_() % 8) * block;
      default:
        return 1 + random_() % (40 * block);
    }
  }
  void write(std::size_t at, std::uint64_t offset) {
    bytes& m = model_[at];
    const std::uint64_t n = std::min(count(), bytes_max - std::min(bytes_max, offset));
    if (n == 0) return;
    bytes from = pattern(random_(), n);
    what_ = "write " + std::to_string(offset) + "+" + std::to_string(from.size());
    INFO(what_);
    core::write_request r{handles_[at], offset, from.size(), {}, {}};
    for (std::size_t i = 0; i < from.size();) {
      const std::size_t part =
          random_() % 3 == 0 ? std::min<std::size_t>(from.size() - i, 1 + random_() % 9000) : from.size() - i;
      r.segments.push_back({from.data() + i, part});
      i += part;
    }
    store_.good(store_.ask(std::move(r)));
    if (m.size() < offset + from.size()) m.resize(offset + from.size());
    std::copy(from.begin(), from.end(), m.begin() + static_cast<std::ptrdiff_t>(offset));
  }
  void zero(std::size_t at, std::uint64_t offset, std::uint64_t n, bool extends) {
    bytes& m = model_[at];
    if (extends) n = std::min(n, bytes_max - std::min(bytes_max, offset));
    what_ = (extends ? "write zeroes " : "punch ") + std::to_string(offset) + "+" + std::to_string(n);
    INFO(what_);
    store_.good(store_.ask(core::zero_request{handles_[at], offset, n, extends, {}}));
    if (extends && n > 0 && m.size() < offset + n) m.resize(offset + n);
    for (std::uint64_t i = offset; i < std::min<std::uint64_t>(m.size(), offset + n); ++i) m[i] = {};
  }
  void truncate(std::size_t at, std::uint64_t to) {
    to = std::min(to, bytes_max);
    what_ = "truncate " + std::to_string(model_[at].size()) + " to " + std::to_string(to);
    INFO(what_);
    store_.good(store_.ask(core::truncate_request{handles_[at], to, {}}));
    model_[at].resize(to);
  }
  void clone(std::size_t to, std::size_t from) {
    const bytes source = model_[from];
    bytes& m = model_[to];
    const std::uint64_t first = random_() % (source.size() / block + 1) * block;
    std::uint64_t n = std::min((1 + random_() % 30) * block, source.size() - first);
    const std::uint64_t at = random_() % (m.size() / block + 3) * block;
    const bool fits = n % block == 0 || at + n >= m.size();
    if (!fits) n = n / block * block;
    const bool meets = to == from && first < at + n && at < first + n;
    if (n == 0 || meets || at + n > bytes_max) return;
    what_ = "clone " + std::to_string(first) + "+" + std::to_string(n) + " to " + std::to_string(at) +
            (to == from ? " of itself" : "");
    INFO(what_);
    store_.good(store_.ask(core::clone_request{handles_[to], at, handles_[from], first, n, {}}));
    if (m.size() < at + n) m.resize(at + n);
    std::copy(source.begin() + static_cast<std::ptrdiff_t>(first),
              source.begin() + static_cast<std::ptrdiff_t>(first + n), m.begin() + static_cast<std::ptrdiff_t>(at));
  }

  std::mt19937_64 random_;
  zoned::memory_zones zones_;
  core_runner store_;
  std::vector<core::handle_id> handles_;
  std::vector<bytes> model_;
  std::string what_;
};

TEST_CASE("random changes of objects are those of arrays of bytes") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    INFO("seed ", seed);
    world w{seed};
    for (int i = 0; i < 300; ++i) {
      INFO("step ", i);
      w.step();
      w.compare();
      if (i % 10 == 9) w.check();
      if (i % 75 == 74) w.reopen(i % 2 == 0);
    }
    w.check();
  }
}

}  // namespace
}  // namespace furrow::test
