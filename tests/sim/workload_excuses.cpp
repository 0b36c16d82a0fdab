// Which errors are excused, and by what: an error has a cause that was asked for, or that the device has given since.
#include <fmt/format.h>

#include <algorithm>

#include "sim/lost_blocks.hpp"
#include "sim/room.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t block = zoned::store_block_bytes;
constexpr std::uint64_t edge_blocks = 4;  // of an operation: at its ends, and the old tail's

}  // namespace

bool workload::was_injected() const {
  sim_device& device = store_.device();
  return device.faults().failures() > failures_before_ ||
         device.zone_faults().counts().metadata_befallen() > metadata_befallen_before_;
}

bool workload::data_failed() const { return store_.device().zone_faults().counts().failed > data_failures_before_; }

/// The device has answered with an error meanwhile, a command to the zone that is named, if one is.
bool workload::has_failed(const error_detail& detail, std::uint64_t errors_before) const {
  const sim_device& device = store_.device();
  return (detail.zone ? device.last_error_of(*detail.zone) : device.errors_told()) > errors_before;
}

/// Why the store must not tell of damage there.
std::optional<std::string> workload::refute_damage(const error_detail& detail) const {
  sim_device& device = store_.device();
  if (detail.zone && has_failed(detail, errors_before_)) return std::nullopt;
  if (detail.zone && device.zone_faults().is_turned(*detail.zone)) return std::nullopt;
  const bool of_data = detail.object.has_value() || !detail.zone || device.zone_faults().holds_data(*detail.zone);
  if (of_data) return refute_lie(truth_, device, detail, stale_before_);
  if (device.lies().copy_spoiled(*detail.zone)) return std::nullopt;
  if (device.lies().counts().copies_stale > copies_stale_before_) return std::nullopt;
  return "no copy there was lied about";
}

/// So many operations are in flight, or so many handles open, or being opened or given back.
bool workload::is_busy(const operation& op) const {
  if (op.busy_count + 1 >= scenario_.store.operations_max && !scenario_.hostile_options) return true;
  const bool opens = op.kind == action::create_named || op.kind == action::create_anonymous ||
                     op.kind == action::open_by_name || op.kind == action::open_by_id;
  const auto open = static_cast<std::uint64_t>(std::ranges::count_if(handles_, &open_handle::in_use));
  return opens && open + op.busy_count + 1 >= scenario_.store.handles_max;
}

/// What the caller did, or the other operations.
std::optional<excuse> workload::excuse_of_callers(const operation& op, error_code e) const {
  const auto given = [](bool is, excuse why) { return is ? std::optional{why} : std::nullopt; };
  if (std::ranges::any_of(op.foretold, [&](errc f) { return e == f; })) return excuse::foretold;
  if (e == errc::cancelled) return given(op.cancel_asked, excuse::cancelled);
  if (e == errc::closed && close_.value != 0) return excuse::closed;
  if (e == errc::busy) return given(is_busy(op), excuse::busy);
  if (op.kind == action::cancel) return given(e == errc::not_found, excuse::gone);
  // The records of a batch go into one group, which goes into one zone.
  if (op.kind == action::batch && e == errc::invalid_argument) return given(has_small_zones(), excuse::too_large);
  if (e == errc::too_fragmented)
    return given(op.kind == action::clone || op.kind == action::clone_within, excuse::too_large);
  if (e == errc::source_failed) return given(op.source_refused, excuse::source);
  if (e == errc::out_of_range && op.kind == action::read) {
    const auto reaches = [&](const read_range& r) { return r.offset_bytes + r.to.size() > op.least_end; };
    return given(std::ranges::any_of(op.ranges, reaches), excuse::beyond_end);
  }
  return std::nullopt;
}

/// Zones of which resets have failed in a row are not used any more, in this life or a later one; on the device some are empty.
bool workload::loses_to_resets() const {
  constexpr std::uint32_t often_ppm = 100'000;
  return scenario_.faults.failing(zoned::opcode::reset) > often_ppm;
}

/// Why there must have been room, by what the device has of it; none if there may have been none.
std::optional<std::string> workload::refute_no_space(const operation& op, const error_detail& detail) const {
  if (!detail.space) return "it is not told what is short";
  if (detail.space->what == space_shortage::kind::active_zones)
    return "it is told that too few zones may be active, which has an error of its own";
  std::uint64_t blocks = op.bytes / block + edge_blocks;
  for (const operation_ptr& other : operations_)
    blocks += other->bytes / block + edge_blocks * std::max<std::uint64_t>(other->parts.size(), 1);
  for (const object_index i : truth_.remembered()) blocks += truth_.at(i).asked_blocks;
  return sim::refute_no_space(store_.device(), *detail.space, blocks, scenario_.keeps_to_conventional(),
                              loses_to_resets() ? 0 : errors_before_);
}

