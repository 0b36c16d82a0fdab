// Appends, reads, and what waits for durability.
#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "sim/content.hpp"
#include "sim/lost_blocks.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t small_append_bytes_max = 200;
constexpr std::uint64_t read_bytes_max = 64 << 10;
constexpr std::uint64_t block = zoned::store_block_bytes;

}  // namespace

std::uint64_t workload::draw_append_bytes() {
  if (chance_.chance(scenario_.work.small_append_per_mille)) return chance_.within(1, small_append_bytes_max);
  const std::uint64_t bytes = chance_.scaled(1, scenario_.work.append_bytes_max);
  if (!chance_.chance(300)) return bytes;
  return std::max<std::uint64_t>(1, bytes / zoned::store_block_bytes) * zoned::store_block_bytes;
}

std::vector<zoned::segment> workload::cut_memory(std::span<std::byte> memory) {
  std::vector<zoned::segment> segments;
  while (!memory.empty()) {
    std::size_t bytes = memory.size();
    if (segments.size() < 5 && chance_.chance(250)) bytes = chance_.within(1, memory.size());
    segments.push_back({memory.data(), bytes});
    memory = memory.subspan(bytes);
  }
  return segments;
}

void workload::plan_append(operation& op, object_index i, std::uint64_t bytes, publication_id only) {
  model_object& o = truth_.at(i);
  std::uint64_t begin = o.asked_end;
  const auto step = [&](publication_id p, std::uint64_t end) {
    content_step& s = o.steps.emplace_back();
    s.by = p;
    s.operation = op.serial;
    s.begin_bytes = begin;
    s.end_bytes = s.object_bytes = end;
    s.is_append = s.sets_end = true;
    s.is_cut = only == 0;
    s.holds = {{begin, end, stuff::data, o.tag, (o.append_epoch << 32) + begin}};
    begin = end;
  };
  if (only != 0) {
    step(only, begin + bytes);
  } else {
    for (const std::uint64_t end : extent_ends(begin, bytes, scenario_.extent_bytes_max())) {
      op.publications.push_back(truth_.ask());
      step(op.publications.back(), end);
    }
  }
  o.asked_end = begin;
  end_may_be(i, begin);
}

bool workload::ask_append() {
  const std::size_t at = pick_handle(true);
  if (at == none) return false;
  const object_index i = handles_[at].object;
  model_object& o = truth_.at(i);
  operation_ptr op = make(action::append);
  lock_object(*op, i);
  op->handle = at;
  ++handles_[at].users;
  op->bytes = draw_append_bytes();
  use_promise(*op);
  op->memory.resize(op->bytes);
  fill_content(op->memory, o.tag, (o.append_epoch << 32) + o.asked_end);
  core::append_request request;
  request.handle = handles_[at].id;
  request.segments = cut_memory(op->memory);
  request.options.hint = static_cast<lifetime>(chance_.below(5));
  request.options.priority = static_cast<priority>(chance_.below(2));
  op->durable = chance_.chance(scenario_.work.durable_per_mille);
  if (op->durable) request.options.level = durability::durable;
  // Behind a long append an offset has to be stated: if part of that fails, this must not take its place.
  if (o.long_appends > 0 || chance_.chance(300)) request.options.expected_offset_bytes = o.asked_end;
  const bool raise = o.appends == 0 && o.edits.empty() && chance_.chance(80);
  const bool repeat = !raise && o.now.fence_epoch > 0 && chance_.chance(200);
  plan_append(*op, i, op->bytes, 0);
  ++o.appends;
  if (op->publications.size() > 1) ++o.long_appends;
  if (raise) {
    request.options.fence_epoch = o.now.fence_epoch + chance_.within(1, 3);
    o.exclusive = op->exclusive = true;
    op->durable = true;  // with its append, whatever the level
    for (std::size_t n = o.steps.size() - op->publications.size(); n < o.steps.size(); ++n) {
      o.steps[n].raise_fence_to = *request.options.fence_epoch;
    }
  }
  if (repeat) request.options.fence_epoch = o.now.fence_epoch;
  send(std::move(op), std::move(request));
  return true;
}

void workload::appended(operation& op, const append_result& result) {
  model_object& o = truth_.at(op.object);
  const auto first = std::ranges::find(o.steps, op.serial, &content_step::operation);
  if (first == o.steps.end()) broken(op, "its steps are gone");
  if (result.offset_bytes != first->begin_bytes || result.bytes != op.bytes) {
    broken(op, fmt::format("{} bytes at {}; asked for {} at {}", result.bytes, result.offset_bytes, op.bytes,
                           first->begin_bytes));
  }
  if (result.sequence == 0) broken(op, "no sequence");
  for (std::size_t i = 0; i + 1 < op.publications.size(); ++i) truth_.of(op.publications[i]).answered = truth_.tick();
  published(op, op.publications.back(), result.sequence);
  truth_.changed(op.object, op.serial);
}

