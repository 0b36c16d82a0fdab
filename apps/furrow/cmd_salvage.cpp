// furrow salvage: brings out of a store, however damaged, what can be read, and names what cannot.
//
// First one pass over the metadata zones finds what verifies there, and so which objects there may be. If the store opens,
// each of them comes from it. What it does not give, or all of it if it does not open, comes from what is left of its
// metadata, and is called rebuilt: it may be as it was at an earlier time, and an object that was removed may be back; but each
// of its bytes is one that was written to this place of it. Objects of which neither a cell nor a record is left are rebuilt
// from zone pages alone, and called so.
//
// Invariants
//   G1  Nothing is written to the device.
//   G2  What a store of another format, or of another device, holds is not guessed at: that is refused.
//   G3  Status 0 is only given if the store opened, no page of its trees is missing, and every object came out whole.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <mutex>

#include "arguments.hpp"
#include "format/record.hpp"
#include "interrupt.hpp"
#include "salvage/bring_out.hpp"
#include "salvage/rebuilt_journal.hpp"
#include "salvage/rebuilt_store.hpp"
#include "salvage/rebuilt_tree.hpp"
#include "salvage/store_source.hpp"
#include "salvage/zone_claims.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;

struct arguments {
  std::string uri;
  std::string to;
  bool json = false;
};

