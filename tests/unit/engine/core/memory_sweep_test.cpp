// Every allocation of an operation fails in turn. Either the operation ends, with or without an error, or what the core was
// called for throws std::bad_alloc: then the core is good for nothing but to be destroyed, and the device is as after a loss
// of power. Not here: the splitter's own sweep, whose refusals change nothing (splitter_extract_test).
#include <doctest/doctest.h>

#include <cstdlib>
#include <functional>
#include <new>

#include "core/direct_plan.hpp"
#include "core/in_flight_map.hpp"
#include "core/range_lock.hpp"
#include "support/core_runner.hpp"

namespace {

/// Allocations that succeed until one fails, counted down only while armed.
std::uint64_t left = 0;
bool armed = false;
bool at_device = false;
std::uint64_t asked = 0;

bool may_allocate() {
  if (!armed || at_device) return true;
  ++asked;
  return left-- != 0;
}

}  // namespace

[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* const p = may_allocate() ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
  if (p == nullptr) throw std::bad_alloc{};
  return p;
}
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return may_allocate() ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;
using bytes = std::vector<std::byte>;
using many = std::vector<bytes>;

/// While one is alive, the allocation of that number fails.
class failing {
 public:
  explicit failing(std::uint64_t number) {
    left = number;
    asked = 0;
    armed = true;
  }
  failing(const failing&) = delete;
  failing& operator=(const failing&) = delete;
  ~failing() { armed = false; }
};

struct world {
  zoned::memory_zones zones = device_shape{.zones = 40}.make();
  core_runner r{zones};
  core::handle_id h, other;
  bytes old = pattern(1, 20 * block + 77);
  bytes fresh = pattern(2, 12 * block);
  bytes more = pattern(3, 9 * block);

  world() {
    r.format_and_open();
    h = r.create("swept");
    other = r.create("other");
    r.append(h, old);
    r.append(other, more);
    core_runner::good(r.ask(core::sync_request{}));
    // The device's memory is not what fails.
    r.watch = [](const zoned::command&) { at_device = true; };
    r.spoil = [](const zoned::command&, zoned::completion&) { at_device = false; };
  }
  [[nodiscard]] bytes with(std::uint64_t at, std::span<const std::byte> from) const {
    bytes to = old;
    if (to.size() < at + from.size()) to.resize(at + from.size());
    std::ranges::copy(from, to.begin() + static_cast<std::ptrdiff_t>(at));
    return to;
  }
  void reopen() {
    r.watch = nullptr;
    r.spoil = nullptr;
    core_runner::good(r.open());
    core::open_object_request ask;
    ask.name = "swept";
    h = std::get<core::opened_object>(core_runner::good(r.ask(ask)).result).handle;
  }
  bytes all() {
    const auto s = std::get<object_status>(core_runner::good(r.ask(core::stat_request{h})).result);
    return r.read(h, 0, s.bytes);
  }
};

struct change {
  std::string name;
  std::function<core::request_body(world&)> ask;
  /// What may be there after it failed or was cut off, the last one being the whole of it.
  std::function<many(const world&)> outcomes;
};

core::write_request write_of(world& w, std::uint64_t at, std::size_t held) {
  core::write_request r{w.h, at, w.fresh.size(), {}, {}};
  if (held > 0) r.segments.push_back({w.fresh.data(), held});
  return r;
}

std::vector<change> changes() {
  return {
      {"a write of whole blocks", [](world& w) { return write_of(w, 2 * block, w.fresh.size()); },
       [](const world& w) { return many{w.with(2 * block, w.fresh)}; }},
      {"a durable write",
       [](world& w) {
         core::write_request r = write_of(w, 2 * block, w.fresh.size());
         r.options.level = durability::durable;
         return r;
       },
       [](const world& w) { return many{w.with(2 * block, w.fresh)}; }},
      {"a write of parts of blocks", [](world& w) { return write_of(w, 2 * block + 9, w.fresh.size()); },
       [](const world& w) { return many{w.with(2 * block + 9, w.fresh)}; }},
      {"a write behind the end", [](world& w) { return write_of(w, 24 * block + 9, w.fresh.size()); },
       [](const world& w) { return many{w.with(24 * block + 9, w.fresh)}; }},
      {"a write of which a part is held", [](world& w) { return write_of(w, 2 * block, 5 * block); },
       [](const world& w) {
         return many{w.with(2 * block, std::span(w.fresh).first(5 * block)), w.with(2 * block, w.fresh)};
       }},
      {"a hole",
       [](world& w) {
         return core::zero_request{w.h, block + 5, 9 * block, false, {}};
       },
       [](const world& w) { return many{w.with(block + 5, bytes(9 * block))}; }},
      {"a truncation",
       [](world& w) {
         return core::truncate_request{w.h, 3 * block + 5, {}};
       },
       [](const world& w) { return many{bytes(w.old.begin(), w.old.begin() + 3 * block + 5)}; }},
      {"a clone", [](world& w) { return core::clone_request{w.h, 4 * block, w.other, block, 7 * block, {}}; },
       [](const world& w) { return many{w.with(4 * block, std::span(w.more).subspan(block, 7 * block))}; }},
      {"an append",
       [](world& w) {
         return core::append_request{w.h, {{w.fresh.data(), w.fresh.size()}}, {}};
       },
       [](const world& w) { return many{w.with(w.old.size(), w.fresh)}; }},
  };
}

