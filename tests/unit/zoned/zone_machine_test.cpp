// The transition table of zones: every command x condition x type as data, then every state of a small device.
#include "furrow/zoned/zone_machine.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "furrow/zoned/registry.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using enum zone_condition;

namespace {

constexpr std::uint64_t lba = 512;
constexpr std::uint64_t zone_bytes = 6 * lba;
constexpr std::uint64_t capacity = 4 * lba;

struct limits {
  std::optional<std::uint32_t> open, active;
};

geometry shape_of(std::uint32_t zones, limits l = {}) {
  return {.lba_bytes = lba,
          .zone_bytes = zone_bytes,
          .zone_count = zones,
          .last_zone_bytes = zone_bytes,
          .open_max = l.open,
          .active_max = l.active};
}

std::uint64_t pointer_for(zone_condition c) {
  if (c == full) return capacity;
  return c == closed || is_open(c) ? 2 * lba : 0;
}

zone_info sequential(std::uint32_t index, zone_condition c = empty) {
  return {{index}, zone_type::sequential, c, zone_bytes, capacity, pointer_for(c)};
}

zone_info conventional(std::uint32_t index) {
  return {{index}, zone_type::conventional, not_write_pointer, zone_bytes, zone_bytes, 0};
}

std::vector<zone_info> empty_zones(std::uint32_t count) {
  std::vector<zone_info> zones;
  for (std::uint32_t i = 0; i < count; ++i) zones.push_back(sequential(i));
  return zones;
}

/// What a cell of the table says: the condition afterwards, or the refusal.
struct outcome {
  std::optional<zone_condition> condition;
  error_code refused;
  outcome(zone_condition c) : condition{c} {}  // NOLINT(google-explicit-constructor)
  outcome(errc e) : refused{e} {}              // NOLINT(google-explicit-constructor)
};

enum class action { append_some, append_rest, write_some, write_rest, open, close, finish, reset };
constexpr std::array actions{action::append_some, action::append_rest, action::write_some, action::write_rest,
                             action::open,        action::close,       action::finish,     action::reset};

error_code act(zone_machine& machine, action a, zone_index zone) {
  const zone_info& before = machine.at(zone);
  const std::uint64_t room = before.capacity_bytes - before.write_pointer_bytes;
  const std::uint64_t rest = room == 0 ? lba : room;
  const std::uint64_t at = before.write_pointer_bytes;
  switch (a) {
    case action::append_some:
      return machine.append(zone, lba).error();
    case action::append_rest:
      return machine.append(zone, rest).error();
    case action::write_some:
      return machine.write(zone, at, lba);
    case action::write_rest:
      return machine.write(zone, at, rest);
    case action::open:
      return machine.manage(opcode::open, zone);
    case action::close:
      return machine.manage(opcode::close, zone);
    case action::finish:
      return machine.manage(opcode::finish, zone);
    case action::reset:
      return machine.manage(opcode::reset, zone);
  }
  return errc::unsupported;
}

constexpr errc bad = errc::invalid_transition;
constexpr errc is_full = errc::zone_full;
constexpr errc ro = errc::zone_read_only;
constexpr errc off = errc::zone_offline;

constexpr std::array columns{empty, implicit_open, explicit_open, closed, full, read_only, offline};
struct row {
  action what;
  std::array<outcome, columns.size()> cells;
};
const std::array<row, actions.size()> table{{
    //                      empty          imp_open       exp_open       closed         full     ro  offline
    {action::append_some, {implicit_open, implicit_open, explicit_open, implicit_open, is_full, ro, off}},
    {action::append_rest, {full, full, full, full, is_full, ro, off}},
    {action::write_some, {implicit_open, implicit_open, explicit_open, implicit_open, is_full, ro, off}},
    {action::write_rest, {full, full, full, full, is_full, ro, off}},
    {action::open, {explicit_open, explicit_open, explicit_open, explicit_open, bad, ro, off}},
    {action::close, {bad, closed, closed, closed, bad, ro, off}},
    {action::finish, {full, full, full, full, full, ro, off}},
    {action::reset, {empty, empty, empty, empty, empty, ro, off}},
}};

std::uint64_t expected_pointer(action a, const zone_info& before) {
  switch (a) {
    case action::append_some:
    case action::write_some:
      return before.write_pointer_bytes + lba;
    case action::append_rest:
    case action::write_rest:
    case action::finish:
      return before.capacity_bytes;
    case action::reset:
      return 0;
    case action::open:
    case action::close:
      return before.write_pointer_bytes;
  }
  return 0;
}

/// Whether I1 and I3 hold, and the counts are right.
bool keeps_invariants(const zone_machine& machine, const geometry& shape) {
  std::uint32_t open = 0;
  std::uint32_t active = 0;
  bool each = true;
  for (const zone_info& zone : machine.all()) {
    open += is_open(zone.condition) ? 1U : 0U;
    active += is_active(zone.condition) ? 1U : 0U;
    each = each && zone.write_pointer_bytes <= zone.capacity_bytes;
    if (zone.condition == empty) each = each && zone.write_pointer_bytes == 0;
    if (zone.condition == full) each = each && zone.write_pointer_bytes == zone.capacity_bytes;
    if (is_active(zone.condition)) each = each && zone.write_pointer_bytes < zone.capacity_bytes;
    if (zone.condition == closed) each = each && zone.write_pointer_bytes > 0;
  }
  return each && machine.open_count() == open && machine.active_count() == active &&
         open <= shape.open_max.value_or(UINT32_MAX) && active <= shape.active_max.value_or(UINT32_MAX);
}

}  // namespace

