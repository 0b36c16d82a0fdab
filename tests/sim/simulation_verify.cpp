// After an open: everything that can be seen of the store, against the model.
#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"
#include "sim/lost_blocks.hpp"
#include "sim/simulation.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t read_bytes_max = 256 << 10;
constexpr object_id ids_beyond = 3;
constexpr object_id ids_probed_max = 100;
constexpr std::uint32_t data_check_per_mille = 100;
constexpr std::uint32_t untouched_read_per_mille = 50;

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
    if (!page.more) return all;
    if (page.entries.empty()) throw broken_promise{"a list says that there is more and gives nothing"};
    request.after = all.back().name;
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
  r.state = {true, status.bytes, status.fence_epoch, none, status.attributes.mode};
  if (!status.name.empty()) {
    r.state.name = truth_.find_name(status.name);
    if (r.state.name == none) throw broken_promise{fmt::format("object {} has a name that nobody gave", id)};
  }
  if (!same_but_times(status.attributes, make_attributes(r.tag, r.state.version))) {
    throw broken_promise{fmt::format("object {} has attributes that nobody gave", id)};
  }
  blocks_found_ += status.blocks;
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

void simulation::compare_content(const recovered_object& r) {
  if (r.state.bytes == 0) return;
  const object_index i = truth_.with_tag(r.tag);
  const core::notification opened =
      expect(core::open_object_request{.collection = default_collection, .name = {}, .id = r.id}, "open object");
  const core::handle_id handle = std::get<core::opened_object>(opened.result).handle;
  for (std::uint64_t at = 0; at < r.state.bytes; at += read_bytes_max) {
    buffer_.resize(std::min(read_bytes_max, r.state.bytes - at));
    core::read_request request;
    request.handle = handle;
    request.ranges = {{at, buffer_}};
    const core::notification n = store_.ask(std::move(request));
    if (n.error == zoned::errc::zone_offline) {
      compare_blocks(r, handle, at);
      continue;
    }
    if (n.error) throw broken_promise{fmt::format("after an open: read: {} {}", n.error.message(), n.detail.what)};
    if (const auto wrong = truth_.find_wrong_byte(i, at, buffer_)) {
      throw broken_promise{fmt::format("after an open: object {} (tag {:016x}, {} bytes): wrong byte at {}", r.id,
                                       r.tag, r.state.bytes, *wrong)};
    }
  }
  static_cast<void>(expect(core::release_request{handle}, "release"));
}

/// Block by block: each is as it should be, or was in a zone that is offline now.
void simulation::compare_blocks(const recovered_object& r, core::handle_id handle, std::uint64_t at) {
  const object_index i = truth_.with_tag(r.tag);
  const std::uint64_t end = at + buffer_.size();
  std::vector<std::byte> block;
  for (; at < end; at += block.size()) {
    block.resize(std::min<std::uint64_t>(zoned::store_block_bytes, end - at));
    core::read_request request;
    request.handle = handle;
    request.ranges = {{at, block}};
    const core::notification n = store_.ask(std::move(request));
    if (n.error) {
      const auto why = refute_loss(truth_, device_, i, n);
      if (why || n.detail.offset_bytes != at)
        throw broken_promise{fmt::format("after an open: object {} at {}: {}", r.id, at, why.value_or("other block"))};
      ++totals_.blocks_lost;
    } else if (const auto wrong = truth_.find_wrong_byte(i, at, block)) {
      throw broken_promise{fmt::format("after an open: object {}: wrong byte at {}", r.id, *wrong)};
    }
  }
}

void simulation::compare_accounts(const std::vector<recovered_object>& found) {
  const bool data = check_data_ || chance_.chance(data_check_per_mille);
  const core::notification checked = expect(core::check_request{data}, "check");
  const auto& check = std::get<core::check_result>(checked.result);
  std::uint64_t lost = 0;
  for (const check_finding& f : check.findings) {
    if (!names_offline_zone(device_, f.detail))
      throw broken_promise{fmt::format("check finds {} faults: {}", check.damage, f.what)};
    ++lost;
  }
  if (check.damage != lost)
    throw broken_promise{fmt::format("check finds {} faults, and names {}", check.damage, lost)};
  do {  // What was removed before the open is being dropped meanwhile.
    store_.step();
  } while (!store_.idle());
  const core::notification n = expect(core::statistics_request{}, "statistics");
  const statistics& s = *std::get<core::statistics_ptr>(n.result);
  if (s.objects != found.size()) {
    throw broken_promise{fmt::format("{} objects by the accounts, {} found", s.objects, found.size())};
  }
  if (s.live_bytes != blocks_found_ * zoned::store_block_bytes) {
    throw broken_promise{fmt::format("{} live bytes by the accounts, {} blocks found ({} bytes)", s.live_bytes,
                                     blocks_found_, blocks_found_ * zoned::store_block_bytes)};
  }
  rule_.opened(s.sequence);
}

void simulation::verify(bool all) {
  blocks_found_ = 0;
  std::vector<object_index> touched;
  for (const object_index i : truth_.remembered()) {
    if (!truth_.at(i).ends.empty()) touched.push_back(i);
  }
  const std::vector<recovered_object> found = find_objects();
  truth_.settle(found, all);
  for (const recovered_object& r : found) {
    const object_index i = truth_.with_tag(r.tag);
    const bool read = check_data_ || std::ranges::find(touched, i) != touched.end();
    if (read || chance_.chance(untouched_read_per_mille)) compare_content(r);
  }
  compare_accounts(found);
}

}  // namespace furrow::sim