bool workload::ask_read() {
  const std::size_t at = pick_handle(false);
  if (at == none) return false;
  const object_index i = handles_[at].object;
  const model_object& o = truth_.at(i);
  if (o.asked_end == 0) return false;
  operation_ptr op = make(action::read);
  const std::uint64_t reach = chance_.chance(100) ? o.asked_end + chance_.below(10'000) : o.now.bytes;
  if (reach == 0) return false;
  std::vector<std::uint64_t> lengths;
  for (std::uint64_t count = chance_.chance(800) ? 1 : chance_.within(2, 5); count > 0; --count) {
    op->ranges.push_back({chance_.below(reach), {}});
    std::uint64_t& offset = op->ranges.back().offset_bytes;
    std::uint64_t length = chance_.scaled(1, std::min(read_bytes_max, reach - offset));
    if (chance_.chance(400) && reach - offset / block * block >= block) {  // whole blocks
      offset = offset / block * block;
      length = std::min((length + block - 1) / block, (reach - offset) / block) * block;
    }
    lengths.push_back(length);
    op->bytes += length;
  }
  op->memory.resize(op->bytes);
  std::span<std::byte> rest = op->memory;
  for (std::size_t n = 0; n < lengths.size(); ++n) {
    op->ranges[n].to = rest.first(lengths[n]);
    rest = rest.subspan(lengths[n]);
  }
  lock_object(*op, i);
  op->handle = at;
  ++handles_[at].users;
  std::tie(op->least_end, op->most_end) = truth_.ends_of(i);
  truth_.at(i).reads.push_back(op->asked);
  std::vector<read_range> ranges = op->ranges;
  const core::handle_id handle = handles_[at].id;
  send(std::move(op), core::read_request{handle, std::move(ranges)});
  return true;
}

void workload::check_read(const operation& op, const core::read_result& result) {
  if (result.bytes != op.bytes) broken(op, fmt::format("{} bytes read of {}", result.bytes, op.bytes));
  if (op.looks) return truth_.resolve_content(op.object, op.memory);
  for (const read_range& r : op.ranges) {
    if (const auto wrong = truth_.find_wrong_byte(op.object, r.offset_bytes, r.to, op.asked)) {
      broken(op, fmt::format("wrong byte at {} in [{}, {})", *wrong, r.offset_bytes, r.offset_bytes + r.to.size()));
    }
  }
}

bool workload::ask_sync(action kind) {
  operation_ptr op = make(kind);
  if (kind == action::wait_durable) {
    if (truth_.newest() == 0) return false;
    op->target = chance_.chance(500) ? truth_.newest() : chance_.within(1, truth_.newest());
    const furrow::sequence target = op->target;
    send(std::move(op), core::wait_durable_request{target});
    return true;
  }
  core::sync_request request;
  if (kind == action::sync_object) {
    const std::size_t at = pick_handle(false);
    if (at == none) return false;
    lock_object(*op, handles_[at].object);
    op->handle = at;
    ++handles_[at].users;
    request.handle = handles_[at].id;
  }
  send(std::move(op), request);
  return true;
}

bool workload::ask_other(action kind) {
  operation_ptr op = make(kind);
  op->target = truth_.newest();
  if (kind == action::checkpoint) {
    send(std::move(op), core::checkpoint_request{});
  } else if (kind == action::clean) {
    send(std::move(op), core::clean_request{static_cast<double>(chance_.below(101)) / 100});
  } else if (kind == action::scrub) {
    send(std::move(op), core::scrub_request{scrubbed_to_, chance_.scaled(1, 256) * zoned::store_block_bytes});
  } else if (kind == action::collections) {
    send(std::move(op), core::collections_request{});
  } else {
    send(std::move(op), core::statistics_request{});
  }
  return true;
}

/// Nothing is wrong but what is lost with its zone, or could not be read because the device failed, or lied.
void workload::scrubbed(const operation& op, const core::scrub_result& r) {
  sim_device& device = store_.device();
  for (const check_finding& f : r.findings) {
    if (has_failed(f.detail, op.errors_before) || names_offline_zone(device, f.detail)) continue;
    const bool of_data = f.detail.object.has_value();
    const bool copy = f.detail.zone && device.lies().copy_spoiled(*f.detail.zone);
    if (!of_data && (copy || device.lies().counts().copies_stale > op.copies_stale_before)) continue;
    error_detail d = f.detail;
    if (of_data && truth_.changed_since(*d.object, op.asked)) d.object.reset();
    const std::optional<std::string> why =
        of_data ? refute_lie(truth_, device, d, op.stale_before) : "no copy there was lied about";
    if (why) broken(op, fmt::format("a scrub finds: {}: {}", f.what, *why));
  }
  const bool all = r.next.at == core::scrub_position::part::end;
  scrubbed_to_ = all ? core::scrub_position{} : r.next;
}

bool workload::ask_cancel() {
  std::vector<operation*> candidates;
  for (const operation_ptr& op : operations_) {
    const bool may = op->kind == action::append || op->kind == action::read || op->kind == action::wait_durable ||
                     op->kind == action::sync_store || op->kind == action::sync_object || op->kind == action::list ||
                     is_edit(op->kind);
    if (may) candidates.push_back(op.get());
  }
  if (candidates.empty()) return false;
  operation& target = *candidates[chance_.below(candidates.size())];
  target.cancel_asked = true;
  may_befall(target, excuse::cancelled);
  const core::operation_id id = target.id;
  send(make(action::cancel), core::cancel_request{id, errc::cancelled});
  return true;
}

}  // namespace furrow::sim
