// Each byte of each cell of a store's leaves, forged with its checksums made good: what a check finds and a repair mends, a
// check does not find afterwards; what it leaves says why; and what objects hold is what it was. The same with the end of
// the process or the loss of power at each command of a repair.
//
// Invariants
//   R1  A repair changes nothing of a store in which a check finds nothing and all copies are good.
//   R2  After a repair the store opens, a check finds what the repair said that it leaves, and another repair changes nothing.
//   R3  Of each object that can be read before, the same bytes are read afterwards, and no other error is met.
//   R4  Interrupted, a repair has changed nothing that a check sees, or everything.
//
// Not here: structures other than leaves (malformed_images.cpp), damage that checksums reveal (hostile_images.cpp).
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <string>

#include "format/page.hpp"
#include "sim/failure.hpp"
#include "sim/forgery.hpp"
#include "sim/sim_store.hpp"
#include "sim/small_image.hpp"

namespace {

/// All of them, with FURROW_REPAIRS_ALL=1: some minutes. Else one in so many, and another one after each change.
std::size_t one_in(std::size_t some) { return std::getenv("FURROW_REPAIRS_ALL") != nullptr ? 1 : some; }

using namespace furrow;
using namespace furrow::sim;

constexpr object_id objects_max = 48;

/// One life of a store: opened in one way.
class life {
 public:
  life(const image& of, const zoned::memory_zones& zones, store_options options)
      : device_{zones, of.promises, 2}, store_{device_, options, 2} {
    store_.start();
    opened_ = !store_.ask(core::open_request{}).error;
  }
  [[nodiscard]] bool opened() const { return opened_; }
  [[nodiscard]] core::notification ask(core::request_body body) { return store_.ask(std::move(body)); }
  [[nodiscard]] check_result check() {
    return std::get<check_result>(store_.ask(core::check_request{.data = true}).result);
  }
  /// The zones as a close has left them.
  [[nodiscard]] zoned::memory_zones close() {
    REQUIRE(!store_.ask(core::close_request{}).error);
    store_.end();
    return device_.zones();
  }
  [[nodiscard]] sim_store& store() { return store_; }
  ~life() {
    if (store_.running()) store_.interrupt(interruption::process_end);
  }

