// After an open: everything that can be seen of the store, against the model.
#include <fmt/format.h>

#include <algorithm>

#include "core/limits.hpp"
#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/lost_blocks.hpp"
#include "sim/simulation.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t read_bytes_max = 256 << 10;
constexpr object_id ids_beyond = 3;
constexpr object_id ids_probed_max = 5000;  // creations that a full store refuses take ids
constexpr std::uint32_t data_check_per_mille = 100;
constexpr std::uint32_t untouched_read_per_mille = 50;
constexpr std::uint32_t evacuation_tries_max = 64;

}  // namespace

core::notification simulation::expect(core::request_body body, const char* what) {
  core::notification n = store_.ask(std::move(body));
  if (n.error) {
    throw broken_promise{fmt::format("after an open: {}: {} {}", what, n.error.message(), n.detail.what)};
  }
  return n;
}

std::vector<list_entry> simulation::list_all() {
  std::vector<list_entry> all;
  core::list_request request;
  for (;;) {
    request.entries_max = static_cast<std::uint32_t>(chance_.within(1, 40));
    const core::notification n = expect(request, "list");
    const auto& page = std::get<list_page>(n.result);
    all.insert(all.end(), page.entries.begin(), page.entries.end());
    if (page.more && page.entries.empty()) throw broken_promise{"a list says that there is more and gives nothing"};
    if (page.more)
      request.after = all.back().name;
    else if (request.collection == scenario_.work.collections)
      break;
    else
      request = {.collection = request.collection + 1};
  }
  std::ranges::sort(all, {}, &list_entry::name);
  return all;
}

/// Each block is one object's, or said to be shared wherever it stands.
void simulation::count_blocks(recovered_object& r, core::handle_id handle) {
  for (std::uint64_t at = 0; at < r.state.bytes;) {
    const core::notification n = expect(core::extents_request{handle, at, r.state.bytes - at, 1000}, "extents");
    const auto& list = std::get<extent_list>(n.result);
    if (list.extents.empty()) throw broken_promise{fmt::format("object {}: no extents from {} on", r.id, at)};
    for (const extent_status& x : list.extents) {
      at = x.offset_bytes + x.bytes;
      if (!x.where) continue;
      r.blocks += x.bytes / zoned::store_block_bytes;
      const zoned::device_address begin =
          device_.shape().address_of(x.where->zone, x.where->offset_bytes / zoned::store_block_bytes);
      for (std::uint64_t b = 0; b < x.bytes / zoned::store_block_bytes; ++b) {
        const auto [seen, fresh] = blocks_seen_.emplace(begin.advanced(b).block(), x.shared);
        if (!fresh && !(seen->second && x.shared) && block_seen_twice_.empty())
          block_seen_twice_ =
              fmt::format("object {}: block {} of the extent at {} is another's as well", r.id, b, x.offset_bytes);
      }
    }
  }
}

void simulation::find_object(object_id id, std::vector<recovered_object>& found) {
  const core::notification opened =
      store_.ask(core::open_object_request{.collection = default_collection, .name = {}, .id = id});
  if (opened.error == errc::not_found) return;
  if (opened.error) throw broken_promise{fmt::format("after an open: object {}: {}", id, opened.error.message())};
  const core::handle_id handle = std::get<core::opened_object>(opened.result).handle;
  const core::notification n = expect(core::stat_request{handle}, "stat");
  const auto& status = std::get<object_status>(n.result);
  recovered_object r;
  r.id = id;
  r.tag = tag_of(status.attributes);
  r.collection = status.collection;
  r.state = {true, status.bytes, status.fence_epoch, none, status.attributes.mode};
  if (!status.name.empty()) {
    r.state.name = truth_.find_name(status.name);
    if (r.state.name == none) throw broken_promise{fmt::format("object {} has a name that nobody gave", id)};
    if (truth_.collection_of(r.state.name) != r.collection)
      throw broken_promise{fmt::format("object {} is in collection {}", id, r.collection)};
  }
  if (!same_but_times(status.attributes, make_attributes(r.tag, r.state.version))) {
    throw broken_promise{fmt::format("object {} has attributes that nobody gave", id)};
  }
  count_blocks(r, handle);
  static_cast<void>(expect(core::release_request{handle}, "release"));
  found.push_back(r);
}

