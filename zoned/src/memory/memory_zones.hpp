// Zones in memory: the table of zone_machine.hpp with bytes below it. Synchronous; a copyable value.
//
// Power
//   Without a volatile cache all that completed survives. With one, lose_power() leaves of each zone
//     sequential     what lay below the write pointer at the last flush. A finish is undone unless flushed
//     conventional   the bytes of the last flush
//   A reset takes effect at once: nothing from before it returns. Open zones come back closed, or empty if without
//   data.
//
// Invariants
//   I1  Bytes never written since the last reset read as `unwritten_pattern`, repeated from the zone's start.
//   I2  A refused command changes nothing.
//   I3  durable_bytes <= write pointer, of every sequential zone.
//   I4  A copy shares chunks until one side writes them: it costs a pointer per touched chunk and a little per zone.
//   I5  Bytes of a chunk behind its end were never written, and are not filled.
//
// Not here: queueing and completion order (memory_device.hpp), faults (whoever injects them uses peek, poke, force).
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "furrow/zoned/command.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"
#include "furrow/zoned/zone_machine.hpp"

namespace furrow::zoned {

class memory_zones {
 public:
  static constexpr std::string_view unwritten_pattern = "unwritten bytes\n";

  memory_zones(const geometry& shape, const guarantees& promises, std::vector<zone_info> zones);

  [[nodiscard]] const geometry& shape() const noexcept { return shape_; }
  [[nodiscard]] const guarantees& promises() const noexcept { return promises_; }
  [[nodiscard]] const zone_machine& machine() const noexcept { return machine_; }

  /// Checks the command as a strict device would and performs it. Every opcode.
  [[nodiscard]] completion execute(const command& c);

  /// Bytes as the medium has them, whatever the zone's condition; and changing them behind the write pointer's back.
  void peek(place from, std::span<std::byte> out) const;
  void poke(place to, std::span<const std::byte> bytes);

  /// They read as never written.
  void erase(place from, std::uint64_t bytes);

  class held_bytes;
  /// The first bytes of a zone as they are now, and putting them back: as peek and poke, but as cheap as a copy (I4).
  [[nodiscard]] held_bytes hold(zone_index zone, std::uint64_t bytes) const;
  void put_back(zone_index zone, const held_bytes& held);

  /// Forces condition, write pointer and capacity of one zone without a transition. Bytes stay.
  void force(const zone_info& zone);

  /// See "Power" above.
  void lose_power();
  [[nodiscard]] std::uint64_t durable_bytes(zone_index zone) const;

  /// Bytes of memory that hold data; what copies share counts in each.
  [[nodiscard]] std::uint64_t resident_bytes() const;

 private:
  static constexpr std::size_t chunk_bytes = 16 << 10;
  struct chunk {
    alignas(64) std::array<std::byte, chunk_bytes> bytes;
    std::size_t end = 0;  // I5
  };
  using chunk_list = std::vector<std::shared_ptr<chunk>>;
  struct store {
    chunk_list chunks;          // empty, or one entry per chunk of the zone; a null one was never written
    chunk_list flushed_chunks;  // conventional zones with unflushed writes: the bytes of the last flush
    std::uint64_t durable_bytes = 0;
    bool unflushed = false;
    bool finish_unflushed = false;
  };

  [[nodiscard]] completion transfer(const command& c);
  void read_into(place at, std::span<const segment> segments) const;
  void report_into(const command& c) const;
  void store_bytes(store& s, zone_index zone, std::uint64_t offset_bytes, std::span<const std::byte> bytes);
  static void own(std::shared_ptr<chunk>& c);
  static void copy(const chunk* c, std::size_t within, std::span<std::byte> out);
  void forget_from(store& s, zone_index zone, std::uint64_t offset_bytes);
  void note_change(zone_index zone, opcode op);
  void flush();
  void lose_power_of(zone_index zone);

  geometry shape_;
  guarantees promises_;
  zone_machine machine_;
  std::vector<store> stores_;
  std::vector<zone_index> unflushed_;
};

class memory_zones::held_bytes {
 private:
  friend class memory_zones;
  chunk_list chunks_;
  std::uint64_t bytes_ = 0;
};

}  // namespace furrow::zoned
