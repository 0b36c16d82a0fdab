// Speaks to a zoned device one command at a time or many at once, for tests: aligned memory, readable patterns, waiting
// on completion_fd only, so that a device whose descriptor lies is found out.
//
// Not here: what is right or wrong; the tests say so.
#pragma once

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <vector>

#include "furrow/zoned/device.hpp"

namespace furrow::test {

/// Memory at an address that suits every device.
class aligned_bytes {
 public:
  static constexpr std::align_val_t alignment{4096};

  explicit aligned_bytes(std::size_t bytes)
      : data_{static_cast<std::byte*>(::operator new(bytes == 0 ? 1 : bytes, alignment))}, bytes_{bytes} {
    if (bytes != 0) std::memset(data_.get(), 0xEE, bytes);
  }
  [[nodiscard]] std::byte* data() const { return data_.get(); }
  [[nodiscard]] std::size_t size() const { return bytes_; }
  [[nodiscard]] std::span<std::byte> span() const { return {data_.get(), bytes_}; }
  [[nodiscard]] zoned::segment segment(std::size_t from = 0) const { return {data_.get() + from, bytes_ - from}; }

 private:
  struct free_aligned {
    void operator()(std::byte* p) const { ::operator delete(p, alignment); }
  };
  std::unique_ptr<std::byte, free_aligned> data_;
  std::size_t bytes_;
};

/// Fills memory so that each 8 bytes tell the seed and their position.
inline void fill_pattern(std::span<std::byte> out, std::uint64_t seed, std::uint64_t first = 0) {
  for (std::size_t i = 0; i + 8 <= out.size(); i += 8) {
    std::uint64_t x = (seed << 32) + first + i;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    x ^= x >> 31;
    std::memcpy(out.data() + i, &x, sizeof x);
  }
}

[[nodiscard]] inline bool has_pattern(std::span<const std::byte> in, std::uint64_t seed, std::uint64_t first = 0) {
  std::vector<std::byte> expected(in.size());
  fill_pattern(expected, seed, first);
  return std::ranges::equal(in, expected);
}

/// One device and what is in flight on it.
class zoned_client {
 public:
  explicit zoned_client(zoned::device& on) : device_{on} {}

  [[nodiscard]] zoned::device& device() { return device_; }

  /// Submits; throws if the device has no room.
  zoned::command_id start(zoned::command c) {
    c.id = {++last_id_};
    const auto held = std::make_shared<held_command>(held_command{{c.segments.begin(), c.segments.end()}, c});
    held->what.segments = held->segments;
    held_[c.id] = held;
    if (device_.submit({&held->what, 1}) != 1) throw std::runtime_error{"the device has no room"};
    return c.id;
  }

  /// Waits on the descriptor until the command has completed.
  zoned::completion finish(zoned::command_id id) {
    for (;;) {
      if (const auto done = done_.find(id); done != done_.end()) {
        const zoned::completion c = done->second;
        done_.erase(done);
        return c;
      }
      reap(true);
    }
  }

  /// Takes what has completed; returns how many.
  std::size_t reap(bool wait, int milliseconds_max = 60'000) {
    zoned::completion out[64];
    std::size_t count = device_.reap(out);
    if (wait && count == 0) {
      pollfd readable{.fd = device_.completion_fd(), .events = POLLIN, .revents = 0};
      if (::poll(&readable, 1, milliseconds_max) != 1) throw std::runtime_error{"nothing completed in time"};
      count = device_.reap(out);
    }
    for (std::size_t i = 0; i < count; ++i) {
      if (held_.erase(out[i].id) != 1) throw std::runtime_error{"a command completed twice, or was never submitted"};
      done_.emplace(out[i].id, out[i]);
    }
    return count;
  }

  [[nodiscard]] std::size_t in_flight() const { return held_.size(); }
  [[nodiscard]] bool is_done(zoned::command_id id) const { return done_.contains(id); }

  zoned::completion run(const zoned::command& c) { return finish(start(c)); }

  zoned::completion append(zoned::zone_index zone, const aligned_bytes& from) {
    const zoned::segment s = from.segment();
    return run(
        {.id = {}, .op = zoned::opcode::append, .zone = zone, .offset_bytes = 0, .segments = {&s, 1}, .zones = {}});
  }
  zoned::completion append_pattern(zoned::zone_index zone, std::size_t bytes, std::uint64_t seed) {
    const aligned_bytes from{bytes};
    fill_pattern(from.span(), seed);
    return append(zone, from);
  }
  zoned::completion write(zoned::place to, const aligned_bytes& from) {
    const zoned::segment s = from.segment();
    return run({.id = {},
                .op = zoned::opcode::write,
                .zone = to.zone,
                .offset_bytes = to.offset_bytes,
                .segments = {&s, 1},
                .zones = {}});
  }
  zoned::completion write_pattern(zoned::place to, std::size_t bytes, std::uint64_t seed) {
    const aligned_bytes from{bytes};
    fill_pattern(from.span(), seed);
    return write(to, from);
  }
  zoned::completion read(zoned::place from, const aligned_bytes& to) {
    const zoned::segment s = to.segment();
    return run({.id = {},
                .op = zoned::opcode::read,
                .zone = from.zone,
                .offset_bytes = from.offset_bytes,
                .segments = {&s, 1},
                .zones = {}});
  }
  [[nodiscard]] bool reads_pattern(zoned::place from, std::size_t bytes, std::uint64_t seed) {
    const aligned_bytes to{bytes};
    const zoned::completion c = read(from, to);
    return !c.error && c.bytes == bytes && has_pattern(to.span(), seed);
  }
  zoned::completion manage(zoned::opcode op, zoned::zone_index zone = {}) {
    return run({.id = {}, .op = op, .zone = zone, .offset_bytes = 0, .segments = {}, .zones = {}});
  }
  zoned::completion flush() { return manage(zoned::opcode::flush); }

  [[nodiscard]] std::vector<zoned::zone_info> report(zoned::zone_index from, std::size_t count) {
    std::vector<zoned::zone_info> zones(count);
    const zoned::completion c =
        run({.id = {}, .op = zoned::opcode::report, .zone = from, .offset_bytes = 0, .segments = {}, .zones = zones});
    if (c.error) throw boost::system::system_error{c.error, "report"};
    zones.resize(c.bytes);
    return zones;
  }
  [[nodiscard]] zoned::zone_info zone(zoned::zone_index index) { return report(index, 1).at(0); }

 private:
  struct held_command {
    std::vector<zoned::segment> segments;
    zoned::command what;
  };
  zoned::device& device_;
  std::uint64_t last_id_ = 0;
  std::map<zoned::command_id, std::shared_ptr<held_command>> held_;
  std::map<zoned::command_id, zoned::completion> done_;
};

}  // namespace furrow::test