std::vector<recovered_object> simulation::find_objects() {
  // Known ids, ids of listed names, and the ids that come next: those of creations that were never answered.
  std::vector<object_id> ids;
  for (const object_index i : truth_.remembered()) {
    if (truth_.at(i).id != 0) ids.push_back(truth_.at(i).id);
  }
  std::vector<list_entry> names = list_all();
  for (const list_entry& e : names) ids.push_back(e.id);
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  const auto nameless =
      std::ranges::count_if(truth_.remembered(), [&](object_index i) { return truth_.at(i).id == 0; });
  const object_id last = ids.empty() ? 0 : ids.back();
  for (object_id n = 1; n <= static_cast<object_id>(nameless) + ids_beyond; ++n) ids.push_back(last + n);
  std::vector<recovered_object> found;
  for (const object_id id : ids) find_object(id, found);
  // What the accounts still know of was made by a creation that was never answered: near the last known ids.
  const core::notification n = expect(core::statistics_request{}, "statistics");
  const std::uint64_t objects = std::get<core::statistics_ptr>(n.result)->objects;
  const object_id highest = ids.back() + ids_probed_max;
  for (object_id id = highest; found.size() < objects && id > 0; --id) {
    if (std::ranges::find(ids, id) == ids.end()) find_object(id, found);
  }
  compare_names(found, names);
  return found;
}

/// Again, as long as the cleaner moves blocks of what was looked at.
std::vector<recovered_object> simulation::find_unmoved() {
  const auto moved = [this] {
    const core::notification n = expect(core::statistics_request{}, "statistics");
    return std::get<core::statistics_ptr>(n.result)->cleaner_blocks_moved;
  };
  for (int i = 0; i < 1000; ++i) {
    blocks_seen_.clear();
    block_seen_twice_.clear();
    const std::uint64_t before = moved();
    std::vector<recovered_object> found = find_objects();
    if (moved() != before) continue;
    if (!block_seen_twice_.empty()) throw broken_promise{block_seen_twice_};
    return found;
  }
  throw broken_promise{"after an open: the cleaner does not come to an end"};
}

void simulation::compare_names(const std::vector<recovered_object>& found, const std::vector<list_entry>& names) const {
  std::vector<std::pair<std::string, object_id>> held;
  for (const recovered_object& r : found) {
    if (r.state.name != none) held.emplace_back(truth_.name(r.state.name), r.id);
  }
  std::ranges::sort(held);
  const auto same = [](const std::pair<std::string, object_id>& h, const list_entry& e) {
    return h.first == e.name && h.second == e.id;
  };
  if (!std::ranges::equal(held, names, same)) {
    throw broken_promise{
        fmt::format("{} names are listed; objects say that they have {}, or others", names.size(), held.size())};
  }
}

/// Reads all of an object, block by block where the zone of one is offline, or one is spoiled: that one must have been there.
void simulation::read_object(recovered_object& r) {
  r.was_read = true;
  r.bytes.resize(r.state.bytes);
  if (r.state.bytes == 0) return;
  const core::notification opened =
      expect(core::open_object_request{.collection = default_collection, .name = {}, .id = r.id}, "open object");
  const core::handle_id handle = std::get<core::opened_object>(opened.result).handle;
  for (std::uint64_t at = 0; at < r.state.bytes; at += read_bytes_max) {
    core::read_request request;
    request.handle = handle;
    const std::uint64_t end = std::min(at + read_bytes_max, r.state.bytes);
    request.ranges = {{at, std::span{r.bytes}.subspan(at, end - at)}};
    const core::notification n = store_.ask(std::move(request));
    if (n.error == zoned::errc::zone_offline || n.error == errc::checksum_mismatch) {
      read_blocks(r, handle, at, end);
    } else if (n.error) {
      throw broken_promise{fmt::format("after an open: read: {} {}", n.error.message(), n.detail.what)};
    }
  }
  compare_extents(r, handle);
  static_cast<void>(expect(core::release_request{handle}, "release"));
}

