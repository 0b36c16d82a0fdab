// One direct write of many bios, of which every k-th command is refused, fails, fails though it has landed, or lands in part;
// from memory that is held, or comes in two parts. Whatever becomes of the write: nothing is left over, the old bytes or the
// new ones are there, and the store closes.
#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <span>

#include "support/core_runner.hpp"

namespace furrow::test {
namespace {

constexpr std::size_t block = 4096;
constexpr std::size_t blocks = 24;
using bytes = std::vector<std::byte>;

enum class fault { refused, over_limit, failed, landed, cut };

struct world {
  zoned::memory_zones zones;
  core_runner r;
  core::handle_id h;

  /// Each command takes two blocks at most.
  world()
      : zones{device_shape{
            .zones = 64, .promises = {.native_append = true, .append_bytes_max = 2 * block, .appends_per_zone_max = 8}}
                  .make()},
        r{zones} {
    r.format_and_open();
    h = r.create("o");
  }
  /// So many times; or, if `again`, what failed once fails for ever.
  void faulty(fault what, std::size_t every, std::size_t times, bool again, const bytes& from) {
    auto hit = [=, &from, seen = std::size_t{0}, left = times,
                bad = std::set<const std::byte*>{}](const zoned::command& c) mutable {
      const std::byte* const at =
          c.op == zoned::opcode::append && !c.segments.empty() ? c.segments.front().data : nullptr;
      if (at < from.data() || at >= from.data() + from.size()) return false;
      if (bad.contains(at)) return true;
      if (left == 0 || ++seen % every != 0) return false;
      --left;
      if (again) bad.insert(at);
      return true;
    };
    if (what == fault::cut) {
      r.shorten = [hit](const zoned::command& c) mutable -> std::optional<std::uint64_t> {
        if (!hit(c)) return std::nullopt;
        return zoned::total_bytes(c.segments) > block ? block : block / 2;
      };
    } else if (what == fault::landed) {
      r.spoil = [hit](const zoned::command& c, zoned::completion& done) mutable {
        if (!hit(c)) return;
        done.error = zoned::errc::io;
        done.bytes = 0;
      };
    } else {
      r.fail = [hit, what](const zoned::command& c) mutable -> error_code {
        if (!hit(c)) return {};
        if (what == fault::refused) return zoned::errc::cancelled;
        return what == fault::over_limit ? zoned::errc::too_many_active : zoned::errc::io;
      };
    }
  }
  void sound() { r.fail = nullptr, r.spoil = nullptr, r.shorten = nullptr; }
  core::notification write(std::uint64_t offset, bytes& from, std::size_t held) {
    core::write_request w{h, offset, from.size(), {}, {}};
    if (held > 0) w.segments.push_back({from.data(), held});
    const auto id = r.ask_later(std::move(w));
    for (;;) {
      r.run();
      auto node = r.answers.extract(id);
      REQUIRE_FALSE(node.empty());
      const auto* need = std::get_if<core::source_need>(&node.mapped().result);
      if (need == nullptr) return std::move(node.mapped());
      core::source_request more{{id}, {}, {}, false};
      more.segments.push_back({from.data() + need->position_bytes, from.size() - need->position_bytes});
      r.ask_later(std::move(more));
    }
  }
  bytes all() {
    const auto s = std::get<object_status>(core_runner::good(r.ask(core::stat_request{h})).result);
    return r.read(h, 0, s.bytes);
  }
  void reopen() {
    core_runner::good(r.ask(core::close_request{}));
    core_runner::good(r.open());
    core::open_object_request ask;
    ask.name = "o";
    h = std::get<core::opened_object>(core_runner::good(r.ask(ask)).result).handle;
  }
};

struct sweep {
  fault what = fault::failed;
  std::size_t every = 1;
  std::size_t times = 1;
  bool again = false;
  std::size_t held = 0;
  std::uint64_t offset = 0;
};

/// True if the write succeeded.
bool carry_out(const sweep& s) {
  world w;
  bytes old = pattern(1, (blocks + 4) * block + 50);
  w.r.append(w.h, old, durability::durable);
  bytes fresh = pattern(2, blocks * block);
  bytes whole = old;
  std::ranges::copy(fresh, whole.begin() + static_cast<std::ptrdiff_t>(s.offset));
  bytes front = old;  // what its first attempt may have published
  const std::size_t cut = (s.offset + s.held) / block * block;
  if (s.held > 0 && cut > s.offset)
    std::copy_n(fresh.begin(), cut - s.offset, front.begin() + static_cast<std::ptrdiff_t>(s.offset));

  const std::uint64_t live = w.r.stats().live_bytes;
  w.faulty(s.what, s.every, s.times, s.again, fresh);
  const auto answer = w.write(s.offset, fresh, s.held);
  w.sound();
  const bytes now = w.all();
  if (answer.error)
    CHECK((now == old || now == front));
  else
    CHECK(now == whole);
  CHECK(w.r.check().damage == 0);
  CHECK(w.r.stats().live_bytes == live);  // each old block for a new one
  w.reopen();
  CHECK(w.all() == now);
  CHECK(w.r.check().damage == 0);
  core_runner::good(w.write(s.offset, fresh, fresh.size()));
  CHECK(w.all() == whole);
  return !answer.error;
}

TEST_CASE("every k-th command of a direct write fails, before it is submitted and after, held whole and in parts") {
  for (const fault what : {fault::refused, fault::over_limit, fault::failed, fault::landed, fault::cut}) {
    std::size_t good = 0, bad = 0;
    const bool at_device = what == fault::failed || what == fault::landed || what == fault::cut;
    for (const bool again : {false, true})
      for (const std::size_t times : {std::size_t{1}, std::size_t{1000}})
        for (std::size_t every = 1; every <= blocks / 2 + 1; ++every)
          for (const std::size_t held : {blocks * block, 9 * block, block + 100, std::size_t{0}})
            for (const std::uint64_t offset : {std::uint64_t{0}, 2 * block + 77}) {
              if (!at_device && (again || every == 1)) continue;  // no fault of the write's: it would be tried for ever
              CAPTURE(static_cast<int>(what));
              CAPTURE(again);
              CAPTURE(times);
              CAPTURE(every);
              CAPTURE(held);
              CAPTURE(offset);
              (carry_out({what, every, times, again, held, offset}) ? good : bad) += 1;
            }
    MESSAGE("fault ", static_cast<int>(what), ": ", good, " writes succeeded, ", bad, " failed");
    CHECK(good > 0);
    CHECK((bad > 0) == at_device);
  }
}

}  // namespace
}  // namespace furrow::test
