#include "core/formatter.hpp"

#include <cstring>

#include "core/checkpoint.hpp"
#include "core/superblock_ring.hpp"
#include "format/zone_header.hpp"

namespace furrow::core {

namespace {
enum tag : std::uint64_t { tag_reset = 1, tag_header, tag_wipe };
}  // namespace

void formatter::start(const format_request& r, std::function<void(error_code, error_detail)> call) {
  request_ = r;
  call_ = std::move(call);
  survey_.start([this](error_code ec, const std::string& why) { surveyed(ec, why); });
}

void formatter::fail(error_code ec, std::string what, std::optional<zoned::zone_index> zone) {
  std::exchange(call_, nullptr)(ec, {.zone = zone, .what = std::move(what)});
}

bool formatter::fits() {
  const std::uint32_t copies = c_.super.page_copies;
  const std::uint32_t usable = c_.zones.usable_count(), conventional = c_.zones.usable_conventional();
  const std::uint32_t needed = zones_min(copies);
  const std::uint32_t sequential_needed =
      needed > conventional + data_zones_min(copies) ? needed - conventional : data_zones_min(copies);
  if (usable < sequential_needed || c_.zones.typical_blocks() + 1 < zone_blocks_min) {
    const std::string beside =
        conventional == 0 ? "" : " and " + std::to_string(conventional) + " conventional zones for metadata";
    fail(errc::too_small, "the device has " + std::to_string(usable) + " sequential zones of " +
                              std::to_string(c_.shape.zone_bytes / block_bytes) + " blocks" + beside +
                              " beside the superblocks'; a store needs " + std::to_string(sequential_needed) +
                              " of at least " + std::to_string(zone_blocks_min) +
                              ": journal, pages and data each have zones of their own");
    return false;
  }
  c_.zones.divide(copies);
  if (c_.shape.active_max && *c_.shape.active_max < c_.zones.credits_min()) {
    fail(errc::too_few_active_zones, "the device allows " + std::to_string(*c_.shape.active_max) +
                                         " active zones; a store with " + std::to_string(copies) + " page cop" +
                                         (copies == 1 ? "y" : "ies") + " needs " +
                                         std::to_string(c_.zones.credits_min()) + ", or " +
                                         std::to_string(zones_min(copies)) + " conventional zones for metadata");
    return false;
  }
  if (c_.shape.open_max && *c_.shape.open_max < c_.zones.credits_min()) {
    fail(errc::too_few_active_zones, "the device allows " + std::to_string(*c_.shape.open_max) +
                                         " open zones; a store with " + std::to_string(copies) + " page cop" +
                                         (copies == 1 ? "y" : "ies") + " writes to " +
                                         std::to_string(c_.zones.credits_min()) + " at a time");
    return false;
  }
  return true;
}

void formatter::surveyed(error_code ec, const std::string& why) {
  if (ec) return fail(ec, why);
  bool something = false;
  for (const survey::ring_zone& r : survey_.rings())
    something |= r.newest || r.unread || r.damaged || r.older || r.newer;
  if (something && !request_.options.force)
    return fail(errc::formatted, "the device holds a store; use force to destroy it");
  const bool roomy = !c_.shape.active_max || *c_.shape.active_max >= 8;
  format::superblock s;
  s.store = s.set = request_.store;
  s.lba_bytes = c_.shape.lba_bytes;
  s.zone_bytes = c_.shape.zone_bytes;
  s.zone_count = c_.shape.zone_count;
  s.last_zone_bytes = c_.shape.last_zone_bytes;
  s.epoch = 1;
  s.epoch_group = 1;
  s.clean = true;
  s.page_copies = request_.options.page_copies != 0 ? request_.options.page_copies : roomy ? 2 : 1;
  if (!request_.options.checksums) s.data_checksum = format::checksum_kind::none;
  s.formatted_ns = c_.now_ns;
  c_.super = s;
  if (request_.options.page_copies > 2) return fail(errc::invalid_argument, "page copies are 1 or 2");
  if (!fits()) return;
  reset_next();
}

void formatter::reset_next() {
  while (next_reset_ < c_.zones.count() && resets_ < resets_in_flight_max) {
    zone_state& z = c_.zones[{next_reset_}];
    ++next_reset_;
    const bool gone =
        z.device.condition == zoned::zone_condition::offline || z.device.condition == zoned::zone_condition::read_only;
    if (z.conventional() || gone || z.device.condition == zoned::zone_condition::empty) continue;
    ++resets_;
    c_.io.submit({.op = zoned::opcode::reset, .zone = z.device.index}, *this, tag_reset);
  }
  if (resets_ == 0 && next_reset_ == c_.zones.count()) wipe_next();
}

/// What cannot be reset keeps no superblock of an earlier store.
void formatter::wipe_next() {
  for (; next_wipe_ < ring_zones; ++next_wipe_) {
    const zone_state& z = c_.zones[c_.zones.ring(next_wipe_ / 2, next_wipe_ % 2)];
    if (!z.conventional() || z.device.condition != zoned::zone_condition::not_write_pointer) continue;
    if (!header_) header_ = c_.buffers.take(block_bytes);
    std::memset(header_.data(), 0, block_bytes);
    return c_.io.submit(c_.put(z, 0, {{header_.data(), block_bytes}}), *this, tag_wipe);
  }
  write_header();
}

void formatter::write_header() {
  std::vector<zone_state*> journal;
  for (const bool conventional : {true, false})
    for (zone_state& z : c_.zones.all()) {
      const bool writable = z.device.condition != zoned::zone_condition::offline &&
                            z.device.condition != zoned::zone_condition::read_only;
      const bool taken = z.conventional() == conventional && c_.zones.is_usable(z) && writable;
      if (journal.size() == 2) break;
      if (taken) journal.push_back(&z);
    }
  if (journal.size() < 2) return fail(errc::too_small, "the device has no two zones that can be written to");
  format::zone_header h;
  h.store = c_.super.store;
  h.role = format::zone_role::metadata;
  h.cls = format::zone_class::metadata;
  h.zone = journal[0]->device.index;
  h.generation = 1;
  h.epoch = 1;
  h.ordinal = 1;
  h.next = journal[1]->device.index;
  h.next_generation = 1;
  c_.super.journal = {h.zone, 1, 1, 1, 1, {}};
  if (!header_) header_ = c_.buffers.take(block_bytes);
  format::encode(h, header_.part(0, block_bytes));
  c_.io.submit(c_.put(*journal[0], 0, {{header_.data(), block_bytes}}), *this, tag_header);
}

void formatter::write_superblocks() {
  for (std::uint32_t copy = 0; copy < 2; ++copy) c_.ring->place(copy, 0, {}, {});
  c_.ring->write(c_.super, [this](error_code ec) {
    if (ec) return fail(ec, "the superblock cannot be written");
    read_back();
  });
}

void formatter::read_back() {
  const zoned::zone_index first = c_.zones.ring(0, c_.zones[c_.zones.ring(0, 0)].conventional() ? 1 : 0);
  blocks_.read(first, 0, 1, [this, first](error_code ec, std::span<const std::byte> bytes) {
    if (ec) return fail(ec, "the superblock cannot be read back", first);
    const auto s = format::decode_superblock(bytes);
    if (!s || s->store != c_.super.store)
      return fail(zoned::errc::io, "the device does not return what was written to it (a null device without memory?)",
                  first);
    c_.checkpoint->configure();
    std::exchange(call_, nullptr)({}, {});
  });
}

void formatter::io_done(std::uint64_t tag, const zoned::completion& c) {
  if (tag == tag_reset) {
    --resets_;
    ++c_.stats.zone_resets;
    if (c.error) {
      if (call_) fail(c.error, "a zone cannot be reset");
      return;
    }
    if (call_) reset_next();
    return;
  }
  if (tag == tag_wipe) {
    if (c.error) return fail(c.error, "a superblock's zone cannot be written");
    if (c.bytes == block_bytes) ++next_wipe_;  // else once more
    return wipe_next();
  }
  c_.buffers.give(std::move(header_));
  if (c.error || c.at.offset_bytes != 0 || c.bytes != block_bytes)
    return fail(c.error ? c.error : error_code{zoned::errc::io}, "the journal's first zone cannot be written",
                c_.super.journal.zone);
  write_superblocks();
}

}  // namespace furrow::core
