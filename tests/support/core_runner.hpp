// A core on zones in memory: every command is executed as it comes, in order. The device outlives the core, so that a test can
// throw the core away and open the store again.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/core.hpp"
#include "memory/memory_zones.hpp"

namespace furrow::test {

struct device_shape {
  std::uint32_t zones = 24;
  std::uint64_t zone_bytes = 256 << 10;
  std::uint64_t capacity_bytes = 192 << 10;
  std::uint32_t lba_bytes = 4096;
  std::optional<std::uint32_t> active_max;
  zoned::guarantees promises{.native_append = true};
  std::uint32_t conventional = 0;  ///< From the first zone on.
  std::optional<std::uint32_t> open_max{};

  [[nodiscard]] zoned::memory_zones make() const {
    zoned::geometry g{
        .lba_bytes = lba_bytes, .zone_bytes = zone_bytes, .zone_count = zones, .last_zone_bytes = zone_bytes};
    g.active_max = active_max;
    g.open_max = open_max;
    std::vector<zoned::zone_info> all(zones);
    for (std::uint32_t i = 0; i < zones; ++i)
      all[i] =
          i < conventional
              ? zoned::zone_info{{i},
                                 zoned::zone_type::conventional,
                                 zoned::zone_condition::not_write_pointer,
                                 zone_bytes,
                                 zone_bytes,
                                 0}
              : zoned::zone_info{
                    {i}, zoned::zone_type::sequential, zoned::zone_condition::empty, zone_bytes, capacity_bytes, 0};
    return {g, promises, std::move(all)};
  }
};

class core_runner {
 public:
  explicit core_runner(zoned::memory_zones& device, const store_options& options = {})
      : device_{device}, options_{options} {}

  /// Answers of requests that were asked with ask_later().
  std::map<std::uint64_t, core::notification> answers;
  std::vector<core::event> events;
  /// Called with each command before it is executed.
  std::function<void(const zoned::command&)> watch;
  /// Called with each completion before the core has it.
  std::function<void(const zoned::command&, zoned::completion&)> spoil;
  /// Why a command fails instead of being executed.
  std::function<error_code(const zoned::command&)> fail;
  /// How many bytes of a command the device takes; none: all.
  std::function<std::optional<std::uint64_t>(const zoned::command&)> shorten;
  /// Whether a command waits until there is nothing else to do; such ones go on in their order.
  std::function<bool(const zoned::command&)> hold;
  /// Of the next core that is started.
  bool no_split = false;
  /// Whether the core is made to look again when it has nothing to do.
  bool ticks = true;

  void format(const format_options& o = {}, std::byte store = std::byte{7}) {
    start();
    uuid id{};
    id[0] = store;
    const auto n = ask(core::format_request{o, id});
    INFO(n.detail.what);
    REQUIRE_FALSE(n.error);
  }
  void format_refused(errc why, const std::string& saying) {
    start();
    const auto n = ask(core::format_request{{.page_copies = 1}, uuid{}});
    CHECK(n.error == why);
    INFO(n.detail.what);
    CHECK(n.detail.what.find(saying) != std::string::npos);
  }
  core::notification open() {
    start();
    return ask(core::open_request{});
  }
  void format_and_open() {
    format();
    const auto n = open();
    INFO(n.detail.what);
    REQUIRE_FALSE(n.error);
  }
  core::notification ask(core::request_body body) {
    const std::uint64_t id = ask_later(std::move(body));
    run();
    REQUIRE(answers.contains(id));
    return std::move(answers.extract(id).mapped());
  }
  std::uint64_t ask_later(core::request_body body) {
    const std::uint64_t id = ++next_;
    core_->handle(core::request{{id}, static_cast<std::int64_t>(id), std::move(body)});
    return id;
  }
  /// Until nothing moves any more.
  void run() { run_commands(~std::uint64_t{0}); }
  /// The same, but no more than so many commands.
  void run_commands(std::uint64_t commands) {
    zoned::command c;
    core::notification n;
    std::deque<zoned::command> held;
    for (bool ticked = false;;) {
      while (core_->poll(n)) {
        if (n.id.value == 0)
          events.push_back(std::get<core::event>(n.result));
        else
          answers.emplace(n.id.value, std::move(n));
      }
      if (core_->poll(c)) {
        if (hold && hold(c)) {
          held.push_back(std::move(c));
          continue;
        }
      } else if (!held.empty()) {
        c = std::move(held.front());
        held.pop_front();
      } else {
        if (!ticks || std::exchange(ticked, true)) return;
        core_->tick();
        continue;
      }
      ticked = false;
      if (commands-- == 0) return;
      if (watch) watch(c);
      if (const error_code why = fail ? fail(c) : error_code{}) {
        zoned::completion failed;
        failed.id = c.id;
        failed.error = why;
        core_->handle(failed);
        continue;
      }
      std::vector<zoned::segment> front;
      if (const auto bytes = shorten ? shorten(c) : std::nullopt) cut(c, *bytes, front);
      zoned::completion done = device_.execute(c);
      if (spoil) spoil(c, done);
      core_->handle(done);
    }
  }

  core::handle_id create(const std::string& name) {
    create_options o;
    o.name = name;
    return std::get<core::opened_object>(good(ask(core::create_request{o})).result).handle;
  }
  append_result append(core::handle_id h, std::vector<std::byte>& bytes, durability level = durability::written) {
    append_options o;
    o.level = level;
    return std::get<append_result>(good(ask(core::append_request{h, {{bytes.data(), bytes.size()}}, o})).result);
  }
  std::vector<std::byte> read(core::handle_id h, std::uint64_t offset, std::size_t count) {
    std::vector<std::byte> to(count);
    good(ask(core::read_request{h, {{offset, to}}}));
    return to;
  }
  statistics stats() { return *std::get<core::statistics_ptr>(good(ask(core::statistics_request{})).result); }
  core::check_result check(bool data = true) {
    return std::get<core::check_result>(good(ask(core::check_request{data})).result);
  }

  static const core::notification& good(const core::notification& n) {
    INFO(n.error.message() << ": " << n.detail.what);
    REQUIRE_FALSE(n.error);
    return n;
  }

 private:
  /// The command's front, in memory that `to` lends.
  static void cut(zoned::command& c, std::uint64_t bytes, std::vector<zoned::segment>& to) {
    for (const zoned::segment& s : c.segments) {
      const std::size_t part = std::min<std::uint64_t>(s.bytes, bytes);
      if (part > 0) to.push_back({s.data, part});
      bytes -= part;
    }
    c.segments = to;
  }
  void start() {
    core_ = std::make_unique<core::core>(device_.shape(), device_.promises(), options_);
    if (no_split) core_->debug_no_split();
  }

  zoned::memory_zones& device_;
  store_options options_;
  std::unique_ptr<core::core> core_;
  std::uint64_t next_ = 0;
};

inline std::vector<std::byte> pattern(std::uint64_t seed, std::size_t count) {
  std::vector<std::byte> to(count);
  std::uint64_t x = seed * 0x9e3779b97f4a7c15u + 1;
  for (std::byte& b : to) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    b = static_cast<std::byte>(x);
  }
  return to;
}

}  // namespace furrow::test
