// What a store costs by the zone: opens one on a device of so many zones, and then is idle, and then is used a little. Prints
// figures; under callgrind, with --instr-atstart=no, counts the instructions of each of the three apart
// (many_zones_test.py).
//
//   many_zones ZONES fresh|used
//
// used: an object of a whole zone lies in each data zone. The device keeps what is metadata, and forgets data.
//
// Not here: bounds (many_zones_test.py), reading data.
#include <fmt/format.h>
#include <malloc.h>

#include <cstring>
#include <deque>
#include <string_view>
#include <unordered_map>

#include "core/core.hpp"
#include "core/zone_table.hpp"
#include "format/zone_header.hpp"
#include "furrow/zoned/zone_machine.hpp"

#if __has_include(<valgrind/callgrind.h>)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wold-style-cast"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wundef"
#include <valgrind/callgrind.h>
#define FURROW_COUNT_BEGIN \
  CALLGRIND_ZERO_STATS;    \
  CALLGRIND_START_INSTRUMENTATION
#define FURROW_COUNT_END(name)    \
  CALLGRIND_STOP_INSTRUMENTATION; \
  CALLGRIND_DUMP_STATS_AT(name)
#else
#define FURROW_COUNT_BEGIN static_cast<void>(0)
#define FURROW_COUNT_END(name) static_cast<void>(0)
#endif

namespace {

using namespace furrow;
using core::block_bytes;

constexpr std::uint64_t zone_blocks = 64;
constexpr std::uint32_t conventional_share = 100;  // one of so many, as disks have

class forgetful_device {
 public:
  explicit forgetful_device(std::uint32_t zones) : machine_{shape_of(zones), zones_of(zones)}, is_data_(zones) {
    promises.native_append = true;
    promises.append_bytes_max = promises.transfer_bytes_max = 1 << 20;
    promises.appends_per_zone_max = 8;
  }
  zoned::guarantees promises;
  [[nodiscard]] static zoned::geometry shape_of(std::uint32_t zones) {
    return {.zone_bytes = zone_blocks * block_bytes, .zone_count = zones, .last_zone_bytes = zone_blocks * block_bytes};
  }

  zoned::completion execute(const zoned::command& c) {
    zoned::completion done{c.id, {}, {c.zone, c.offset_bytes}, zoned::total_bytes(c.segments)};
    switch (c.op) {
      case zoned::opcode::append: {
        const auto at = machine_.append(c.zone, done.bytes);
        if (!at) return {c.id, at.error(), {}, 0};
        done.at = *at;
        keep(done.at, c.segments);
        break;
      }
      case zoned::opcode::write:
        done.error = machine_.write(c.zone, c.offset_bytes, done.bytes);
        keep(done.at, c.segments);
        break;
      case zoned::opcode::read:
        fetch(done.at, c.segments);
        break;
      case zoned::opcode::report:
        for (std::size_t i = 0; i < c.zones.size(); ++i)
          c.zones[i] = machine_.at({c.zone.value + static_cast<std::uint32_t>(i)});
        done.bytes = c.zones.size();
        break;
      case zoned::opcode::flush:
        break;
      case zoned::opcode::open:
      case zoned::opcode::close:
      case zoned::opcode::finish:
      case zoned::opcode::reset:
        done.error = machine_.manage(c.op, c.zone);
        break;
    }
    return done;
  }

 private:
  using block = std::array<std::byte, block_bytes>;

  [[nodiscard]] static std::vector<zoned::zone_info> zones_of(std::uint32_t count) {
    std::vector<zoned::zone_info> zones(count);
    for (std::uint32_t i = 0; i < count; ++i) {
      const bool conventional = i < count / conventional_share;
      zones[i] = {.index = {i},
                  .type = conventional ? zoned::zone_type::conventional : zoned::zone_type::sequential,
                  .condition = conventional ? zoned::zone_condition::not_write_pointer : zoned::zone_condition::empty,
                  .bytes = zone_blocks * block_bytes,
                  .capacity_bytes = zone_blocks * block_bytes,
                  .write_pointer_bytes = 0};
    }
    return zones;
  }
  void keep(zoned::place at, std::span<const zoned::segment> segments) {
    std::uint64_t b = at.zone.value * zone_blocks + at.offset_bytes / block_bytes;
    for (const zoned::segment& s : segments)
      for (std::size_t from = 0; from < s.bytes; from += block_bytes, ++b) {
        const std::span<const std::byte> bytes{s.data + from, block_bytes};
        if (b % zone_blocks == 0) {
          const auto h = format::decode_zone_header(bytes);
          is_data_[at.zone.value] = h && h->role == format::zone_role::data;
        } else if (is_data_[at.zone.value]) {
          continue;
        }
        std::memcpy(kept_[b].data(), bytes.data(), block_bytes);
      }
  }
  void fetch(zoned::place at, std::span<const zoned::segment> segments) {
    std::uint64_t b = at.zone.value * zone_blocks + at.offset_bytes / block_bytes;
    for (const zoned::segment& s : segments)
      for (std::size_t from = 0; from < s.bytes; from += block_bytes, ++b)
        if (const auto it = kept_.find(b); it != kept_.end())
          std::memcpy(s.data + from, it->second.data(), block_bytes);
        else
          std::memset(s.data + from, 0, block_bytes);
  }