/// Every object that a cell of the tree or a record of the journal names, in order.
std::vector<object_id> candidates(raw_device& device, const survey& found, rebuilt_tree& objects) {
  std::vector<object_id> ids;
  const auto add = [&ids](object_id id) {
    if (id != 0 && (ids.empty() || ids.back() != id)) ids.push_back(id);
  };
  objects.for_each({}, [&](const rebuilt_cell& cell) {
    if (format::parse_name_key(cell.key) && cell.value.size() == 8) {
      add(format::load_le<std::uint64_t>(cell.value.data()));
    } else if (const auto id = object_of(cell.key)) {
      add(*id);
    }
    return true;
  });
  for (const surveyed_group& g : found.groups) {
    const auto bytes = read_again(device, g);
    if (!bytes) continue;
    for_each_record(*bytes, *found.store, [&](const format::record& r) {
      if (const auto* created = std::get_if<format::create_record>(&r.body)) add(created->object);
    });
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

/// The names of those objects that one and only one name leads to.
std::map<object_id, std::pair<std::uint32_t, std::string>> names_of(rebuilt_tree& objects,
                                                                    const std::vector<object_id>& ids) {
  std::map<object_id, std::pair<std::uint32_t, std::string>> names;
  std::vector<object_id> again;
  objects.for_each(format::collection_key(0), [&](const rebuilt_cell& cell) {
    const auto name = format::parse_name_key(cell.key);
    if (!name || cell.value.size() != 8) return !object_of(cell.key);
    const object_id id = format::load_le<std::uint64_t>(cell.value.data());
    if (!std::binary_search(ids.begin(), ids.end(), id)) return true;
    if (!names.try_emplace(id, name->collection, name->name).second) again.push_back(id);
    return true;
  });
  for (const object_id id : again) names.erase(id);
  return names;
}

class salvaging {
 public:
  salvaging(const arguments& a, progress& shown) : arguments_{a}, shown_{shown} {
    check_target(a.to);
    raw_device device{a.uri};
    found_ = survey_device(device, shown);
    if (!found_.store)
      throw failure{escaped(a.uri) + ": neither a superblock nor a zone header is whole: nothing to salvage"};
    rebuilt_tree objects{device, found_, format::page_kind::object};
    rebuilt_tree zones{device, found_, format::page_kind::zone};
    ids_ = candidates(device, found_, objects);
    // A tree that is whole names all objects.
    if (!found_.newest || !objects.lost().empty()) {
      const std::vector<object_id> claimed = zone_claims{device, found_, objects, zones}.objects();
      std::set_difference(claimed.begin(), claimed.end(), ids_.begin(), ids_.end(), std::back_inserter(only_claimed_));
    }
    note_lost(objects, device, "objects");
    note_lost(zones, device, "zones");
  }

  exit_status run() {
    bring_out out{arguments_.to, shown_};
    std::vector<object_id> all = merged(ids_, only_claimed_);
    const std::vector<object_id> left = from_store(out, std::move(all));
    if (!left.empty() || !opened_) from_rest(out, left);
    for (missing_part& m : lost_) out.missing(std::move(m));
    out.finish();
    shown_.clear();
    output to;
    if (arguments_.json) {
      to.json(out.report());
    } else {
      out.print(to, arguments_.uri);
    }
    to.flush();
    return out.status();
  }

 private:
  void note_lost(const rebuilt_tree& tree, const raw_device& device, const char* what) {
    for (const lost_page& p : tree.lost()) {
      const zoned::zone_index zone = device.shape().zone_of(p.ref.copies[0]);
      lost_.push_back(
          {{},
           {},
           {},
           0,
           zone,
           fmt::format("a page of the tree of {}, level {}, is lost in all its copies; what it alone knew is not here",
                       what, p.level)});
    }
  }

  static std::vector<object_id> merged(const std::vector<object_id>& a, const std::vector<object_id>& b) {
    std::vector<object_id> all;
    std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(all));
    return all;
  }

  /// Answers which objects it could not give.
  std::vector<object_id> from_store(bring_out& out, std::vector<object_id> ids) {
    store_options options;
    options.read_only = true;
    const interrupt::kept_from_new_threads kept;
    auto opened = blocking_store::open(open_device(arguments_.uri, access::read_only), options);
    if (!opened) {
      const error_code why = opened.error().code;
      const bool beyond_us = why == errc::older_format || why == errc::newer_format ||
                             why == errc::unsupported_feature || why == errc::wrong_device;
      if (beyond_us) throw make_failure(arguments_.uri, why, opened.error().detail);
      out.missing({{}, {}, {}, 0, {}, "the store does not open: " + opened.error().what()});
      return ids;
    }
    opened_ = true;
    listen(*opened);
    std::vector<object_id> left;
    {
      store_source source{*opened};
      for (const object_id id : ids) {
        if (interrupt::requested()) throw interrupted{};
        if (!out.add(source, id, brought_from::store)) left.push_back(id);
      }
    }
    static_cast<void>(opened->close());
    const std::scoped_lock held{told_->guard};
    for (const event& e : told_->damage) {
      out.missing({e.detail.object,
                   {},
                   e.detail.offset_bytes,
                   e.detail.bytes.value_or(0),
                   e.detail.zone,
                   e.detail.what.empty() ? "damaged" : e.detail.what});
    }
    return left;
  }

  void from_rest(bring_out& out, std::vector<object_id> ids) {
    raw_device device{arguments_.uri};
    rebuilt_tree objects{device, found_, format::page_kind::object};
    rebuilt_tree zones{device, found_, format::page_kind::zone};
    rebuilt_store source{device, objects, zones};
    const journal_told journal = apply_journal(device, found_, source);
    if (!opened_) ids = merged(ids, source.in_journal());
    std::vector<object_id> unknown;
    // The newest first: a name that an older one had is theirs.
    for (auto at = ids.rbegin(); at != ids.rend(); ++at) {
      if (interrupt::requested()) throw interrupted{};
      if (!out.add(source, *at, brought_from::metadata)) unknown.push_back(*at);
    }
    std::reverse(unknown.begin(), unknown.end());
    if (!unknown.empty()) from_zone_pages(out, source, {device, found_, objects, zones}, objects, std::move(unknown));
    if (journal.left != 0) {
      out.missing(
          {{},
           {},
           {},
           0,
           {},
           fmt::format("{} groups of the journal are behind a gap in it; what they say is not here", journal.left)});
    }
    for (const survey_fault& f : found_.faults) out.missing({{}, {}, {}, 0, f.zone, f.why});
  }

  /// What nothing else is left of.
  void from_zone_pages(bring_out& out, rebuilt_store& source, zone_claims claims, rebuilt_tree& objects,
                       std::vector<object_id> ids) {
    while (!ids.empty()) {
      const std::vector<object_id> some = claims.load_some(ids);
      const auto names = names_of(objects, some);
      for (auto id = some.rbegin(); id != some.rend(); ++id) {
        if (interrupt::requested()) throw interrupted{};
        const claimed_object its = claims.of(*id);
        tell_too_far(out, its);
        if (its.extents.empty()) {
          const bool was_removed = std::binary_search(only_claimed_.begin(), only_claimed_.end(), *id);
          if (its.empty() && !was_removed) out.missing({*id, {}, {}, 0, {}, "nothing is left of its metadata"});
          continue;
        }
        const auto name = names.find(*id);
        source.adopt(
            *id,
            name != names.end() ? format::name_parts{name->second.first, name->second.second} : format::name_parts{},
            its.extents);
        out.add(source, *id, brought_from::zone_pages);
      }
    }
    for (const auto& [zone, cells] : claims.impossible()) {
      std::string why = fmt::format("{} cells of zone pages name blocks where no data can be: not followed", cells);
      out.missing({{},
                   {},
                   {},
                   0,
                   zone < found_.headers.size() ? std::optional{zoned::zone_index{zone}} : std::nullopt,
                   std::move(why)});
    }
  }

  static void tell_too_far(bring_out& out, const claimed_object& its) {
    if (its.too_far.empty()) return;
    std::uint64_t first = its.too_far.front().object_block, end = 0;
    for (const block_claim& c : its.too_far) {
      first = std::min(first, c.object_block);
      end = std::max(end, c.end());
    }
    out.missing({its.too_far.front().object,
                 {},
                 first * block_bytes,
                 (end - first) * block_bytes,
                 its.too_far.front().zone,
                 "zone pages name blocks so far out that no file is made to hold them"});
  }

  /// What the open found damaged; told on another thread.
  void listen(const blocking_store& store) {
    store.on_event([told = told_](const event& e) {
      const std::scoped_lock held{told->guard};
      if (e.what == event::kind::damage) told->damage.push_back(e);
    });
  }

  struct events {
    std::mutex guard;
    std::vector<event> damage;
  };

  const arguments& arguments_;
  progress& shown_;
  survey found_;
  bool opened_ = false;
  std::vector<object_id> ids_;
  std::vector<object_id> only_claimed_;  ///< By zone pages; none if the tree of objects is whole.
  std::vector<missing_part> lost_;
  std::shared_ptr<events> told_ = std::make_shared<events>();
};

exit_status run(const arguments& a) {
  interrupt::install();
  progress shown{"salvage", 0, 0};
  return salvaging{a, shown}.run();
}

}  // namespace

action declare_salvage(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_name(app, "--to", a->to, "The directory to write to: empty, or to be made")->required();
  add_json(app, a->json);
  app.footer(
      "Objects are in objects/NAME, collections/NUMBER/NAME or by-id/ID. In NAME, %XX stands for the byte of that\n"
      "number, %_ for nothing, %/ for nothing.\n"
      "Exit status: 0 all was brought out, 4 something is missing, 1 nothing could be.");
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
