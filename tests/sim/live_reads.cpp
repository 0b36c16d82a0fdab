// A store that is read beside its writer: two cores on the same zones, the reader's commands served at arbitrary moments of
// the writer's. The writer replaces whole objects, by name and in place, on a device that it fills and cleans all the time.
//
// Invariants
//   L1  Each object that the reader can read is whole, and of a version that the writer had begun, not older than the last one
//       that was durable when the reader opened the store.
//   L2  What cannot be read says that the store has moved on, and nothing else.
//   L3  The reader asks the device for nothing but reports and reads.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <functional>

#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/sim_store.hpp"
#include "support/empty_zones.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;

constexpr std::size_t objects = 8;
constexpr std::uint64_t block = zoned::store_block_bytes;

std::string name_of(std::size_t object) { return fmt::format("object-{}", object); }
std::uint64_t tag_of(std::size_t object, std::uint64_t version) { return mix(object << 32 | version); }
/// Odd objects are written in place, and keep their length.
std::uint64_t bytes_of(std::size_t object, std::uint64_t version) {
  return object % 2 == 1 ? (object + 2) * 4 * block : 1 + mix(tag_of(object, version)) % (30 * block);
}

/// Replaces one object after the other.
class writer {
 public:
  writer(sim_device& device, const store_options& options, std::uint64_t seed)
      : store_{device, options, seed}, chance_{seed} {
    store_.start();
    static_cast<void>(
        must(core::format_request{{.force = false, .page_copies = 1, .checksums = true}, uuid{std::byte{1}}}));
    store_.end();
    store_.start();
    static_cast<void>(must(core::open_request{}));
  }
  [[nodiscard]] std::uint64_t durable(std::size_t object) const { return durable_[object]; }
  [[nodiscard]] std::uint64_t begun(std::size_t object) const { return begun_[object]; }
  [[nodiscard]] std::uint64_t replaced() const { return replaced_; }

  void step() {
    if (todo_.empty()) plan();
    if (!asked_) asked_ = store_.send(todo_.front()());
    store_.step();
    core::notification n;
    while (store_.poll(n)) {
      if (n.id.value == 0) continue;
      if (n.error) throw broken_promise{"the writer: " + n.error.message() + " " + n.detail.what};
      if (const auto* const o = std::get_if<core::opened_object>(&n.result)) handle_ = o->handle;
      todo_.pop_front();
      asked_.reset();
      if (todo_.empty()) {
        durable_[object_] = begun_[object_];
        ++replaced_;
      }
    }
  }
  void finish() {
    while (!todo_.empty()) step();
    if (const core::notification n = store_.ask(core::close_request{}); n.error)
      throw broken_promise{n.error.message()};
    store_.end();
  }

 private:
  core::notification must(core::request_body body) {
    core::notification n = store_.ask(std::move(body));
    if (n.error) throw broken_promise{n.error.message()};
    return n;
  }
  /// The requests that make the next version of some object, durably.
  void plan() {
    object_ = chance_.below(objects);
    const std::uint64_t version = begun_[object_] + 1;
    const bool in_place = object_ % 2 == 1 && begun_[object_] > 0;
    memory_.resize(bytes_of(object_, version));
    fill_content(memory_, tag_of(object_, version), 0);
    const std::string name = name_of(object_), fresh = in_place ? name : "new";
    todo_.emplace_back([fresh] {
      core::create_request r;
      r.options.name = fresh;
      return core::request_body{r};
    });
    if (in_place) {
      todo_.emplace_back([this] {
        ++begun_[object_];
        core::write_request r{.handle = handle_, .offset_bytes = 0, .bytes = memory_.size()};
        r.segments = {{memory_.data(), memory_.size()}};
        return core::request_body{std::move(r)};
      });
    } else {
      todo_.emplace_back([this] {
        core::append_request r;
        r.handle = handle_;
        r.segments = {{memory_.data(), memory_.size()}};
        return core::request_body{std::move(r)};
      });
    }
    todo_.emplace_back([this] { return core::request_body{core::release_request{handle_}}; });
    if (!in_place)
      todo_.emplace_back([this, name] {
        ++begun_[object_];
        return core::request_body{core::rename_request{.from = "new", .to = name}};
      });
    todo_.emplace_back([] { return core::request_body{core::sync_request{}}; });
  }

  sim_store store_;
  prng chance_;
  std::array<std::uint64_t, objects> begun_{}, durable_{};
  std::size_t object_ = 0;
  std::vector<std::byte> memory_;
  std::deque<std::function<core::request_body()>> todo_;
  std::optional<core::operation_id> asked_;
  core::handle_id handle_;
  std::uint64_t replaced_ = 0;
};

/// A core that sees the zones as they are when each of its commands is served.
class reader {
 public:
  reader(const zoned::memory_zones& zones, const store_options& options, std::function<void()> meanwhile)
      : zones_{zones}, core_{zones.shape(), zones.promises(), options}, meanwhile_{std::move(meanwhile)} {}

  core::notification ask(core::request_body body) {
    const core::operation_id id{++operations_};
    core_.handle(core::request{id, 1, std::move(body)});
    core::notification n;
    for (int turns = 0; turns < 1'000'000; ++turns) {
      while (core_.poll(n))
        if (n.id == id) return n;
      zoned::command c;
      if (core_.poll(c)) {
        meanwhile_();
        core_.handle(serve(c));
      } else {
        core_.tick();
      }
    }
    throw broken_promise{"the reader hangs"};
  }

