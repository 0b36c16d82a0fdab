#include "survey.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "furrow/dump_store.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t piece_blocks = 256;
constexpr std::size_t page_checksum_at = 48;

class surveyor {
 public:
  surveyor(raw_device& device, progress& shown) : device_{device}, shown_{shown}, rings_{ring_zones(device.shape())} {}

  survey run() {
    find_superblock();
    found_.headers.resize(device_.zones().size());
    std::map<format::uuid, std::size_t> stores;
    for (const zoned::zone_info& z : device_.zones()) {
      if (is_ring(z.index)) continue;
      if (z.condition == zoned::zone_condition::offline) fault("the zone is offline", z.index);
      auto& header = found_.headers[z.index.value];
      header = header_of(z.index);
      if (header) ++stores[header->store];
    }
    if (found_.newest) {
      found_.store = found_.newest->store;
    } else if (!stores.empty()) {
      const auto more = [](const auto& a, const auto& b) { return a.second < b.second; };
      found_.store = std::max_element(stores.begin(), stores.end(), more)->first;
    }
    if (!found_.store) return std::move(found_);
    for (const zoned::zone_info& z : device_.zones()) {
      const auto& header = found_.headers[z.index.value];
      if (is_ring(z.index)) continue;
      if (header && (header->role == format::zone_role::data || header->store != *found_.store)) continue;
      look_through(z.index);
      shown_.draw();
    }
    return std::move(found_);
  }

 private:
  [[nodiscard]] bool is_ring(zoned::zone_index zone) const {
    return std::find(rings_.begin(), rings_.end(), zone) != rings_.end();
  }

  void fault(std::string why, zoned::zone_index zone) { found_.faults.push_back({std::move(why), zone}); }

  void find_superblock() {
    for (const zoned::zone_index zone : rings_) {
      for (std::uint64_t block = 0; block < device_.written_blocks(zone); ++block) {
        const auto bytes = device_.read(zone, block, 1);
        const auto s = bytes ? format::decode_superblock(*bytes) : format::superblock_fault::damaged;
        if (!s || s->zone_count != device_.shape().zone_count || s->zone_bytes != device_.shape().zone_bytes) {
          if (device_.zone(zone).type == zoned::zone_type::conventional) break;
          continue;
        }
        const auto age = [](const format::superblock& of) { return std::tuple{of.epoch, of.serial}; };
        if (!found_.newest || age(*found_.newest) < age(*s)) found_.newest = *s;
        if (device_.zone(zone).type == zoned::zone_type::conventional) break;
      }
    }
  }

  std::optional<format::zone_header> header_of(zoned::zone_index zone) {
    if (device_.written_blocks(zone) == 0) return std::nullopt;
    const auto bytes = device_.read(zone, 0, 1);
    const auto header = bytes ? format::decode_zone_header(*bytes) : make_error_code(format::fault::magic);
    if (!header || header->zone != zone) return std::nullopt;
    return *header;
  }

  void look_through(zoned::zone_index zone) {
    const std::uint64_t end = device_.written_blocks(zone);
    std::uint64_t unreadable = 0;
    for (std::uint64_t at = 1; at < end;) {
      std::uint64_t blocks = std::min(piece_blocks, end - at);
      auto bytes = device_.read(zone, at, blocks);
      if (!bytes && blocks > 1) {
        blocks = 1;
        bytes = device_.read(zone, at, 1);
      }
      if (bytes) {
        at += look_at({zone, at}, *bytes, end);
      } else {
        ++unreadable;
        ++at;
      }
    }
    if (unreadable != 0) fault(fmt::format("{} blocks cannot be read", unreadable), zone);
  }

  /// Answers how many blocks were looked at: more than there are if a group is longer.
  std::uint64_t look_at(const block_place& at, std::span<const std::byte> bytes, std::uint64_t end) {
    const std::uint64_t blocks = bytes.size() / block_bytes;
    std::uint64_t block = 0;
    while (block < blocks) {
      const auto one = bytes.subspan(block * block_bytes, block_bytes);
      const block_place here{at.zone, at.block + block};
      const std::uint64_t group = look_at_group(here, one, end);
      if (group == 0) look_at_page(here, one);
      block += std::max<std::uint64_t>(group, 1);
    }
    return block;
  }

  /// The group's blocks; 0 if there is none.
  std::uint64_t look_at_group(const block_place& at, std::span<const std::byte> block, std::uint64_t end) {
    const auto header = format::peek_group(block, *found_.store);
    if (!header || header->bytes / block_bytes > end - at.block) return 0;
    const surveyed_group group{header->number,
                               header->epoch,
                               header->last_sequence,
                               header->checksum,
                               header->previous,
                               header->bytes / block_bytes,
                               at};
    if (!read_again(device_, group)) return 0;
    found_.groups.push_back(group);
    return group.blocks;
  }

  void look_at_page(const block_place& at, std::span<const std::byte> block) {
    const auto identity = format::check_page(block, *found_.store);
    if (!identity) return;
    format::reader from{block.subspan(page_checksum_at)};
    surveyed_page page{identity->kind,
                       identity->level,
                       identity->epoch,
                       identity->generation,
                       identity->sequence,
                       format::checksum_field::decode(from),
                       at,
                       {},
                       {}};
    const format::page_view view{block.first<format::page_bytes>()};
    if (page.level == 0 && view.count() > 0) {
      page.first = format::key{view.key(0)};
      page.last = format::key{view.key(view.count() - 1)};
    }
    found_.pages.push_back(std::move(page));
  }

  raw_device& device_;
  progress& shown_;
  std::vector<zoned::zone_index> rings_;
  survey found_;
};

}  // namespace

survey survey_device(raw_device& device, progress& shown) { return surveyor{device, shown}.run(); }

std::optional<std::vector<std::byte>> read_again(raw_device& device, const format::uuid& store,
                                                 const surveyed_page& page) {
  auto bytes = device.read(page.at.zone, page.at.block, 1);
  if (!bytes) return std::nullopt;
  const auto identity = format::check_page(*bytes, store);
  if (!identity || identity->generation != page.generation || identity->kind != page.kind) return std::nullopt;
  return std::move(*bytes);
}

std::optional<std::vector<std::byte>> read_again(raw_device& device, const surveyed_group& group) {
  auto bytes = device.read(group.at.zone, group.at.block, group.blocks);
  if (!bytes || !format::verify_group(*bytes)) return std::nullopt;
  return std::move(*bytes);
}

void for_each_record(std::span<const std::byte> group, const format::uuid& store,
                     const std::function<void(const format::record&)>& call) {
  const auto header = format::peek_group(group, store);
  if (!header) return;
  format::reader from{group.subspan(format::group_header_bytes, header->record_bytes)};
  for (std::uint32_t i = 0; i < header->record_count; ++i) {
    const auto record = format::decode_record(from);
    if (!record) return;
    if (*record) call(**record);
  }
}

}  // namespace furrow::cli