 private:
  sim_device device_;
  sim_store store_;
  bool opened_ = false;
};

store_options reading(const image& of) {
  store_options o = of.options;
  o.read_only = true;
  return o;
}
store_options repairing(const image& of) {
  store_options o = of.options;
  o.for_repair = true;
  return o;
}

/// What each object reads as: its bytes' sum and length, or its error.
std::map<object_id, std::string> contents(life& of) {
  std::map<object_id, std::string> all;
  std::vector<std::byte> memory(1 << 20);
  for (object_id id = 1; id < objects_max; ++id) {
    core::notification n = of.ask(core::open_object_request{default_collection, "", id});
    if (!n.error) {
      core::read_request read;
      read.handle = std::get<core::opened_object>(n.result).handle;
      n = of.ask(core::stat_request{read.handle});
      if (!n.error) {
        const std::uint64_t bytes = std::get<object_status>(n.result).bytes;
        const auto part = std::span{memory}.first(std::min<std::uint64_t>(bytes, memory.size()));
        read.ranges = {{0, part}};
        n = of.ask(std::move(read));
        if (!n.error) all[id] = fmt::format("{} bytes, {:08x}", bytes, format::crc32c(part));
      }
    }
    if (n.error) all[id] = n.error.message();
  }
  return all;
}

std::multiset<std::string> texts(const std::vector<check_finding>& findings) {
  std::multiset<std::string> all;
  for (const check_finding& f : findings) all.insert(f.what);
  return all;
}

/// A forged store that a check finds something in.
struct damaged {
  std::string where;
  zoned::memory_zones zones;
  std::multiset<std::string> found, left;
  std::set<std::string> mended;  ///< Kinds.
};

struct totals {
  std::uint64_t images = 0, refused = 0, unnoticed = 0, mended = 0, left = 0;
};

/// Repairs the store, and holds it to R1 to R3.
std::optional<damaged> hold(const image& of, const std::string& where, zoned::memory_zones zones, totals& count) {
  INFO(where);
  ++count.images;
  check_result found;
  std::map<object_id, std::string> before;
  repair_result plan;
  {
    life l{of, zones, reading(of)};
    if (!l.opened()) return ++count.refused, std::nullopt;
    found = l.check();
    before = contents(l);
    core::notification n = l.ask(core::repair_request{});
    if (n.error) return ++count.refused, std::nullopt;
    plan = std::get<repair_result>(std::move(n.result));
    CHECK(!plan.applied);
  }
  if (found.damage == 0) {
    CHECK(plan.changes.empty());
    return ++count.unnoticed, std::nullopt;
  }
  for (const check_finding& f : plan.left.findings) CHECK(!f.left_because.empty());
  std::string told;
  for (const check_finding& f : found.findings) told += "; " + f.what;
  for (const repair_change& c : plan.changes) told += "; would mend " + c.what;
  INFO(told);
  life l{of, zones, repairing(of)};
  if (!l.opened()) return ++count.refused, std::nullopt;  // what a writer needs is damaged
  core::notification n = l.ask(core::repair_request{});
  if (n.error == errc::damaged) return ++count.refused, std::nullopt;  // the open came upon it
  REQUIRE(!n.error);
  const auto done = std::get<repair_result>(std::move(n.result));
  CHECK(done.applied);
  CHECK(done.changes.empty() == plan.changes.empty());
  const zoned::memory_zones after = l.close();
  life again{of, after, reading(of)};
  REQUIRE(again.opened());
  const check_result left = again.check();
  // With --data a check finds what a repair does not look for: data are not its.
  auto expected = texts(done.left.findings);
  for (const check_finding& f : left.findings)
    if (f.what.starts_with("a block is not what was written")) expected.insert(f.what);
  CHECK(fmt::format("{}", fmt::join(texts(left.findings), "; ")) == fmt::format("{}", fmt::join(expected, "; ")));
  CHECK(contents(again) == before);
  n = again.ask(core::repair_request{});
  REQUIRE(!n.error);
  CHECK(std::get<repair_result>(n.result).changes.empty());
  ++(left.damage == 0 ? count.mended : count.left);
  damaged d{where, std::move(zones), texts(found.findings), texts(left.findings), {}};
  for (const repair_change& c : done.changes) d.mended.insert(c.what.substr(0, 24));
  return d;
}

std::size_t number(std::span<const std::byte> bytes, std::size_t at) {
  return format::load_le<std::uint16_t>(bytes.data() + at);
}

/// Calls for each forged byte of the values of all leaves: the structure, where in it, and what it is to be.
template <class Call>
void each_forgery(const image& of, std::size_t stride, Call call) {
  zoned::memory_zones scratch = *of.zones;
  const forgery f{scratch};
  std::size_t turn = 0;
  for (std::size_t i = 0; i < f.structures(); ++i) {
    const auto bytes = f.at(i).bytes;
    if (format::load_le<std::uint32_t>(bytes.data()) != format::page_magic || bytes[5] != std::byte{0}) continue;
    for (std::size_t slot = 0; slot < number(bytes, 6); ++slot) {
      const std::size_t cell = number(bytes, 96 + 2 * slot);
      const std::size_t key_bytes = number(bytes, cell), value_bytes = number(bytes, cell + 2);
      const std::size_t key = cell + 4, value = key + key_bytes;
      const std::size_t end = value + std::min<std::size_t>(value_bytes, 80);
      for (std::size_t at = key + key_bytes - 1; at < end; ++at)  // of a key, its last byte
        if (turn++ % stride == 0)
          call(i, at, static_cast<std::byte>(std::to_integer<unsigned>(bytes[at]) + 1),
               fmt::format("structure {} byte {} of cell {:02x} (value from {})", i, at,
                           std::to_integer<unsigned>(bytes[key]), value));
    }
  }
}

std::vector<damaged> repair_all(const image& of, std::size_t stride, totals& count) {
  std::vector<damaged> kept;
  std::set<std::string> seen;
  each_forgery(of, stride, [&](std::size_t structure, std::size_t at, std::byte to, const std::string& where) {
    zoned::memory_zones zones = *of.zones;
    forgery{zones}.forge(structure, at, std::array{to});
    auto d = hold(of, where, std::move(zones), count);
    if (!d || d->mended.empty()) return;
    if (std::ranges::any_of(d->mended, [&](const auto& kind) { return seen.insert(kind).second; }))
      kept.push_back(std::move(*d));
  });
  return kept;
}

/// A repair, open and close included, that goes on until `stop` says so or all is answered; true: it was stopped.
template <class Stop>
bool run(sim_store& store, Stop stop) {
  store.start();
  store.send(core::open_request{});
  store.send(core::repair_request{});
  store.send(core::close_request{});
  std::uint32_t answers = 0;
  core::notification n;
  while (answers < 3) {
    if (stop()) return true;
    while (store.poll(n))
      if (n.id.value != 0) ++answers;
    if (answers < 3) store.step();
  }
  return false;
}

/// After how many commands something on the device has changed.
std::set<std::uint64_t> changes_of(const image& of, const damaged& d) {
  sim_device device{d.zones, of.promises, 2};
  sim_store store{device, repairing(of), 2};
  std::set<std::uint64_t> all;
  std::uint64_t last = 0;
  run(store, [&] {
    std::uint64_t now = 0;
    for (const zoned::zone_info& z : device.zones().machine().all()) now = mix(now + z.write_pointer_bytes);
    if (now != last && device.executed() > 0) all.insert({device.executed() - 1, device.executed()});
    last = now;
    return false;
  });
  store.interrupt(interruption::process_end);
  return all;
}

}  // namespace

