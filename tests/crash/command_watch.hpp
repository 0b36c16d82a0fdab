// What commands are for, told from what they carry; and in which step of the cleaner a store stands.
//
// Invariants
//   I1  Nothing is asked of the engine: zones are known by their headers, groups, pages and superblocks by their magic.
//
// Not here: cutting (explorer.hpp).
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "format/record.hpp"
#include "format/types.hpp"
#include "furrow/zoned/command.hpp"
#include "memory/memory_zones.hpp"

namespace furrow::crash {

enum class command_kind : std::uint8_t {
  superblock,
  zone_header,
  journal,
  pages,
  data,
  moved_data,
  flush,
  reset_superblock,
  reset_metadata,
  reset_data,
  finish,
  open_or_close,
  read,
  report,
  count
};
inline constexpr std::size_t command_kind_count = static_cast<std::size_t>(command_kind::count);
[[nodiscard]] const char* name_of(command_kind k);

/// What the cleaner has done last of a zone, and what is next. A store may stand in several.
enum class cleaner_step : std::uint8_t {
  reading,    ///< A victim is chosen; the first of its blocks are being read.
  have_read,  ///< Nothing is written yet.
  writing,    ///< What lives in it, elsewhere.
  written,
  flushing,  ///< What was moved, before its record is written.
  recording_move,
  move_recorded,  ///< Not flushed.
  move_durable,   ///< The zone is not freed yet.
  recording_free,
  free_recorded,  ///< Not flushed.
  reset_queued,   ///< The record that frees it is durable.
  resetting,
  reset,
  reusing,  ///< The header of its next use is on its way.
  reused,
  count
};
inline constexpr std::size_t cleaner_step_count = static_cast<std::size_t>(cleaner_step::count);
[[nodiscard]] const char* name_of(cleaner_step s);

class command_watch {
 public:
  explicit command_watch(const zoned::memory_zones& image);

  /// `cleaning`: nobody but the cleaner reads or writes data.
  command_kind submitted(const zoned::command& c, bool cleaning);
  void completed(const zoned::command& c);
  /// In which steps it stands now: a bit for each.
  [[nodiscard]] std::uint32_t steps() const;

 private:
  struct in_flight {
    zoned::command_id id;
    command_kind kind{};
    zoned::zone_index zone;
    bool names_move = false;
    bool frees_data = false;
    bool to_cleaned_zone = false;
  };
  struct zone_use {
    format::zone_role role = format::zone_role::free;
    format::zone_class cls{};
    bool was_reset = false;
  };

  [[nodiscard]] command_kind kind_of(const zoned::command& c, bool cleaning) const;
  void look_for_records(const zoned::command& c, in_flight& to);
  [[nodiscard]] bool any(command_kind k) const;

  zoned::geometry shape_;
  std::vector<zone_use> zones_;
  std::vector<in_flight> in_flight_;
  std::optional<cleaner_step> last_;  ///< What was completed last of moving and freeing.
  bool flush_covers_ = false;         ///< The flush in flight began after that.
};

}  // namespace furrow::crash