void simulation::read_blocks(recovered_object& r, core::handle_id handle, std::uint64_t at, std::uint64_t end) {
  const object_index i = truth_.with_tag(r.tag);
  while (at < end) {
    const std::uint64_t next = std::min<std::uint64_t>(at + zoned::store_block_bytes, end);
    core::read_request request;
    request.handle = handle;
    request.ranges = {{at, std::span{r.bytes}.subspan(at, next - at)}};
    const core::notification n = store_.ask(std::move(request));
    if (n.error) {
      const auto why = journal_lost_                        ? refute_overwriting(i, handle, at, n)
                       : n.error == errc::checksum_mismatch ? refute_spoiling(handle, at, n)
                                                            : refute_loss(truth_, device_, i, n);
      if (why || n.detail.offset_bytes != at)
        throw broken_promise{fmt::format("after an open: object {} at {}: {}", r.id, at, why.value_or("other block"))};
      ++(journal_lost_ ? totals_.journal.overwritten : totals_.blocks_lost);
      r.lost.emplace_back(at, next);
    }
    at = next;
  }
}

/// Its extents lie side by side, holes are zeros, and each block is one object's, or said to be shared.
void simulation::compare_extents(const recovered_object& r, core::handle_id handle) {
  std::uint64_t at = 0;
  while (at < r.state.bytes) {
    const auto most = static_cast<std::uint32_t>(chance_.within(1, 100));
    const core::notification n = expect(core::extents_request{handle, at, r.state.bytes - at, most}, "extents");
    const auto& list = std::get<extent_list>(n.result);
    for (const extent_status& x : list.extents) {
      if (x.offset_bytes != at || x.bytes == 0)
        throw broken_promise{
            fmt::format("object {}: an extent at {}, the last one ended at {}", r.id, x.offset_bytes, at)};
      at += x.bytes;
      const auto bytes = std::span{r.bytes}.subspan(x.offset_bytes, x.bytes);
      const bool hole = x.what == extent_status::kind::hole;
      if (hole && find_nonzero_byte(bytes))
        throw broken_promise{fmt::format("object {}: the hole at {} is not zeros", r.id, x.offset_bytes)};
    }
    if (list.extents.empty() || list.more != (at < r.state.bytes))
      throw broken_promise{fmt::format("object {} of {} bytes: extents up to {}", r.id, r.state.bytes, at)};
  }
}

void simulation::compare_content(recovered_object& r) {
  read_object(r);
  const object_index i = truth_.with_tag(r.tag);
  std::uint64_t at = 0;
  r.lost.emplace_back(r.state.bytes, r.state.bytes);
  for (const auto& [begin, end] : r.lost) {
    const auto bytes = std::span{r.bytes}.subspan(at, begin - at);
    if (const auto wrong = truth_.find_wrong_byte(i, at, bytes)) {
      throw broken_promise{fmt::format("after an open: object {} (tag {:016x}, {} bytes): wrong byte at {}", r.id,
                                       r.tag, r.state.bytes, *wrong)};
    }
    at = end;
  }
}

bool simulation::has_latched() {
  return may_be_latched() && store_.ask(core::checkpoint_request{}).error == errc::needs_reopen;
}

void simulation::compare_accounts(const std::vector<recovered_object>& found) {
  const bool data = check_data_ || !spoiled_.empty() || chance_.chance(data_check_per_mille);
  const core::notification checked = expect(core::check_request{data}, "check");
  const auto& check = std::get<core::check_result>(checked.result);
  std::uint64_t lost = 0;
  for (const check_finding& f : check.findings) {
    if (!names_offline_zone(device_, f.detail) && !touches_spoiled(f.detail))
      throw broken_promise{fmt::format("check finds {} faults: {}", check.damage, f.what)};
    ++lost;
  }
  if (check.damage != lost && check.findings.size() < core::findings_max)
    throw broken_promise{fmt::format("check finds {} faults, and names {}", check.damage, lost)};
  if (data && check.findings.empty() && std::ranges::any_of(spoiled_, [](const auto& s) { return s.second; }))
    throw broken_promise{"check finds nothing, and blocks are spoiled"};
  do {  // What was removed before the open is being dropped meanwhile.
    store_.step();
  } while (!store_.idle());
  const core::notification n = expect(core::statistics_request{}, "statistics");
  const statistics& s = *std::get<core::statistics_ptr>(n.result);
  if (s.objects != found.size()) {
    throw broken_promise{fmt::format("{} objects by the accounts, {} found", s.objects, found.size())};
  }
  if (s.live_bytes != blocks_seen_.size() * zoned::store_block_bytes) {
    if (has_latched()) return;
    throw broken_promise{fmt::format("{} live bytes by the accounts, {} blocks found ({} bytes)", s.live_bytes,
                                     blocks_seen_.size(), blocks_seen_.size() * zoned::store_block_bytes)};
  }
  compare_collections(found);
  rule_.opened(s.sequence);
  compare_evacuated(s);
}

