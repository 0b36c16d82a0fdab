#include "core/repairer.hpp"

#include <algorithm>

#include "core/checkpoint.hpp"
#include "core/objects.hpp"
#include "core/page_reader.hpp"
#include "core/superblock_ring.hpp"

namespace furrow::core {

namespace {
constexpr std::uint32_t rounds_max = 8;
}

void repairer::accept(operation_id id) {
  if (c_.latch) return c_.answer(id, c_.latch);
  if (c_.damaged_at_open)
    return c_.answer(id, errc::damaged, {}, {.what = "its journal or its device has lost what was written"});
  if (!c_.refuses_changes())
    return c_.answer(id, errc::invalid_argument, {}, {.what = "the store was not opened for repair"});
  asked_.push_back(id);
  ++progress_;
}

void repairer::step(bool settled) {
  if (state_ == state::idle && !asked_.empty()) {
    id_ = asked_.front();
    asked_.erase(asked_.begin());
    out_ = {};
    rounds_ = 0;
    writes_ = !c_.read_only;
    out_.applied = writes_;
    state_ = state::to_check;
  }
  if (state_ == state::to_check && settled && !checker_.running()) check();
}

void repairer::check() {
  state_ = state::checking;
  ++progress_;
  checker_.plan(true);
  checker_.start(false, [this](error_code, check_result r) {
    checker_.plan(false);
    ++progress_;
    checked(std::move(r));
  });
}

void repairer::checked(check_result r) {
  out_.left = std::move(r);
  c_.keeps_zones = c_.keeps_zones && !checker_.knows_extents();
  mends_ = checker_.take_mends();
  if (!checker_.saw_all()) {
    if (!out_.changes.empty()) c_.set_latch("a page that a repair needs cannot be read");  // M2
    return answer(c_.latch);
  }
  at_ = 0;
  if (!writes_) {
    for (mend& m : mends_) out_.changes.push_back(std::move(m.told));
    out_.left.damage -= std::min<std::uint64_t>(
        out_.left.damage, std::erase_if(out_.left.findings, [](const auto& f) { return f.left_because.empty(); }));
    return look_at_copies();
  }
  if (!mends_.empty() && rounds_++ < rounds_max) {
    state_ = state::mending;
    return mend_next();
  }
  if (out_.changes.empty()) return look_at_copies();
  save();
}

void repairer::mend_next() {
  for (; at_ < mends_.size(); ++at_) {
    const readiness done = carry_out(mends_[at_]);
    if (done.need)
      return c_.pages->wait(*done.need, [this](error_code ec) {
        ++progress_;
        if (ec) {
          c_.set_latch("a page that a repair needs cannot be read");  // M2
          return answer(ec);
        }
        mend_next();
      });
    out_.changes.push_back(std::move(mends_[at_].told));
  }
  state_ = state::to_check;
  ++progress_;
}

readiness repairer::carry_out(const mend& m) {
  for (const mend::cell& x : m.cells)
    if (auto need = c_.tree(x.tree).prepare(x.at)) return readiness::wait(std::move(*need));
  c_.hold_trees(true);
  for (const mend::cell& x : m.cells) {
    if (x.value)
      c_.tree(x.tree).put(x.at, *x.value);
    else
      static_cast<void>(c_.tree(x.tree).erase(x.at));
  }
  c_.hold_trees(false);
  carry_out_beside(m);
  ++progress_;
  return readiness::yes();
}

void repairer::carry_out_beside(const mend& m) {
  if (const auto* const total = std::get_if<mend::object_total>(&m.beside)) c_.super.object_count = total->objects;
  if (const auto* const use = std::get_if<mend::account_use>(&m.beside)) {
    collection_account& a = c_.collections.of(use->collection);
    a.used_blocks = use->blocks;
    a.changed = true;
  }
  if (const auto* const live = std::get_if<mend::zone_live>(&m.beside)) {
    zone_state& z = c_.zones[live->zone];
    if (live->blocks > z.live_blocks)
      c_.zones.add_live(z, live->blocks - z.live_blocks);
    else
      c_.zones.drop_live(z, z.live_blocks - live->blocks);
    c_.zones.entry_changed(z);
  }
  for (const mend::cell& x : m.cells) {  // what somebody has open
    const auto id = x.tree == format::page_kind::object ? format::parse_object_key(x.at) : std::nullopt;
    object_state* const o = id ? c_.table->find(*id) : nullptr;
    if (const auto v = o != nullptr && x.value ? format::decode_object(*x.value) : std::nullopt; v && o->loaded)
      o->value = *v;
  }
}

void repairer::save() {
  state_ = state::saving;
  ++progress_;
  c_.checkpoint->request(false, [this](error_code ec) {
    ++progress_;
    if (ec) return answer(ec);
    look_at_copies();
  });
}

void repairer::look_at_copies() {
  state_ = state::copies;
  ++progress_;
  if (c_.ring->copies_found_lost() > 0)
    out_.changes.push_back(
        {"a copy of the superblock is not there, or not whole", {}, {}, "written from the other one"});
  position_ = {scrub_position::part::pages, 0, 0};
  scrub_.start({position_, ~std::uint64_t{0}, false}, [this](scrub_result r) { copies_done(std::move(r)); });
}

void repairer::copies_done(scrub_result r) {
  ++progress_;
  const bool hopeless = c_.super.page_copies == 1 || (writes_ && r.pages_mended == 0);
  for (check_finding& f : r.findings) {
    if (!hopeless && f.detail.bytes) {  // else it is of a page without a good copy
      out_.changes.push_back({std::move(f.what), std::move(f.detail), {}, "written from the other one"});
      continue;
    }
    f.left_because = "no copy of it is left to write it from";
    ++out_.left.damage;
    out_.left.findings.push_back(std::move(f));
  }
  if (r.next.at == scrub_position::part::end) return answer(c_.latch);
  position_ = r.next;
  scrub_.start({position_, ~std::uint64_t{0}, false}, [this](scrub_result next) { copies_done(std::move(next)); });
}

void repairer::answer(error_code ec) {
  state_ = state::idle;
  mends_.clear();
  ++progress_;
  c_.answer(id_, ec, std::move(out_));
}

}  // namespace furrow::core
