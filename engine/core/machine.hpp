// The machines of one store and the requests' way to them.
//
// States
//   fresh     nothing but format_request or open_request      -> opening | done (formatted)
//   opening   recovery runs; other requests wait              -> open | done (failed)
//   open      everything                                      -> closing
//   closing   what was accepted finishes; a checkpoint with the clean mark follows; requests are refused      -> done
//   done      requests are refused with closed
//
// Not here: what the machines do.
#pragma once

#include <map>

#include "core/appender.hpp"
#include "core/apply.hpp"
#include "core/checker.hpp"
#include "core/checkpoint.hpp"
#include "core/cleaner.hpp"
#include "core/data_writer.hpp"
#include "core/direct_writer.hpp"
#include "core/evacuation.hpp"
#include "core/formatter.hpp"
#include "core/health.hpp"
#include "core/journal.hpp"
#include "core/page_reader.hpp"
#include "core/publisher.hpp"
#include "core/reader.hpp"
#include "core/reclaimer.hpp"
#include "core/recovery.hpp"
#include "core/repairer.hpp"
#include "core/salvager.hpp"
#include "core/scrub.hpp"
#include "core/space.hpp"
#include "core/superblock_ring.hpp"
#include "core/viewer.hpp"

namespace furrow::core {

class machine {
 public:
  machine(const zoned::geometry& shape, const zoned::guarantees& promises, const store_options& options);

  void handle(request&& r);
  void handle(const zoned::completion& c);
  bool tick();
  bool poll(zoned::command& to);
  [[nodiscard]] bool poll(notification& to);
  [[nodiscard]] notification* next();
  void pop() { c_.out.pop(); }
  void debug_no_split() { c_.debug_no_split = true; }
  [[nodiscard]] std::size_t commands_in_flight() const { return c_.io.in_flight(); }

 private:
  enum class state : std::uint8_t { fresh, opening, open, closing, done };

  void begin_turn();
  /// Something came that the machines have to look at.
  void stir();
  /// Whether the end of a read of data may set one of them free.
  [[nodiscard]] bool waits_for_reads() const;
  void route(request& r);
  void settle();
  /// Whether nothing was done since `before`, and nothing waits to be asked again.
  [[nodiscard]] bool is_at_rest(std::uint64_t before) const;
  [[nodiscard]] std::uint64_t progress() const;
  void step_close();

  void on(operation_id id, format_request& r);
  void on(operation_id id, open_request& r);
  void on(operation_id id, close_request& r);
  void on(operation_id id, create_request& r);
  void on(operation_id id, open_object_request& r);
  void on(operation_id id, release_request& r);
  void on(operation_id id, stat_request& r);
  void on(operation_id id, set_attributes_request& r);
  void on(operation_id id, rename_request& r);
  void on(operation_id id, remove_request& r);
  void on(operation_id id, list_request& r);
  void on(operation_id id, append_request& r);
  void on(operation_id id, read_request& r);
  void on(operation_id id, write_request& r);
  void on(operation_id id, source_request& r);
  void on(operation_id id, zero_request& r);
  void on(operation_id id, truncate_request& r);
  void on(operation_id id, clone_request& r);
  void on(operation_id id, reserve_request& r);
  void on(operation_id id, extents_request& r);
  void on(operation_id id, map_request& r);
  void on(operation_id id, fill_request& r);
  void on(operation_id id, unmap_request& r);
  void on(operation_id id, sync_request& r);
  void on(operation_id id, wait_durable_request& r);
  void on(operation_id id, batch_request& r);
  void on(operation_id id, statistics_request& r);
  void on(operation_id id, info_request& r);
  void on(operation_id id, zones_request& r);
  void on(operation_id id, collection_request& r);
  void on(operation_id id, quota_request& r);
  void on(operation_id id, collections_request& r);
  void on(operation_id id, check_request& r);
  void on(operation_id id, repair_request& r);
  void on(operation_id id, checkpoint_request& r);
  void on(operation_id id, clean_request& r);
  void on(operation_id id, scrub_request& r);
  void on(operation_id id, cancel_request& r);

  void publish_step(operation_id id, publication_step s, std::vector<object_state*> objects,
                    std::function<void(std::uint64_t)> then);
  void create(operation_id id, create_options options);
  void open_by_id(operation_id id, object_id object, bool created);
  void find_name(collection_id collection, std::string name, std::function<void(error_code, object_id)> call);
  void list_more(operation_id id, list_request r, std::shared_ptr<list_page> page);
  void stat_more(operation_id id, object_state& o);
  template <class Request>
  void change(operation_id id, Request& r);
  void list_extents(operation_id id, object_state& o, const extents_request& r);
  void wait_durable(operation_id id, std::uint64_t sequence);
  [[nodiscard]] error_code refuse_change() const;
  [[nodiscard]] error_code refuse_live() const;
  [[nodiscard]] bool room_for_metadata() const;
  [[nodiscard]] store_info info();
  [[nodiscard]] statistics count() const;
  [[nodiscard]] static error_code check_name(std::string_view name);
  [[nodiscard]] static error_code check_attributes(const attributes& a);

  context c_;
  state state_ = state::fresh;
  applier apply_;
  object_table table_;
  page_reader pages_;
  journal log_;
  zone_opener opener_;
  salvager salvage_;
  data_writer data_;
  publisher publisher_;
  appender appender_;
  reader reader_;
  direct_writer direct_;
  viewer viewer_;
  superblock_ring ring_;
  checkpointer checkpoint_;
  reclaimer reclaim_;
  cleaner cleaner_;
  evacuation evacuation_;
  recovery recovery_;
  formatter formatter_;
  checker checker_;
  scrubber scrubber_;
  repairer repairer_;
  health health_;
  low_space low_space_;

  bool recovered_ = false;
  bool unsettled_ = false;      ///< Something came since the machines last did all that they could.
  bool at_rest_ = false;        ///< A turn of the machines found nothing to do, and nothing came since.
  std::vector<request> early_;  // came while opening
  std::vector<request> late_releases_;
  std::vector<std::pair<operation_id, create_options>>
      parked_creates_;  ///< Until a checkpoint has made room, or a latch.
  operation_id close_;
  bool close_checkpoint_ = false;
  std::map<operation_id, std::uint64_t> waits_;  // sync and wait_durable, to be cancelled
  std::vector<std::pair<operation_id, bool>> checks_;
};

}  // namespace furrow::core