/// Carries the change out; an answer, or none if something was thrown.
std::optional<core::notification> carry_out(world& w, const change& c, std::uint64_t k) {
  core::request_body ask = c.ask(w);
  try {
    const failing now{k};
    const std::uint64_t id = w.r.ask_later(std::move(ask));
    w.r.run();
    auto answer = w.r.answers.extract(id);
    if (answer.empty()) return std::nullopt;
    if (const auto* need = std::get_if<core::source_need>(&answer.mapped().result)) {
      core::source_request more{{id}, {}, {}, false};
      more.segments.push_back({w.fresh.data() + need->position_bytes, w.fresh.size() - need->position_bytes});
      w.r.ask_later(std::move(more));
      w.r.run();
      answer = w.r.answers.extract(id);
      if (answer.empty()) return std::nullopt;
    }
    return std::move(answer.mapped());
  } catch (const std::bad_alloc&) {
    return std::nullopt;
  }
}

TEST_CASE("whichever allocation of a change fails, the change is whole or absent, and all is sound") {
  for (const change& c : changes()) {
    CAPTURE(c.name);
    std::uint64_t thrown = 0, k = 0;
    for (;; ++k) {
      CAPTURE(k);
      world w;
      const many outcomes = c.outcomes(w);
      const auto answer = carry_out(w, c, k);
      const bool reached = asked > k;
      if (!answer) {
        REQUIRE(reached);
        ++thrown;
        w.reopen();
      } else {
        w.r.watch = nullptr;
        w.r.spoil = nullptr;
        if (!answer->error) CHECK(w.all() == outcomes.back());
        core_runner::good(w.r.ask(core::close_request{}));
        w.reopen();
        if (!answer->error) CHECK(w.all() == outcomes.back());
      }
      const bytes now = w.all();
      CHECK((now == w.old || std::ranges::find(outcomes, now) != outcomes.end()));
      CHECK(w.r.check().damage == 0);
      if (!reached) break;
    }
    MESSAGE(c.name, ": ", k, " allocations, ", thrown, " of them thrown out of the core");
  }
}

TEST_CASE("plans, range locks and the map of what is in flight allocate nothing") {
  core::buffer_pool buffers;
  core::extent_pool pool{buffers};
  core::in_flight_map map;
  core::range_lock lock;
  core::range_lock::ticket a, b, c;
  core::ordered_extent_ptr x = pool.make(), y = pool.make();
  x->blocks = y->blocks = 4;
  y->object_block = 4;
  bool good = true;
  {
    const failing now{0};
    const core::end_shape shape{20 * block + 5};
    good = core::plan_write(shape, 5, 30 * block).sets_end && core::plan_zero(shape, 5, block, false).head == 0u &&
           core::plan_truncate(shape, 7).cut == 0u && core::plan_clone(shape, 0, block).end.bytes == shape.bytes;
    good = map.insert(*x) && map.insert(*y) && map.find(5) == y.get() && good;
    map.erase(*x);
    map.erase(*y);
    good = lock.acquire(a, 0, 4) && !lock.acquire(b, 2, 8) && !lock.acquire(c, 3, 5) && good;
  }
  CHECK(good);
  CHECK(asked == 0);
  std::vector<core::range_lock::ticket*> held;
  for (auto* t : {&a, &b, &c}) lock.release(*t, held);
}

}  // namespace
}  // namespace furrow::test
