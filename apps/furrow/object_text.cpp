#include "object_text.hpp"

#include "text.hpp"

namespace furrow::cli {

nlohmann::json to_json(const object_status& o) {
  nlohmann::json to{{"id", o.id},
                    {"collection", o.collection},
                    {"bytes", o.bytes},
                    {"blocks", o.blocks},
                    {"extents", o.extents},
                    {"fence_epoch", o.fence_epoch},
                    {"mode", o.attributes.mode},
                    {"created_ns", o.attributes.created_ns},
                    {"modified_ns", o.attributes.modified_ns}};
  set_bytes(to, "name", o.name);
  if (!o.attributes.link_target.empty()) set_bytes(to, "link_target", o.attributes.link_target);
  if (!o.attributes.user.empty()) {
    const auto& user = o.attributes.user;
    to["user_hex"] = hexadecimal({reinterpret_cast<const char*>(user.data()), user.size()});
  }
  return to;
}

std::vector<counter> counters_of(const statistics& s) {
  return {
      {"operations", "appends", s.appends},
      {"operations", "append_bytes", s.append_bytes},
      {"operations", "writes", s.writes},
      {"operations", "write_bytes", s.write_bytes},
      {"operations", "reads", s.reads},
      {"operations", "read_bytes", s.read_bytes},
      {"operations", "copied_bytes", s.copied_bytes},
      {"write path", "ordered_extents", s.ordered_extents},
      {"write path", "bios", s.bios},
      {"write path", "data_commands", s.data_commands},
      {"write path", "coalesced_bios", s.coalesced_bios},
      {"write path", "splits", s.splits},
      {"write path", "merges", s.merges},
      {"write path", "short_completions", s.short_completions},
      {"write path", "retries", s.retries},
      {"write path", "failed_appends", s.failed_appends},
      {"write path", "salvaged_blocks", s.salvaged_blocks},
      {"bytes written", "data_bytes", s.data_bytes},
      {"bytes written", "journal_bytes", s.journal_bytes},
      {"bytes written", "page_bytes", s.page_bytes},
      {"bytes written", "superblock_bytes", s.superblock_bytes},
      {"bytes written", "zone_header_bytes", s.zone_header_bytes},
      {"since format", "total_user_bytes", s.total_user_bytes},
      {"since format", "total_data_bytes", s.total_data_bytes},
      {"since format", "total_journal_bytes", s.total_journal_bytes},
      {"since format", "total_page_bytes", s.total_page_bytes},
      {"since format", "total_cleaner_bytes", s.total_cleaner_bytes},
      {"durability", "flushes", s.flushes},
      {"durability", "groups", s.groups},
      {"durability", "records", s.records},
      {"durability", "checkpoints", s.checkpoints},
      {"durability", "journal_live_bytes", s.journal_live_bytes},
      {"pages", "page_reads", s.page_reads},
      {"pages", "pages_resident", s.pages_resident},
      {"pages", "page_waits", s.page_waits},
      {"zones", "zone_resets", s.zone_resets},
      {"zones", "resets_skipped", s.resets_skipped},
      {"zones", "resets_queued", s.resets_queued},
      {"zones", "zone_finishes", s.zone_finishes},
      {"zones", "finishes_waited", s.finishes_waited},
      {"zones", "zones_opened", s.zones_opened},
      {"zones", "zones_prepared", s.zones_prepared},
      {"zones", "zones_refilled", s.zones_refilled},
      {"zones", "limit_refusals", s.limit_refusals},
      {"zones", "zones_read_only", s.zones_read_only},
      {"zones", "zones_offline", s.zones_offline},
      {"zones", "zones_full_early", s.zones_full_early},
      {"zones", "zones_misplaced", s.zones_misplaced},
      {"zones", "zones_retired", s.zones_retired},
      {"zones", "zones_evacuated", s.zones_evacuated},
      {"cleaner", "cleaner_blocks_moved", s.cleaner_blocks_moved},
      {"cleaner", "cleaner_bytes", s.cleaner_bytes},
      {"cleaner", "zones_cleaned", s.zones_cleaned},
      {"cleaner", "zones_left", s.zones_left},
      {"space", "objects", s.objects},
      {"space", "capacity_bytes", s.capacity_bytes},
      {"space", "live_bytes", s.live_bytes},
      {"space", "dead_bytes", s.dead_bytes},
      {"space", "metadata_bytes", s.metadata_bytes},
      {"space", "free_bytes", s.free_bytes},
      {"space", "reserved_bytes", s.reserved_bytes},
      {"space", "zones_free", s.zones_free},
      {"space", "zones_active", s.zones_active},
      {"sequences", "sequence", s.sequence},
      {"sequences", "durable_sequence", s.durable_sequence},
  };
}

}  // namespace furrow::cli
