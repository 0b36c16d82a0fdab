#include "core/machine.hpp"

#include <algorithm>
#include <utility>

#include "core/core.hpp"

namespace furrow::core {

namespace {

/// Requests that what was accepted before a close may need to end.
bool goes_on(const request_body& r) {
  return std::holds_alternative<release_request>(r) || std::holds_alternative<cancel_request>(r) ||
         std::holds_alternative<source_request>(r) || std::holds_alternative<fill_request>(r) ||
         std::holds_alternative<unmap_request>(r);
}

}  // namespace

machine::machine(const zoned::geometry& shape, const zoned::guarantees& promises, const store_options& options)
    : apply_{c_},
      table_{c_},
      pages_{c_},
      log_{c_},
      opener_{c_},
      salvage_{c_},
      data_{c_},
      publisher_{c_},
      appender_{c_},
      reader_{c_},
      direct_{c_, reader_},
      viewer_{c_, reader_},
      ring_{c_},
      checkpoint_{c_},
      reclaim_{c_},
      cleaner_{c_, reader_},
      evacuation_{c_},
      recovery_{c_},
      formatter_{c_},
      checker_{c_, reader_},
      scrubber_{c_, reader_},
      repairer_{c_, checker_, scrubber_},
      health_{c_},
      low_space_{c_} {
  c_.shape = shape;
  c_.promises = promises;
  c_.options = options;
  if (options.live) c_.options.read_only = true;
  c_.keeps_zones = options.for_repair;
  c_.append = &appender_;
  c_.apply = &apply_;
  c_.table = &table_;
  c_.pages = &pages_;
  c_.log = &log_;
  c_.opener = &opener_;
  c_.data = &data_;
  c_.direct = &direct_;
  c_.evacuate = &evacuation_;
  c_.publish_queue = &publisher_;
  c_.ring = &ring_;
  c_.checkpoint = &checkpoint_;
  c_.clean = &cleaner_;
  c_.reclaim = &reclaim_;
  c_.salvage = &salvage_;
}

void machine::handle(request&& r) {
  auto* const append = std::get_if<append_request>(&r.body);
  if (append != nullptr && appender_.accept_next(r, *append)) return;
  begin_turn();
  c_.now_ns = r.now_ns;
  if (auto* const read = std::get_if<read_request>(&r.body); read != nullptr && state_ == state::open) {
    return reader_.accept(r.id, *read);
  }
  stir();
  if (append == nullptr || state_ != state::open) return route(r);
  on(r.id, *append);
  appender_.begin_run(*append);
}

void machine::handle(const zoned::completion& c) {
  begin_turn();
  const std::uint64_t changes = direct_.progress();  // of those that have old bytes read
  const bool checks = checker_.running();            // its end lets others publish
  const bool was_read = c_.io.complete(c) == &reader_;
  if (!was_read || checks || waits_for_reads() || direct_.progress() != changes) stir();
}

void machine::begin_turn() {
  appender_.end_run();
  ++c_.turn;
  if (!c_.objects) return;
  c_.objects->advance(c_.turn);
  c_.zone_pages->advance(c_.turn);
}

void machine::stir() {
  unsettled_ = true;
  at_rest_ = false;
}

bool machine::waits_for_reads() const {
  return state_ != state::open || reclaim_.waits_for_zones() || !cleaner_.idle() || !checks_.empty() ||
         checker_.running() || !scrubber_.idle() || !repairer_.idle();
}

bool machine::tick() {
  if (at_rest_) return false;
  const std::uint64_t before = progress();
  settle();
  at_rest_ = is_at_rest(before);
  return true;
}

bool machine::is_at_rest(std::uint64_t before) const {
  return state_ == state::open && progress() == before && parked_creates_.empty() && late_releases_.empty() &&
         checks_.empty();
}

bool machine::poll(zoned::command& to) {
  if (unsettled_) settle();
  return c_.io.poll(to);
}

notification* machine::next() {
  if (unsettled_) settle();
  return c_.out.front();
}

bool machine::poll(notification& to) {
  if (unsettled_) settle();
  return c_.out.take_one(to);
}

void machine::route(request& r) {
  const bool starts = std::holds_alternative<format_request>(r.body) || std::holds_alternative<open_request>(r.body);
  if (starts != (state_ == state::fresh)) {
    if (state_ == state::opening && !starts) {
      early_.push_back(std::move(r));
      return;
    }
    if (state_ != state::open && !(state_ == state::closing && goes_on(r.body))) return c_.answer(r.id, errc::closed);
    if (starts) return c_.answer(r.id, errc::invalid_argument);
  } else if (state_ == state::closing || state_ == state::done) {
    if (!goes_on(r.body) || state_ == state::done) return c_.answer(r.id, errc::closed);
  } else if (state_ == state::opening) {
    early_.push_back(std::move(r));
    return;
  }
  std::visit([&](auto& body) { on(r.id, body); }, r.body);
}

std::uint64_t machine::progress() const {
  return c_.io.submitted() + c_.out.added() + c_.sequence + c_.zones.changes() + checkpoint_.progress() +
         direct_.progress() + cleaner_.progress() + scrubber_.progress() + repairer_.progress();
}

void machine::settle() {
  unsettled_ = false;
  appender_.end_run();
  if (state_ == state::open || state_ == state::closing) {
    // Each step may set others free; what they do shows in these counters.
    std::uint64_t before = 0, after = progress();
    do {
      before = after;
      ++c_.turn_settled;
      reclaim_.step(!parked_creates_.empty());
      direct_.step();
      appender_.step();
      if (!c_.options.for_repair) cleaner_.step();
      repairer_.step(publisher_.settled());
      if (!scrubber_.idle()) scrubber_.step();
      salvage_.step();
      data_.step();
      checkpoint_.step();
      log_.step();
      if (c_.latch)  // no room comes any more
        for (const auto& [id, options] : std::exchange(parked_creates_, {})) c_.answer(id, c_.latch);
      if (state_ == state::closing) step_close();
      after = progress();
    } while (after != before && state_ != state::done);  // what is closed begins nothing
    if (!parked_creates_.empty() && checkpoint_.idle() && c_.zones.returning_count() == 0)
      for (auto& [id, options] : std::exchange(parked_creates_, {})) create(id, std::move(options));
    if (!late_releases_.empty())
      for (request& r : std::exchange(late_releases_, {})) on(r.id, std::get<release_request>(r.body));
    while (!checks_.empty() && !checker_.running() && repairer_.idle() && publisher_.settled()) {
      const auto [id, data] = checks_.front();
      checks_.erase(checks_.begin());
      checker_.start(data, [this, id = id](error_code ec, check_result r) { c_.answer(id, ec, std::move(r)); });
    }
    health_.step();
    if (state_ == state::open) low_space_.step();
    pages_.evict();
    at_rest_ = is_at_rest(after);  // the last turn of the machines did nothing
  }
}

void machine::on(operation_id id, format_request& r) {
  state_ = state::opening;
  formatter_.start(r, [this, id](error_code ec, error_detail detail) {
    state_ = state::done;
    c_.answer(id, ec, info(), std::move(detail));
    for (request& early : std::exchange(early_, {})) c_.answer(early.id, errc::closed);
  });
}

void machine::on(operation_id id, open_request&) {
  state_ = state::opening;
  recovery_.start([this, id](const recovery::outcome& o) {
    const error_code refused = c_.options.live && !o.error ? refuse_live() : o.error;
    if (refused) {
      state_ = state::done;
      c_.answer(id, refused, {}, o.detail);
      for (request& early : std::exchange(early_, {})) c_.answer(early.id, errc::closed);
      return;
    }
    state_ = state::open;
    c_.damaged_at_open = c_.damaged;
    recovered_ = o.records > 0 && !c_.super.clean;
    c_.answer(id, {}, open_result{info(), o.groups, o.records});
    for (request& early : std::exchange(early_, {})) route(early);
  });
}

/// Beside a writer only what verifies can be told from what is being changed.
error_code machine::refuse_live() const {
  if (!c_.keeps_sums()) return errc::unsupported;
  return c_.damaged ? error_code{errc::moved_on} : error_code{};
}

void machine::on(operation_id id, close_request&) {
  state_ = state::closing;
  c_.closing = true;
  close_ = id;
}

void machine::step_close() {
  const bool quiet = publisher_.idle() && appender_.idle() && direct_.idle() && parked_creates_.empty() &&
                     reader_.idle() && data_.idle() && cleaner_.idle() && pages_.idle() && checks_.empty() &&
                     !checker_.running() && scrubber_.idle() && repairer_.idle();
  if (!quiet || !waits_.empty()) {
    if (!waits_.empty() && quiet && c_.latch) log_.fail_waiters();
    return;
  }
  const bool writes = !c_.read_only && !c_.latch;
  if (writes && !close_checkpoint_) {
    if (!checkpoint_.idle()) return;
    close_checkpoint_ = true;
    checkpoint_.request(true, [](error_code) {});
    checkpoint_.step();
    return;
  }
  if (!checkpoint_.idle() || ring_.busy() || (writes && !checkpoint_.served())) return;
  if (c_.io.in_flight() > 0) return;
  FURROW_ASSERT(data_.reserved() == table_.promised_blocks());  // all that has ended has given its room back
  state_ = state::done;
  c_.answer(close_, c_.latch);
}

store_info machine::info() {
  store_info i;
  i.uuid = c_.super.store;
  i.format_version = format::format_version;
  i.epoch = c_.super.epoch;
  i.read_only = c_.read_only;
  i.needs_reopen = static_cast<bool>(c_.latch);
  i.recovered = recovered_;
  i.checksum = c_.keeps_sums() ? "crc32c" : "none";
  i.block_bytes = c_.super.block_bytes;
  i.page_copies = c_.super.page_copies;
  i.formatted_ns = c_.super.formatted_ns;
  i.capacity_bytes = data_.capacity_blocks() * block_bytes;
  i.health = health_.now();
  return i;
}

statistics machine::count() const {
  statistics s = c_.stats;
  s.journal_live_bytes = log_.bytes_since_cut();
  s.pages_resident = c_.objects->resident_leaves() + c_.zone_pages->resident_leaves();
  s.objects = c_.super.object_count;
  s.capacity_bytes = data_.capacity_blocks() * block_bytes;
  const zone_table::use use = c_.zones.count_use();
  s.live_bytes = use.live_blocks * block_bytes;
  s.dead_bytes = use.dead_blocks() * block_bytes;
  s.metadata_bytes = use.metadata_blocks * block_bytes;
  s.free_bytes = data_.available() * block_bytes;
  s.reserved_bytes = (data_.reserve_zones() + data_.cleaner_zones()) * c_.zones.typical_blocks() * block_bytes;
  const format::written_totals all = c_.written();
  s.total_user_bytes = all.user_bytes;
  s.total_data_bytes = all.data_bytes;
  s.total_journal_bytes = all.journal_bytes;
  s.total_page_bytes = all.page_bytes;
  s.total_cleaner_bytes = all.cleaner_bytes;
  s.cleaner_bytes = s.cleaner_blocks_moved * block_bytes;
  s.resets_queued = c_.zones.resetting_count();
  s.zones_free = c_.zones.clean_count();
  s.zones_active = c_.zones.active();
  s.sequence = c_.sequence;
  s.durable_sequence = log_.durable_sequence();
  return s;
}

core::core(const zoned::geometry& shape, const zoned::guarantees& promises, const store_options& options)
    : machine_{std::make_unique<machine>(shape, promises, options)} {}
core::~core() = default;
void core::handle(request&& r) { machine_->handle(std::move(r)); }
void core::handle(const zoned::completion& c) { machine_->handle(c); }
void core::debug_no_split() { machine_->debug_no_split(); }
bool core::tick() { return machine_->tick(); }
bool core::poll(zoned::command& to) { return machine_->poll(to); }
notification* core::next() { return machine_->next(); }
void core::pop() { machine_->pop(); }
bool core::poll(notification& to) { return machine_->poll(to); }
std::size_t core::commands_in_flight() const { return machine_->commands_in_flight(); }

}  // namespace furrow::core
