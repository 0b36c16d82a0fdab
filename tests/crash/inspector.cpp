#include "crash/inspector.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/failure.hpp"

namespace furrow::crash {
namespace {

using sim::broken_promise;

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;

class looker {
 public:
  enum class scope : std::uint8_t { bytes, places };

  looker(session& s, const zoned::geometry& shape, scope what) : s_{s}, shape_{shape}, what_{what} {}

  contents look(object_id id_max) {
    for (object_id id = 1; id <= id_max; ++id) look_at(id);
    compare_names();
    return std::move(found_);
  }
  [[nodiscard]] std::uint64_t blocks() const { return blocks_.size(); }

 private:
  void look_at(object_id id) {
    const core::notification opened =
        s_.ask(core::open_object_request{.collection = default_collection, .name = {}, .id = id});
    if (opened.error == errc::not_found) return;
    if (opened.error) throw broken_promise{fmt::format("object {}: {}", id, opened.error.message())};
    const core::handle_id handle = std::get<core::opened_object>(opened.result).handle;
    const object_status status = std::get<object_status>(s_.must(core::stat_request{handle}, "stat").result);
    held_object& o = found_.objects[id];
    o = {status.name, status.collection, status.attributes.mode, status.fence_epoch, {}};
    if (status.bytes > 0 && what_ == scope::bytes) {
      o.bytes.resize(status.bytes);
      core::read_request read;
      read.handle = handle;
      read.ranges = {{0, std::span{o.bytes}}};
      s_.must(std::move(read), "read");
    }
    if (status.bytes > 0 && what_ == scope::places) look_at_extents(id, handle, status.bytes);
    s_.must(core::release_request{handle}, "release");
  }

  void look_at_extents(object_id id, core::handle_id handle, std::uint64_t bytes) {
    const core::notification n = s_.must(core::extents_request{handle, 0, bytes, 1000}, "extents");
    std::uint64_t end = 0;
    for (const extent_status& x : std::get<extent_list>(n.result).extents) {
      if (x.offset_bytes != end || x.bytes == 0)
        throw broken_promise{
            fmt::format("object {}: an extent at {}, and one before it ends at {}", id, x.offset_bytes, end)};
      end += x.bytes;
      if (!x.where) continue;
      const std::uint64_t first = shape_.address_of(x.where->zone, x.where->offset_bytes / block_bytes).block();
      for (std::uint64_t b = 0; b < (x.bytes + block_bytes - 1) / block_bytes; ++b) {
        const auto [seen, fresh] = blocks_.emplace(first + b, x.shared);
        if (!fresh && !(seen->second && x.shared))
          throw broken_promise{
              fmt::format("object {}: a block of the extent at {} is another's as well", id, x.offset_bytes)};
      }
    }
    if (end != bytes) throw broken_promise{fmt::format("object {} of {} bytes: extents up to {}", id, bytes, end)};
  }

  void compare_names() {
    std::set<collection_id> collections{default_collection};
    for (const auto& [id, o] : found_.objects) collections.insert(o.collection);
    std::size_t named = 0;
    for (const collection_id c : collections) {
      core::list_request list;
      list.collection = c;
      const core::notification n = s_.must(std::move(list), "list");
      for (const list_entry& e : std::get<list_page>(n.result).entries) {
        ++named;
        const auto at = found_.objects.find(e.id);
        if (at == found_.objects.end() || at->second.name != e.name || at->second.collection != c)
          throw broken_promise{fmt::format("the name '{}' leads to object {}, which does not bear it", e.name, e.id)};
      }
    }
    const auto bearers = std::ranges::count_if(found_.objects, [](const auto& o) { return !o.second.name.empty(); });
    if (named != static_cast<std::size_t>(bearers))
      throw broken_promise{fmt::format("{} names are listed, {} objects bear one", named, bearers)};
  }

  session& s_;
  zoned::geometry shape_;
  scope what_;
  contents found_;
  std::map<std::uint64_t, bool> blocks_;  // by address: said to be shared
};

void compare_accounts(session& s, const contents& found, std::uint64_t blocks) {
  const core::notification n = s.must(core::statistics_request{}, "statistics");
  const statistics& all = *std::get<core::statistics_ptr>(n.result);
  if (all.objects != found.objects.size())
    throw broken_promise{fmt::format("{} objects by the accounts, {} found", all.objects, found.objects.size())};
  if (all.live_bytes != blocks * block_bytes)
    throw broken_promise{fmt::format("{} live blocks by the accounts, {} found", all.live_bytes / block_bytes, blocks)};
}

/// What a store at rest may keep a zone for in which nothing lives.
bool may_keep(zone_keeper k) {
  return k != zone_keeper::freeing && k != zone_keeper::reset && k != zone_keeper::writes && k != zone_keeper::reader &&
         k != zone_keeper::move && k != zone_keeper::suspect;
}

void compare_zones(session& s) {
  const core::notification n = s.must(core::zones_request{}, "zones");
  for (const zone_status& z : std::get<std::vector<zone_status>>(n.result)) {
    const bool empty_handed = z.use != zone_use::free && z.kept_by.empty();
    const bool stuck = std::ranges::any_of(z.kept_by, [](zone_keeper k) { return !may_keep(k); });
    if (empty_handed || stuck)
      throw broken_promise{fmt::format("zone {} leaks: use {}, {} live, {} written, kept by {}", z.device.index.value,
                                       static_cast<int>(z.use), z.live_blocks, z.written_blocks,
                                       z.kept_by.empty() ? 0 : static_cast<int>(z.kept_by.front()))};
  }
}

}  // namespace

contents inspect(recorder& device, const inspection& how) {
  contents found;
  {
    session s{device, how.options, how.now_ns};
    s.must(core::open_request{}, "open");
    found = looker{s, device.shape(), looker::scope::bytes}.look(how.id_max);
    // Each block has just been read, and its sum compared: with another open to come it is done by the check, too.
    const core::notification checked = s.must(core::check_request{how.reopen}, "check");
    const auto& check = std::get<core::check_result>(checked.result);
    if (check.damage > 0)
      throw broken_promise{fmt::format("check finds {} faults: {}", check.damage,
                                       check.findings.empty() ? "" : check.findings.front().what)};
    s.settle();
    looker places{s, device.shape(), looker::scope::places};
    const contents again = places.look(how.id_max);
    compare_accounts(s, again, places.blocks());
    compare_zones(s);
    s.must(core::close_request{}, "close");
  }
  if (!how.reopen) return found;
  session s{device, how.options, how.now_ns + 1'000'000'000};
  s.must(core::open_request{}, "open after a close");
  const contents again = looker{s, device.shape(), looker::scope::bytes}.look(how.id_max);
  if (again.digest() != found.digest())
    throw broken_promise{"another open finds something else:" + difference(found, again)};
  s.must(core::close_request{}, "second close");
  return found;
}

}  // namespace furrow::crash