TEST_CASE("What a repair mends is mended, what it leaves is said, and no byte of data is another") {
  totals count;
  for (const std::uint8_t copies : std::initializer_list<std::uint8_t>{1, 2}) {
    const image of = make_edited_image(image_end::closed, copies);
    repair_all(of, one_in(copies == 1 ? 37 : 151), count);
  }
  MESSAGE(fmt::format("{} forged images: {} refused, {} unnoticed, {} mended, {} left in part", count.images,
                      count.refused, count.unnoticed, count.mended, count.left));
  CHECK(count.mended > 10);
  CHECK(count.left > 10);
}

TEST_CASE("A repair that is interrupted has changed nothing, or all") {
  const image of = make_edited_image(image_end::closed, 2);
  totals count;
  const std::vector<damaged> kinds = repair_all(of, one_in(61), count);
  CHECK(kinds.size() >= 3);
  std::uint64_t states = 0, old = 0;
  for (const damaged& d : kinds) {
    INFO(d.where);
    for (const std::uint64_t commands : changes_of(of, d)) {
      for (const interruption how : {interruption::process_end, interruption::power_loss}) {
        sim_device device{d.zones, of.promises, 2};
        sim_store store{device, repairing(of), 2};
        run(store, [&] { return device.executed() >= commands; });
        store.interrupt(how);
        ++states;
        life l{of, device.zones(), reading(of)};
        REQUIRE(l.opened());
        const auto found = texts(l.check().findings);
        CHECK((found == d.found || found == d.left));  // R4
        if (found == d.found) ++old;
      }
    }
  }
  MESSAGE(fmt::format("{} kinds, {} states, {} of them old", kinds.size(), states, old));
  CHECK(old > 0);
  CHECK(old < states);
}

TEST_CASE("A page of which one copy is bad is written anew") {
  const image of = make_edited_image(image_end::closed, 2);
  zoned::memory_zones zones = *of.zones;
  std::size_t spoiled = 0;
  {
    zoned::memory_zones scratch = *of.zones;
    const forgery f{scratch};
    std::set<std::vector<std::byte>> seen;
    for (std::size_t i = 0; i < f.structures(); ++i) {
      const forgery::view v = f.at(i);
      if (format::load_le<std::uint32_t>(v.bytes.data()) != format::page_magic) continue;
      if (!seen.insert({v.bytes.begin(), v.bytes.end()}).second) continue;  // one copy of each
      std::array<std::byte, 1> byte{v.bytes[100] ^ std::byte{0xff}};
      zones.poke({v.at.zone, v.at.offset_bytes + 100}, byte);
      ++spoiled;
    }
  }
  REQUIRE(spoiled > 2);
  life l{of, zones, repairing(of)};
  REQUIRE(l.opened());
  const auto before = contents(l);
  core::notification n = l.ask(core::repair_request{});
  REQUIRE(!n.error);
  CHECK(!std::get<repair_result>(n.result).changes.empty());
  CHECK(std::get<repair_result>(n.result).left.damage == 0);
  const zoned::memory_zones after = l.close();
  life again{of, after, reading(of)};
  REQUIRE(again.opened());
  n = again.ask(core::repair_request{});
  CHECK(std::get<repair_result>(n.result).changes.empty());
  CHECK(contents(again) == before);
}

TEST_CASE("A store that is opened for repair is changed by nothing else") {
  const image of = make_edited_image(image_end::journal_to_replay, 1);
  life l{of, *of.zones, repairing(of)};
  REQUIRE(l.opened());
  CHECK(l.ask(core::create_request{}).error == errc::read_only);
  CHECK(l.ask(core::clean_request{1.0}).error == errc::read_only);
  core::notification n = l.ask(core::repair_request{});
  REQUIRE(!n.error);
  CHECK(std::get<repair_result>(n.result).changes.empty());
  const zoned::memory_zones after = l.close();
  life usual{of, after, of.options};
  CHECK(usual.ask(core::repair_request{}).error == errc::invalid_argument);
  CHECK(usual.check().damage == 0);
}
