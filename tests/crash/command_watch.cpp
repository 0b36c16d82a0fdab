#include "crash/command_watch.hpp"

#include <algorithm>
#include <cstring>

#include "format/codec.hpp"
#include "format/group.hpp"
#include "format/page.hpp"
#include "format/superblock.hpp"
#include "format/zone_header.hpp"

namespace furrow::crash {
namespace {

using zoned::opcode;
using zoned::store_block_bytes;

constexpr std::array<const char*, command_kind_count> kind_names = {
    "superblock",           "zone header",       "journal",       "pages",  "data",          "moved data", "flush",
    "reset of superblocks", "reset of metadata", "reset of data", "finish", "open or close", "read",       "report"};
constexpr std::array<const char*, cleaner_step_count> step_names = {
    "reading",        "have read",     "writing",      "written",        "flushing",
    "recording move", "move recorded", "move durable", "recording free", "free recorded",
    "reset queued",   "resetting",     "reset",        "reusing",        "reused"};

std::vector<std::byte> gather(std::span<const zoned::segment> segments) {
  std::vector<std::byte> all;
  for (const zoned::segment& s : segments) all.insert(all.end(), s.data, s.data + s.bytes);
  return all;
}

}  // namespace

const char* name_of(command_kind k) { return k < command_kind::count ? kind_names[static_cast<std::size_t>(k)] : "?"; }
const char* name_of(cleaner_step s) { return s < cleaner_step::count ? step_names[static_cast<std::size_t>(s)] : "?"; }

command_watch::command_watch(const zoned::memory_zones& image) : shape_{image.shape()}, zones_(shape_.zone_count) {
  std::vector<std::byte> block(store_block_bytes);
  for (const zoned::zone_info& z : image.machine().all()) {
    if (z.write_pointer_bytes < store_block_bytes) continue;
    image.peek({z.index, 0}, block);
    zone_use& u = zones_[z.index.value];
    if (const auto header = format::decode_zone_header(block)) {
      u = {header->role, header->cls, false};
    } else {
      u.role = format::zone_role::superblock;
    }
  }
}

command_kind command_watch::kind_of(const zoned::command& c, bool cleaning) const {
  const auto role = c.zone.value < zones_.size() ? zones_[c.zone.value].role : format::zone_role::free;
  switch (c.op) {
    case opcode::append:
    case opcode::write: {
      if (zoned::total_bytes(c.segments) < store_block_bytes) return command_kind::data;  // padding of a block
      const auto magic = format::load_le<std::uint64_t>(c.segments.front().data);
      if (magic == format::superblock_magic) return command_kind::superblock;
      if (magic == format::zone_header_magic) return command_kind::zone_header;
      if (role == format::zone_role::data) return cleaning ? command_kind::moved_data : command_kind::data;
      return magic == format::group_magic ? command_kind::journal : command_kind::pages;
    }
    case opcode::reset:
      return role == format::zone_role::superblock ? command_kind::reset_superblock
             : role == format::zone_role::metadata ? command_kind::reset_metadata
                                                   : command_kind::reset_data;
    case opcode::read:
      return command_kind::read;
    case opcode::report:
      return command_kind::report;
    case opcode::flush:
      return command_kind::flush;
    case opcode::finish:
      return command_kind::finish;
    case opcode::open:
    case opcode::close:
      return command_kind::open_or_close;
  }
  return command_kind::count;
}

void command_watch::look_for_records(const zoned::command& c, in_flight& to) {
  const std::vector<std::byte> all = gather(c.segments);
  for (std::size_t at = 0; at + store_block_bytes <= all.size(); at += store_block_bytes) {
    if (format::load_le<std::uint64_t>(all.data() + at) != format::group_magic) continue;
    format::uuid store{};
    std::memcpy(store.data(), all.data() + at + 40, store.size());
    const auto header = format::peek_group(std::span{all}.subspan(at), store);
    if (!header || at + header->bytes > all.size()) continue;
    format::reader from{std::span{all}.subspan(at + format::group_header_bytes, header->record_bytes)};
    while (from.left() > 0) {
      const auto decoded = format::decode_record(from);
      if (decoded.has_error()) break;
      if (!*decoded) continue;
      const format::record_body& body = (**decoded).body;
      if (std::holds_alternative<format::move_record>(body)) to.names_move = true;
      if (const auto* f = std::get_if<format::zone_free_record>(&body))
        to.frees_data = to.frees_data || zones_[f->zone.value].role == format::zone_role::data;
    }
  }
}

command_kind command_watch::submitted(const zoned::command& c, bool cleaning) {
  in_flight f{.id = c.id, .kind = kind_of(c, cleaning), .zone = c.zone};
  if (f.kind == command_kind::journal) look_for_records(c, f);
  zone_use* const u = c.zone.value < zones_.size() ? &zones_[c.zone.value] : nullptr;
  if (f.kind == command_kind::zone_header) {
    f.to_cleaned_zone = u->was_reset;
    if (const auto header = format::decode_zone_header(gather(c.segments))) {
      u->role = header->role;
      u->cls = header->cls;
    }
  }
  if (f.kind == command_kind::superblock) u->role = format::zone_role::superblock;
  if (f.kind == command_kind::reset_data) u->was_reset = true;
  if (f.kind == command_kind::read) f.names_move = cleaning && u->role == format::zone_role::data;
  if (f.kind == command_kind::flush) flush_covers_ = last_.has_value();
  in_flight_.push_back(f);
  return f.kind;
}

void command_watch::completed(const zoned::command& c) {
  const auto at = std::ranges::find(in_flight_, c.id, &in_flight::id);
  if (at == in_flight_.end()) return;
  const in_flight f = *at;
  in_flight_.erase(at);
  if (f.kind == command_kind::read && f.names_move) last_ = cleaner_step::have_read;
  if (f.kind == command_kind::moved_data) last_ = cleaner_step::written;
  if (f.kind == command_kind::journal && f.names_move) last_ = cleaner_step::move_recorded;
  if (f.kind == command_kind::journal && f.frees_data) last_ = cleaner_step::free_recorded;
  if (f.kind == command_kind::reset_data) last_ = cleaner_step::reset;
  if (f.kind == command_kind::zone_header && f.to_cleaned_zone) last_ = cleaner_step::reused;
  if (f.kind != command_kind::flush || !flush_covers_) return;
  if (last_ == cleaner_step::move_recorded) last_ = cleaner_step::move_durable;
  if (last_ == cleaner_step::free_recorded) last_ = cleaner_step::reset_queued;
}

bool command_watch::any(command_kind k) const {
  return std::ranges::find(in_flight_, k, &in_flight::kind) != in_flight_.end();
}

std::uint32_t command_watch::steps() const {
  std::uint32_t mask = 0;
  const auto add = [&mask](cleaner_step s) { mask |= 1u << static_cast<unsigned>(s); };
  for (const in_flight& f : in_flight_) {
    if (f.kind == command_kind::read && f.names_move) add(cleaner_step::reading);
    if (f.kind == command_kind::moved_data) add(cleaner_step::writing);
    if (f.kind == command_kind::flush && last_ == cleaner_step::written) add(cleaner_step::flushing);
    if (f.kind == command_kind::journal && f.names_move) add(cleaner_step::recording_move);
    if (f.kind == command_kind::journal && f.frees_data) add(cleaner_step::recording_free);
    if (f.kind == command_kind::reset_data) add(cleaner_step::resetting);
    if (f.kind == command_kind::zone_header && f.to_cleaned_zone) add(cleaner_step::reusing);
  }
  if (last_) add(*last_);
  return mask;
}

}  // namespace furrow::crash