  zoned::zone_machine machine_;
  std::vector<bool> is_data_;
  std::unordered_map<std::uint64_t, block> kept_;
};

class runner {
 public:
  runner(forgetful_device& device, std::uint32_t zones)
      : device_{device}, core_{forgetful_device::shape_of(zones), device.promises, {}} {}

  core::result_body ask(core::request_body body) {
    core_.handle(core::request{{++last_}, 1, std::move(body)});
    for (;;) {
      core::notification n;
      while (core_.poll(n))
        if (n.id.value == last_) {
          if (!n.error) return std::move(n.result);
          fmt::print(stderr, "{}: {}\n", n.error.message(), n.detail.what);
          std::exit(1);
        }
      zoned::command c;
      if (core_.poll(c))
        core_.handle(device_.execute(c));
      else
        core_.tick();
    }
  }
  void tick() { core_.tick(); }
  void append(core::handle_id h, std::vector<std::byte>& memory, durability level) {
    append_options o;
    o.level = level;
    ask(core::append_request{h, {{memory.data(), memory.size()}}, o});
  }
  core::handle_id create(const std::string& name) {
    create_options o;
    o.name = name;
    return std::get<core::opened_object>(ask(core::create_request{o})).handle;
  }

 private:
  forgetful_device& device_;
  core::core core_;
  std::uint64_t last_ = 0;
};

/// An object of the size of a zone for nearly each zone that data may have.
void fill(runner& r) {
  std::vector<std::byte> memory((zone_blocks - 1) * block_bytes);
  const statistics s = *std::get<core::statistics_ptr>(r.ask(core::statistics_request{}));
  for (std::uint64_t i = 0; i < s.free_bytes / memory.size() * 9 / 10; ++i) {
    const core::handle_id h = r.create(std::to_string(i));
    r.append(h, memory, durability::written);
    r.ask(core::release_request{h});
  }
}

void idle(runner& r) {
  for (int i = 0; i < 10'000; ++i) {  // what comes in has all machines look whether they can go on
    r.ask(core::info_request{});
    r.tick();
  }
}

void use(runner& r) {
  std::vector<std::byte> memory(block_bytes);
  const core::handle_id h = r.create("used");
  for (int i = 0; i < 100; ++i) {
    r.append(h, memory, durability::durable);
    r.ask(core::statistics_request{});
  }
  r.ask(core::checkpoint_request{});
}

int run(std::uint32_t zones, bool used) {
  forgetful_device device{zones};
  {
    runner r{device, zones};
    uuid id{};
    id[0] = std::byte{1};
    r.ask(core::format_request{{.force = false, .page_copies = 2, .checksums = false}, id});
  }
  {
    runner r{device, zones};
    r.ask(core::open_request{});
    if (used) fill(r);
    r.ask(core::close_request{});
  }
  const std::size_t before = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  FURROW_COUNT_BEGIN;
  runner r{device, zones};
  r.ask(core::open_request{});
  FURROW_COUNT_END("open");
  const std::size_t after = ::mallinfo2().uordblks + ::mallinfo2().hblkhd;
  FURROW_COUNT_BEGIN;
  idle(r);
  FURROW_COUNT_END("idle");
  FURROW_COUNT_BEGIN;
  use(r);
  FURROW_COUNT_END("use");
  const statistics s = *std::get<core::statistics_ptr>(r.ask(core::statistics_request{}));
  fmt::print("zones {} free {} objects {}: {:.0f} bytes of memory a zone, {} of them the zone's state\n", zones,
             s.zones_free, s.objects, static_cast<double>(after - before) / zones, sizeof(core::zone_state));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "many_zones ZONES fresh|used\n");
    return 2;
  }
  return run(static_cast<std::uint32_t>(std::stoul(argv[1])), std::string_view{argv[2]} == "used");
}