TEST_CASE("every command in every condition of a sequential zone does what the table says") {
  for (const row& r : table) {
    for (std::size_t c = 0; c < columns.size(); ++c) {
      CAPTURE(static_cast<int>(r.what));
      CAPTURE(static_cast<int>(columns[c]));
      const geometry shape = shape_of(2);
      zone_machine machine{shape, {sequential(0, columns[c]), sequential(1, closed)}};
      const zone_info before = machine.at({0});
      const error_code e = act(machine, r.what, {0});
      zone_info expected = before;
      if (r.cells[c].condition) {
        expected.condition = *r.cells[c].condition;
        expected.write_pointer_bytes = expected_pointer(r.what, before);
      }
      CHECK(e == r.cells[c].refused);
      CHECK(machine.at({0}) == expected);
      CHECK(machine.at({1}) == sequential(1, closed));
      CHECK(keeps_invariants(machine, shape));
    }
  }
}

TEST_CASE("a conventional zone takes writes anywhere below its size and nothing else") {
  zone_machine machine{shape_of(1), {conventional(0)}};
  for (const action a : actions) {
    if (a == action::write_some || a == action::write_rest) continue;
    CHECK(act(machine, a, {0}) == errc::invalid_transition);
  }
  for (std::uint64_t at = 0; at < zone_bytes; at += lba) {
    for (std::uint64_t bytes = lba; bytes <= 2 * zone_bytes; bytes += lba) {
      const error_code expected = at + bytes <= zone_bytes ? error_code{} : errc::zone_boundary;
      CHECK(machine.write({0}, at, bytes) == expected);
    }
  }
  CHECK(machine.write({0}, UINT64_MAX - lba + 1, lba) == errc::zone_boundary);
  CHECK(machine.at({0}) == conventional(0));
  for (const zone_condition dead : {read_only, offline}) {
    zone_info zone = conventional(0);
    zone.condition = dead;
    machine.force(zone);
    CHECK(machine.write({0}, 0, lba) == (dead == read_only ? ro : off));
  }
}

TEST_CASE("closing an open zone without data empties it") {
  zone_machine machine{shape_of(1), empty_zones(1)};
  REQUIRE(!machine.manage(opcode::open, {0}));
  REQUIRE(!machine.manage(opcode::close, {0}));
  CHECK(machine.at({0}) == sequential(0));
  CHECK(machine.active_count() == 0);
}

TEST_CASE("an append lands at the write pointer, a write must name it") {
  zone_machine machine{shape_of(2), empty_zones(2)};
  CHECK(machine.append({1}, 2 * lba).value() == place{{1}, 0});
  CHECK(machine.append({1}, lba).value() == place{{1}, 2 * lba});
  for (std::uint64_t at = 0; at <= zone_bytes; at += lba) {
    if (at != 3 * lba) CHECK(machine.write({1}, at, lba) == errc::not_sequential);
  }
  CHECK(machine.append({1}, 2 * lba).error() == errc::zone_boundary);
  CHECK(machine.write({1}, 3 * lba, 2 * lba) == errc::zone_boundary);
  CHECK(machine.append({1}, UINT64_MAX - lba + 1).error() == errc::zone_boundary);
  CHECK(machine.write({1}, 3 * lba, lba) == error_code{});
  CHECK(machine.at({1}).condition == full);
  CHECK(machine.write({1}, 4 * lba, lba) == errc::zone_full);
}

TEST_CASE("what is not whole blocks or not on the device is refused") {
  zone_machine machine{shape_of(1), empty_zones(1)};
  for (const std::uint64_t bytes : {std::uint64_t{0}, lba - 1, lba + 1}) {
    CHECK(machine.append({0}, bytes).error() == errc::unaligned);
    CHECK(machine.write({0}, 0, bytes) == errc::unaligned);
  }
  CHECK(machine.write({0}, 1, lba) == errc::unaligned);
  CHECK(machine.append({1}, lba).error() == errc::out_of_range);
  CHECK(machine.write({1}, 0, lba) == errc::out_of_range);
  for (const opcode op : {opcode::open, opcode::close, opcode::finish, opcode::reset})
    CHECK(machine.manage(op, {1}) == errc::out_of_range);
  CHECK(machine.at({0}) == sequential(0));
}