/// Each has what the extents of its objects come to, and in a store that has latched what is dropped no more.
void simulation::compare_collections(const std::vector<recovered_object>& found) {
  const core::notification n = expect(core::collections_request{}, "collections");
  const auto& all = std::get<std::vector<collection_status>>(n.result);
  for (const collection_status& c : all) {
    std::uint64_t blocks = 0;
    for (const recovered_object& r : found) blocks += r.collection == c.id ? r.blocks : 0;
    const std::uint64_t bytes = blocks * zoned::store_block_bytes;
    const bool right = c.used_bytes == bytes || (c.used_bytes > bytes && has_latched());
    if (!right || c.claimed_bytes != 0)
      throw broken_promise{fmt::format("collection {} has {} bytes and claims {}; its objects have {} blocks", c.id,
                                       c.used_bytes, c.claimed_bytes, blocks)};
  }
  users_.adopt(all);
}

/// What lives in a zone that is read-only though there is room for it elsewhere, of the zones that were written as data.
std::optional<std::string> simulation::find_unevacuated(std::uint64_t free_bytes) {
  const core::notification n = expect(core::zones_request{}, "zones");
  for (const zone_status& z : std::get<std::vector<zone_status>>(n.result)) {
    if (z.device.condition != zoned::zone_condition::read_only || !z.bad || z.use == zone_use::metadata) continue;
    ++totals_.evacuations_checked;
    if (device_.lies().spoiled(z.device.index) || !device_.zone_faults().holds_data(z.device.index)) continue;
    if (z.live_blocks > 0 && z.live_blocks * zoned::store_block_bytes <= free_bytes)
      return fmt::format("zone {} is read-only, {} blocks live in it, and there is room for {}", z.device.index.value,
                         z.live_blocks, free_bytes / zoned::store_block_bytes);
  }
  return std::nullopt;
}

/// A move that had no room is tried again when zones have changed, as they do with checkpoints.
void simulation::compare_evacuated(const statistics& s) {
  std::uint64_t free_bytes = s.free_bytes;
  for (std::uint32_t tries = 0;; ++tries) {
    const auto left = find_unevacuated(free_bytes);
    if (!left) return;
    if (tries == evacuation_tries_max) throw broken_promise{*left};
    ++totals_.evacuations_late;
    if (has_latched()) return;
    static_cast<void>(expect(core::checkpoint_request{}, "checkpoint"));
    do {
      store_.step();
    } while (!store_.idle());
    const core::notification now = expect(core::statistics_request{}, "statistics");
    free_bytes = std::get<core::statistics_ptr>(now.result)->free_bytes;
  }
}

void simulation::verify(bool all) {
  std::vector<recovered_object> found = find_unmoved();
  for (recovered_object& r : found) {
    const object_index i = truth_.with_tag(r.tag);
    if (i != none && !truth_.at(i).steps.empty()) read_object(r);
  }
  truth_.settle(found, all);
  for (recovered_object& r : found) {
    if (!r.was_read && (check_data_ || device_.lies().told() || chance_.chance(untouched_read_per_mille)))
      compare_content(r);
  }
  look_for_spoiled(found);
  compare_accounts(found);
  compare_scrub(found);
  look_at_copies();
}

}  // namespace furrow::sim
