// States of the walk along the chain
//   expecting   the next group is number `next` and names `previous`        -> such a group: expecting the one behind it
//   void        bytes that are no group and no page; a torn write, if the next group is the expected one -> expecting
//   broken      a later group names another one before it: damage, and the walk takes that one up        -> expecting
#include "dump_journal.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "format/group.hpp"
#include "format/names.hpp"
#include "format/page.hpp"
#include "format/zone_header.hpp"

namespace furrow::cli {

namespace {

/// What lies at a block of a metadata zone.
struct found_block {
  enum class kind { group, page, unreadable, nothing };
  kind what = kind::nothing;
  std::uint64_t blocks = 1;
  std::vector<std::byte> bytes;
  std::optional<format::group_header> header;
  std::string why;
};

found_block block_at(const dump_context& c, zoned::zone_index zone, std::uint64_t block, const format::uuid& store) {
  found_block found;
  const std::uint64_t left = c.device.written_blocks(zone) - block;
  auto first = c.device.read(zone, block, 1);
  if (!first) {
    found.what = found_block::kind::unreadable;
    found.why = first.error().message();
    return found;
  }
  if (const auto header = format::peek_group(*first, store)) {
    const std::uint64_t blocks = header->bytes / zoned::store_block_bytes;
    if (blocks > left) {
      found.why =
          fmt::format("group {}: {} blocks, and the zone's written part ends after {}", header->number, blocks, left);
      return found;
    }
    auto whole = c.device.read(zone, block, blocks);
    if (whole && format::verify_group(*whole)) {
      found = {found_block::kind::group, blocks, std::move(*whole), header, {}};
    } else {
      found.why =
          fmt::format("group {}: {}", header->number, whole ? "the checksum does not agree" : whole.error().message());
    }
    return found;
  }
  const auto page = format::check_page(*first, store);
  if (page) {
    found.what = found_block::kind::page;
    found.bytes = std::move(*first);
  } else {
    found.why = page.error().message();
  }
  return found;
}

void dump_records(const dump_context& c, const found_block& group) {
  const std::span<const std::byte> all{group.bytes};
  format::reader from{all.subspan(format::group_header_bytes, group.header->record_bytes)};
  for (std::uint32_t i = 0; i < group.header->record_count; ++i) {
    const auto record = format::decode_record(from);
    if (!record) {
      const format::record_fault& why = record.error();
      return c.to.fault({}, fmt::format("record {} ({}): {}", i, format::name_of(why.type), why.why), 2);
    }
    if (*record) {
      c.to.structure({}, format::describe(**record), 2);
    } else {
      c.to.note({}, fmt::format("record {}: of an unknown type that may be skipped", i), 2);
    }
  }
}

/// Which zone holds each place of the chain, by the headers on the device.
std::vector<std::pair<std::uint64_t, zoned::zone_index>> chain_of(const dump_context& c, const format::uuid& store) {
  std::vector<std::pair<std::uint64_t, zoned::zone_index>> chain;
  for (const zoned::zone_info& z : c.device.zones()) {
    const auto header = read_zone_header(c, z.index);
    if (!header || header->store != store || header->zone != z.index) continue;
    if (header->role == format::zone_role::metadata && header->ordinal != 0)
      chain.emplace_back(header->ordinal, z.index);
  }
  std::sort(chain.begin(), chain.end());
  return chain;
}

class journal_walk {
 public:
  journal_walk(const dump_context& c, const format::superblock& s)
      : c_{c}, store_{s.store}, next_{s.journal.group}, previous_{s.journal.previous} {}

  void zone(zoned::zone_index zone, std::uint64_t block) {
    const std::uint64_t end = c_.device.written_blocks(zone);
    void_since_.reset();
    while (block < end) {
      const found_block found = block_at(c_, zone, block, store_);
      const dump_place at{zone, block};
      switch (found.what) {
        case found_block::kind::group:
          end_void(at);
          group(found, at);
          break;
        case found_block::kind::page:
          end_void(at);
          break;
        case found_block::kind::unreadable:
          c_.to.fault(at, found.why, 1);
          break;
        case found_block::kind::nothing:
          if (!void_since_) {
            void_since_ = block;
            void_why_ = found.why;
          }
          break;
      }
      block += found.blocks;
    }
    end_void({zone, end});
  }

  [[nodiscard]] std::uint64_t groups() const { return groups_; }

 private:
  void end_void(const dump_place& at) {
    if (!void_since_) return;
    c_.to.note(dump_place{at.zone, *void_since_},
               fmt::format("void: {} blocks ({})", at.block - *void_since_, void_why_), 1);
    void_since_.reset();
  }

  void group(const found_block& found, const dump_place& at) {
    const format::group_header& h = *found.header;
    if (h.number < next_) return;  // from before the checkpoint
    if (h.number != next_ || h.previous != previous_) {
      c_.to.fault(
          at,
          fmt::format("group {} does not follow on what came before: group {} is damaged or missing", h.number, next_),
          1);
    }
    ++groups_;
    c_.to.structure(at, format::describe(h), 1);
    dump_records(c_, found);
    next_ = h.number + 1;
    previous_ = h.checksum;
  }

  const dump_context& c_;
  format::uuid store_;
  std::uint64_t next_;
  format::checksum_field previous_;
  std::uint64_t groups_ = 0;
  std::optional<std::uint64_t> void_since_;
  std::string void_why_;
};

}  // namespace

void dump_journal(const dump_context& c, const format::superblock& s) {
  c.to.heading(fmt::format("journal: from group {} in zone {} block {}", s.journal.group, s.journal.zone.value,
                           s.journal.block));
  if (s.journal.zone.value >= c.device.shape().zone_count) {
    return c.to.fault({}, "the journal's zone is none of the device's", 1);
  }
  journal_walk walk{c, s};
  walk.zone(s.journal.zone, s.journal.block);
  std::uint64_t ordinal = s.journal.zone_ordinal;
  for (const auto& [at, zone] : chain_of(c, s.store)) {
    if (at <= s.journal.zone_ordinal) continue;
    if (at != ++ordinal) return c.to.fault({}, fmt::format("place {} of the chain of zones is missing", ordinal), 1);
    walk.zone(zone, 1);
  }
  if (walk.groups() == 0) c.to.note({}, "empty", 1);
}

void dump_metadata_zone(const dump_context& c, zoned::zone_index zone, const format::uuid& store) {
  const std::uint64_t end = c.device.written_blocks(zone);
  for (std::uint64_t block = 1; block < end;) {
    const found_block found = block_at(c, zone, block, store);
    const dump_place at{zone, block};
    switch (found.what) {
      case found_block::kind::group:
        c.to.structure(at, format::describe(*found.header), 1);
        dump_records(c, found);
        break;
      case found_block::kind::page: {
        const format::page_view page{std::span{found.bytes}.first<format::page_bytes>()};
        c.to.structure(at, format::describe(*format::check_page(found.bytes, store), page), 1);
        break;
      }
      case found_block::kind::unreadable:
        c.to.fault(at, found.why, 1);
        break;
      case found_block::kind::nothing:
        c.to.note(at, "void: " + found.why, 1);
        break;
    }
    block += found.blocks;
  }
}

}  // namespace furrow::cli