TEST_CASE("a write in need of a slot closes the implicitly open zone written longest ago") {
  zone_machine machine{shape_of(4, {.open = 2, .active = {}}), empty_zones(4)};
  for (const std::uint32_t zone : {0U, 1U, 0U}) REQUIRE(machine.append({zone}, lba).has_value());
  REQUIRE(machine.append({2}, lba).has_value());
  CHECK(machine.at({0}).condition == implicit_open);
  CHECK(machine.at({1}).condition == closed);
  REQUIRE(!machine.manage(opcode::open, {3}));
  CHECK(machine.at({0}).condition == closed);
  CHECK(machine.at({2}).condition == implicit_open);
  CHECK(machine.open_count() == 2);
  CHECK(machine.active_count() == 4);
}

TEST_CASE("explicitly open zones are never closed for another") {
  zone_machine machine{shape_of(3, {.open = 2, .active = {}}), empty_zones(3)};
  REQUIRE(!machine.manage(opcode::open, {0}));
  REQUIRE(!machine.manage(opcode::open, {1}));
  CHECK(machine.append({2}, lba).error() == errc::too_many_open);
  CHECK(machine.manage(opcode::open, {2}) == errc::too_many_open);
  CHECK(machine.at({2}) == sequential(2));
  REQUIRE(!machine.manage(opcode::close, {0}));
  CHECK(machine.append({2}, lba).has_value());
}

TEST_CASE("an active slot is freed by filling, finishing or resetting only") {
  const limits one_active{.open = {}, .active = 1};
  for (const action freeing : {action::append_rest, action::write_rest, action::finish, action::reset, action::close}) {
    zone_machine machine{shape_of(2, one_active), empty_zones(2)};
    REQUIRE(machine.append({0}, lba).has_value());
    REQUIRE(machine.append({1}, lba).error() == errc::too_many_active);
    REQUIRE(machine.manage(opcode::open, {1}) == errc::too_many_active);
    REQUIRE(!act(machine, freeing, {0}));
    const error_code expected = freeing == action::close ? error_code{errc::too_many_active} : error_code{};
    CHECK(machine.append({1}, lba).error() == expected);
  }
}

TEST_CASE("finishing an empty zone takes no slot") {
  zone_machine machine{shape_of(2, {.open = 1, .active = 1}), empty_zones(2)};
  REQUIRE(!machine.manage(opcode::open, {0}));
  CHECK(machine.manage(opcode::finish, {1}) == error_code{});
  CHECK(machine.at({1}).condition == full);
}

TEST_CASE("forcing a zone keeps the counts") {
  for (const zone_condition from : columns) {
    for (const zone_condition to : columns) {
      zone_machine machine{shape_of(2), {sequential(0, from), sequential(1, closed)}};
      machine.force(sequential(0, to));
      CHECK(machine.at({0}) == sequential(0, to));
      CHECK(machine.open_count() == (is_open(to) ? 1U : 0U));
      CHECK(machine.active_count() == (is_active(to) ? 2U : 1U));
    }
  }
}

TEST_CASE("every reachable state of three small zones under every pair of limits keeps the invariants") {
  std::size_t states = 0;
  for (std::uint32_t open = 0; open <= 3; ++open) {
    for (std::uint32_t active = 0; active <= 3; ++active) {
      if (open != 0 && active != 0 && open > active) continue;
      limits l;
      if (open != 0) l.open = open;
      if (active != 0) l.active = active;
      const geometry shape = shape_of(3, l);
      // The order of last writes is part of a state; for three zones the explored depth covers all orders.
      using key = std::vector<std::pair<zone_condition, std::uint64_t>>;
      std::set<std::pair<key, std::vector<std::uint32_t>>> seen;
      std::deque<std::pair<zone_machine, std::vector<std::uint32_t>>> todo;
      todo.emplace_back(zone_machine{shape, empty_zones(3)}, std::vector<std::uint32_t>{});
      while (!todo.empty()) {
        auto [machine, order] = std::move(todo.front());
        todo.pop_front();
        for (const action a : actions) {
          for (std::uint32_t zone = 0; zone < 3; ++zone) {
            zone_machine next = machine;
            const error_code e = act(next, a, {zone});
            const bool keeps = keeps_invariants(next, shape);
            if (!keeps) REQUIRE(keeps);
            if (e) {
              const bool unchanged = std::ranges::equal(next.all(), machine.all());
              if (!unchanged) REQUIRE(unchanged);
              continue;
            }
            auto next_order = order;
            if (a <= action::write_rest) {
              std::erase(next_order, zone);
              next_order.push_back(zone);
            }
            key k;
            for (const zone_info& z : next.all()) k.emplace_back(z.condition, z.write_pointer_bytes);
            if (seen.emplace(std::move(k), next_order).second)
              todo.emplace_back(std::move(next), std::move(next_order));
          }
        }
      }
      states += seen.size();
    }
  }
  MESSAGE("states visited: " << states);
  CHECK(states > 10'000);
}

TEST_CASE("the value of a failed opening throws the code and the line") {
  const open_result failed = failure{errc::bad_uri, "no such backend: tape"};
  try {
    (void)failed.value();
    FAIL("no exception");
  } catch (const boost::system::system_error& e) {
    CHECK(e.code() == errc::bad_uri);
    CHECK(std::string{e.what()}.find("no such backend: tape") != std::string::npos);
  }
}
