// furrow salvage: brings out of a store, however damaged, what can be read, and names what cannot.
//
// First one pass over the metadata zones finds what verifies there, and so which objects there may be. If the store opens,
// each of them comes from it. What it does not give, or all of it if it does not open, comes from what is left of its
// metadata, and is called rebuilt: it may be as it was at an earlier time, and an object that was removed may be back; but each
// of its bytes is one that was written to this place of it.
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
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

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

class salvaging {
 public:
  salvaging(const arguments& a, progress& shown) : arguments_{a}, shown_{shown} {
    check_target(a.to);
    raw_device device{a.uri};
    found_ = survey_device(device, shown);
    if (!found_.store)
      throw failure{escaped(a.uri) + ": neither a superblock nor a zone header is whole: nothing to salvage"};
    rebuilt_tree objects{device, found_, format::page_kind::object};
    const rebuilt_tree zones{device, found_, format::page_kind::zone};
    ids_ = candidates(device, found_, objects);
    note_lost(objects, device, "objects");
    note_lost(zones, device, "zones");
  }

  exit_status run() {
    bring_out out{arguments_.to, shown_};
    const std::vector<object_id> left = from_store(out);
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

  /// Answers which objects it could not give.
  std::vector<object_id> from_store(bring_out& out) {
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
      return ids_;
    }
    opened_ = true;
    listen(*opened);
    std::vector<object_id> left;
    {
      store_source source{*opened};
      for (const object_id id : ids_) {
        if (interrupt::requested()) throw interrupted{};
        if (!out.add(source, id, false)) left.push_back(id);
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
    if (!opened_) {
      const std::vector<object_id> more = source.in_journal();
      std::vector<object_id> all;
      std::set_union(ids.begin(), ids.end(), more.begin(), more.end(), std::back_inserter(all));
      ids = std::move(all);
    }
    // The newest first: a name that an older one had is theirs.
    for (auto at = ids.rbegin(); at != ids.rend(); ++at) {
      const object_id id = *at;
      if (interrupt::requested()) throw interrupted{};
      if (!out.add(source, id, true)) out.missing({id, {}, {}, 0, {}, "nothing is left of its metadata"});
    }
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