 private:
  zoned::completion serve(const zoned::command& c) {
    zoned::completion done{.id = c.id};
    if (c.op == zoned::opcode::report) {
      for (std::uint32_t at = c.zone.value; done.bytes < c.zones.size() && at < zones_.shape().zone_count; ++at)
        c.zones[done.bytes++] = zones_.machine().at({at});
    } else if (c.op == zoned::opcode::read) {
      zoned::place at{c.zone, c.offset_bytes};
      for (const zoned::segment& s : c.segments) {
        zones_.peek(at, {s.data, s.bytes});
        at.offset_bytes += s.bytes;
        done.bytes += s.bytes;
      }
    } else {
      throw broken_promise{fmt::format("the reader gives command {} to the device", static_cast<int>(c.op))};  // L3
    }
    return done;
  }

  const zoned::memory_zones& zones_;
  core::core core_;
  std::function<void()> meanwhile_;
  std::uint64_t operations_ = 0;
};

struct totals {
  std::uint64_t attaches = 0, opened = 0, read = 0, moved_on = 0, absent = 0, checks = 0, sound = 0;
};

/// False: the store has moved on (L2).
bool goes_on(const core::notification& n, totals& count) {
  if (!n.error) return true;
  INFO(n.error.message(), " ", n.detail.what);
  CHECK(n.error == errc::moved_on);
  ++count.moved_on;
  return false;
}

bool is_of(std::span<const std::byte> bytes, std::size_t object, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t v = std::max<std::uint64_t>(from, 1); v <= to; ++v)
    if (bytes.size() == bytes_of(object, v) && !find_foreign_byte(bytes, tag_of(object, v), 0)) return true;
  return false;
}

void read_objects(reader& r, const writer& w, const std::array<std::uint64_t, objects>& least, totals& count) {
  std::vector<std::byte> memory(64 * block);
  for (std::size_t object = 0; object < objects; ++object) {
    core::notification n = r.ask(core::open_object_request{default_collection, name_of(object), 0});
    if (n.error == errc::not_found) {
      CHECK(least[object] == 0);
      ++count.absent;
      continue;
    }
    if (!goes_on(n, count)) return;
    core::read_request read;
    read.handle = std::get<core::opened_object>(n.result).handle;
    n = r.ask(core::stat_request{read.handle});
    if (!goes_on(n, count)) return;
    const std::uint64_t bytes = std::get<object_status>(n.result).bytes;
    REQUIRE(bytes <= memory.size());
    read.ranges = {{0, std::span{memory}.first(bytes)}};
    if (!goes_on(r.ask(std::move(read)), count)) return;
    INFO(name_of(object), " ", bytes, " bytes, of versions ", least[object], " to ", w.begun(object));
    CHECK(is_of(std::span{memory}.first(bytes), object, least[object], w.begun(object)));
    ++count.read;
  }
}

void attach(const zoned::memory_zones& zones, writer& w, store_options options, std::uint64_t pace, prng& chance,
            totals& count) {
  ++count.attaches;
  std::array<std::uint64_t, objects> least{};
  for (std::size_t object = 0; object < objects; ++object) least[object] = w.durable(object);
  options.live = true;
  reader r{zones, options, [&] {
             for (std::uint64_t i = pace == 0 ? 0 : chance.below(pace); i > 0; --i) w.step();
           }};
  if (!goes_on(r.ask(core::open_request{}), count)) return;
  ++count.opened;
  if (chance.chance(500)) {
    const core::notification n = r.ask(core::check_request{.data = chance.chance(500)});
    if (!goes_on(n, count)) return;
    ++count.checks;
    const auto& check = std::get<check_result>(n.result);
    if (check.damage == 0) ++count.sound;
    if (pace == 0) CHECK(check.damage == 0);
  }
  read_objects(r, w, least, count);
  static_cast<void>(r.ask(core::close_request{}));
}

zoned::geometry shape() {
  zoned::geometry g;
  g.lba_bytes = 4096;
  g.zone_bytes = 256 << 10;
  g.zone_count = 24;
  g.last_zone_bytes = g.zone_bytes;
  return g;
}

}  // namespace

TEST_CASE("A store that is read while another core writes to it gives whole objects, or says that it has moved on") {
  totals all;
  std::uint64_t replaced = 0;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    INFO("seed ", seed);
    zoned::guarantees promises;
    promises.native_append = true;
    promises.appends_per_zone_max = 4;
    store_options options;
    options.checkpoint_journal_bytes_min = 0;
    options.page_cache_bytes = 1 << 20;
    sim_device device{zoned::memory_zones{shape(), promises, test::empty_zones(shape())}, promises, seed};
    writer w{device, options, seed};
    prng chance{mix(seed)};
    for (const std::uint64_t pace : std::initializer_list<std::uint64_t>{0, 2, 5, 20, 100, 400}) {
      for (int i = 0; i < 12; ++i) {
        for (std::uint64_t steps = chance.below(300); steps > 0; --steps) w.step();
        attach(device.zones(), w, options, pace, chance, all);
      }
    }
    w.finish();
    replaced += w.replaced();
  }
  MESSAGE(fmt::format(
      "{} attaches, {} opened, {} objects read, {} times moved on, {} absent, {} checks, {} sound; {} replaced",
      all.attaches, all.opened, all.read, all.moved_on, all.absent, all.checks, all.sound, replaced));
  CHECK(all.read > 300);
  CHECK(all.moved_on > 20);
}

TEST_CASE("A store without sums is not read beside its writer") {
  zoned::guarantees promises;
  promises.native_append = true;
  sim_device device{zoned::memory_zones{shape(), promises, test::empty_zones(shape())}, promises, 1};
  sim_store store{device, {}, 1};
  store.start();
  REQUIRE(!store.ask(core::format_request{{.force = false, .page_copies = 1, .checksums = false}, uuid{std::byte{1}}})
               .error);
  store.end();
  store_options options;
  options.live = true;
  reader r{device.zones(), options, [] {}};
  CHECK(r.ask(core::open_request{}).error == errc::unsupported);
}