std::optional<excuse> workload::excuse_of_room(const operation& op, const core::notification& n) const {
  if (n.error == errc::quota_exceeded) {
    if (const auto why = refute_quota(op)) broken(op, *why + ": " + n.detail.what);
    return excuse::quota;
  }
  if (n.error != errc::no_space) return std::nullopt;
  if (const auto why = refute_no_space(op, n.detail)) broken(op, *why + ": " + n.detail.what);
  if (op.kind == action::reserve) return excuse::no_space;
  // What is changed in the middle leaves zones behind in which a little lives, and nobody cleans them; promised room is not
  // seen here.
  const bool blurred = scenario_.may_edit() || scenario_.work.of[static_cast<std::size_t>(action::reserve)] > 0;
  const std::uint64_t enough = blurred ? 0 : data_bytes_ / 32;
  const bool tight = scenario_.is_tight() || loses_to_resets() || bytes_alive() > enough;
  const bool broken_promise_of_room = op.promised && !scenario_.loses_zones();
  if (op.kind == action::remove || op.kind == action::read || !tight || broken_promise_of_room) return std::nullopt;
  return excuse::no_space;
}

std::optional<excuse> workload::excuse_of_device(const operation& op, const core::notification& n) const {
  const error_code e = n.error;
  const auto given = [](bool is, excuse why) { return is ? std::optional{why} : std::nullopt; };
  if (e == boost::system::errc::not_enough_memory)
    return given(store_.memory_failures() > memory_failures_before_, excuse::memory);
  const bool injected = was_injected();
  if (e == errc::needs_reopen) return given(injected, excuse::reopening);
  if (e == zoned::errc::too_many_active)
    return given(injected && scenario_.faults.failing(zoned::opcode::finish) > 0, excuse::device_failed);
  const bool changes = op.kind == action::append || op.kind == action::batch || is_edit(op.kind);
  if (e == zoned::errc::io) {
    const bool may = injected || (changes && data_failed());
    // Where no zone can be begun, who asks next is told at once.
    const bool hopeless = changes && !n.detail.zone && store_.device().appends_failed() > 1;
    return given(may && (has_failed(n.detail, op.errors_before) || hopeless), excuse::device_failed);
  }
  if (op.kind != action::read && !is_edit(op.kind)) return std::nullopt;
  if (e == zoned::errc::zone_offline) {
    if (const auto why = refute_loss(truth_, store_.device(), op.object, n)) broken(op, *why);
    return excuse::lost;
  }
  if (e == errc::checksum_mismatch) {
    if (const auto why = refute_lie(truth_, store_.device(), n.detail, op.stale_before)) broken(op, *why);
    return given(n.detail.object && n.detail.offset_bytes, excuse::lied);
  }
  return std::nullopt;
}

/// An append may be refused before the failure of one in front of it, whose turn has not come, is answered.
bool workload::may_follow_failure(object_index i) const {
  return (was_injected() || data_failed()) && truth_.at(i).appends > 1;
}

/// Others have removed the object, or what was to be before it in the object is not.
std::optional<excuse> workload::excuse_of_object(const operation& op, error_code e) const {
  if (op.object == none) return std::nullopt;
  const auto given = [](bool is, excuse why) { return is ? std::optional{why} : std::nullopt; };
  const model_object& o = truth_.at(op.object);
  const bool gone = e == errc::not_found || e == errc::closed;
  if (gone && may_be_overtaken(op.kind)) return given(o.removing || !o.now.exists, excuse::gone);
  if (e != errc::predecessor_failed && e != errc::offset_mismatch) return std::nullopt;
  return given(o.failed_at > op.asked || may_follow_failure(op.object), excuse::behind);
}

std::optional<excuse> workload::excuse_of(const operation& op, const core::notification& n) const {
  if (const auto why = excuse_of_callers(op, n.error)) return why;
  if (const auto why = excuse_of_room(op, n)) return why;
  if (const auto why = excuse_of_device(op, n)) return why;
  return excuse_of_object(op, n.error);
}

}  // namespace furrow::sim
