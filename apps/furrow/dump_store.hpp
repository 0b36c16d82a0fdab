// Reads every structure of a store off the device, below the engine, and hands it to a dump_writer.
//
// Invariants
//   I1  Nothing is assumed of the device: what does not verify is named, and the walk goes on behind it.
//   I2  Only what is reachable is judged: a page or group that nothing names any more is never a fault.
//
// Not here: how structures look on the device (engine/format), how they are printed (dump_writer).
#pragma once

#include <optional>

#include "dump_writer.hpp"
#include "format/page.hpp"
#include "format/superblock.hpp"
#include "raw_device.hpp"

namespace furrow::cli {

class store_dumper {
 public:
  store_dumper(raw_device& device, dump_writer& to) : device_{device}, to_{to} {}

  /// Looks for the newest superblock; prints every copy if asked to. What follows needs to know it, but for zone().
  void superblocks(bool print);
  [[nodiscard]] const std::optional<format::superblock>& newest() const { return newest_; }

  void zone_headers();
  void journal();
  void tree(format::page_kind kind);
  /// Every block of one zone.
  void zone(zoned::zone_index index);

 private:
  void superblock_zone(zoned::zone_index index, bool print);
  [[nodiscard]] std::optional<format::uuid> store_of(zoned::zone_index index);
  [[nodiscard]] std::optional<zoned::zone_index> journal_zone(std::uint64_t ordinal);

  struct chain;
  std::uint64_t group(chain& c, zoned::zone_index zone, std::uint64_t block, bool judge);
  void records(std::span<const std::byte> bytes, std::uint32_t count);
  void journal_in_zone(chain& c, zoned::zone_index zone, std::uint64_t block);
  void metadata_zone(zoned::zone_index index, const format::uuid& store);
  void data_zone(zoned::zone_index index);

  struct expected_page;
  void page(const expected_page& expected, std::uint8_t depth);
  void cells(std::span<const std::byte> bytes, const expected_page& expected, std::uint8_t depth);
  void index_cell(format::key_view key, format::value_view value, const expected_page& expected, std::uint8_t depth);
  [[nodiscard]] std::optional<std::vector<std::byte>> read_page(const expected_page& expected, std::uint8_t depth);
  [[nodiscard]] std::string fault_of_page(const expected_page& expected, std::span<const std::byte> bytes) const;
  [[nodiscard]] dump_place place_of(zoned::device_address a) const;
  [[nodiscard]] bool on_device(zoned::device_address a) const;

  raw_device& device_;
  dump_writer& to_;
  std::optional<format::superblock> newest_;
  std::optional<dump_place> newest_at_;
};

}  // namespace furrow::cli
