// Zones of the journal that are offline at an open: the store is as it was before, read-only, and says which publications are
// lost.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>

#include "format/zone_header.hpp"
#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::uint64_t block = 4096;

struct world {
  world() : zones{device_shape{.zones = 200}.make()}, store{zones} { store.format_and_open(); }

  /// Durable changes, one group each, until the journal has been in so many zones.
  void write_until(std::size_t journal_zones) {
    for (int i = 0; journal().size() < journal_zones + 1; ++i) {
      core_runner::good(store.ask(core::release_request{store.create(std::to_string(i))}));
      sequences.push_back(
          std::get<core::sequence_result>(core_runner::good(store.ask(core::sync_request{})).result).sequence);
      REQUIRE(i < 2000);
    }
  }
  /// Zones of the journal by their place in it, but for those that were only kept for it.
  std::map<std::uint64_t, zoned::zone_index> journal() {
    std::map<std::uint64_t, zoned::zone_index> found;
    std::vector<std::byte> bytes(block);
    for (std::uint32_t i = 4; i < 190; ++i) {
      if (zones.machine().at({i}).write_pointer_bytes == 0) continue;
      zones.peek({{i}, 0}, bytes);
      const auto h = format::decode_zone_header(bytes);
      if (h && h->ordinal != 0) found[h->ordinal] = {i};
    }
    return found;
  }
  void take_offline(zoned::zone_index z) {
    zoned::zone_info info = zones.machine().at(z);
    info.condition = zoned::zone_condition::offline;
    zones.force(info);
    store.events.clear();
    core_runner::good(store.open());
  }
  std::string told(zoned::zone_index z) {
    std::string text;
    for (const event& e : store.events)
      if (e.what == event::kind::damage && e.detail.zone == z) text += e.detail.what;
    return text;
  }
  store_info info() { return std::get<store_info>(core_runner::good(store.ask(core::info_request{})).result); }
  std::uint64_t objects() { return store.stats().objects; }

  zoned::memory_zones zones;
  core_runner store;
  std::vector<std::uint64_t> sequences;  ///< Behind each object.
};

}  // namespace

TEST_CASE("a journal zone that is lost takes what was published in it and behind, and that is told by its sequences") {
  world w;
  w.write_until(4);
  const auto journal = w.journal();
  const auto lost = std::next(journal.begin(), 2);
  w.take_offline(lost->second);
  const std::uint64_t last = w.store.stats().sequence;
  CHECK(w.info().read_only);
  CHECK(w.info().health.degraded);
  CHECK(w.info().health.journal_lost_from == last + 1);
  const std::string text = w.told(lost->second);
  INFO(text);
  CHECK(text.find("from sequence " + std::to_string(last + 1) + " on") != std::string::npos);
  const std::size_t range = text.find("of which " + std::to_string(last + 1) + " to ");
  REQUIRE(range != std::string::npos);
  const auto end = std::stoull(text.substr(text.find(" to ", range) + 4));
  CHECK(end > last + 1);
  CHECK(end < w.sequences.back());
  const auto kept = std::count_if(w.sequences.begin(), w.sequences.end(), [&](std::uint64_t s) { return s <= last; });
  CHECK(kept > 0);
  CHECK(w.objects() == static_cast<std::uint64_t>(kept));
  CHECK(w.store.check().damage == 0);
  CHECK(w.store.ask(core::checkpoint_request{}).error == errc::read_only);
}

TEST_CASE("a store whose journal begins in a zone that is lost is as at its last checkpoint") {
  world w;
  w.write_until(2);
  core_runner::good(w.store.ask(core::checkpoint_request{}));
  const std::uint64_t objects = w.objects();
  const auto zone = std::prev(w.journal().end())->second;
  core_runner::good(w.store.ask(core::release_request{w.store.create("later")}));
  core_runner::good(w.store.ask(core::sync_request{}));
  w.take_offline(zone);
  CHECK(w.info().read_only);
  CHECK(w.objects() == objects);
  CHECK(w.info().health.journal_lost_from == w.store.stats().sequence + 1);
  CHECK_FALSE(w.told(zone).empty());
  CHECK(w.store.check().damage == 0);
}

TEST_CASE("a zone that was only kept for the journal is no loss") {
  world w;
  w.write_until(2);
  std::vector<std::byte> bytes(block);
  const auto last = std::prev(w.journal().end())->second;
  w.zones.peek({last, 0}, bytes);
  const zoned::zone_index next = format::decode_zone_header(bytes)->next;
  const std::uint64_t objects = w.objects();
  w.take_offline(next);
  CHECK(w.objects() == objects);
  CHECK(w.info().health.journal_lost_from == 0);
}

}  // namespace furrow::test
