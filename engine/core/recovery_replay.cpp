// Of recovery.hpp: the journal's records, in their order, many at a time where they can be (replay_batch).
#include <algorithm>

#include "core/apply.hpp"
#include "core/journal.hpp"
#include "core/page_reader.hpp"
#include "core/recovery.hpp"

namespace furrow::core {

/// The next groups of the chain that lie behind one another.
void recovery::replay() {
  const std::vector<journal_scan::entry>& chain = scan_.chain();
  if (group_ == chain.size()) {
    if (!batch_.empty()) return drain(&recovery::replay);
    count_groups(chain.size());
    tell_lost();
    return reconcile();
  }
  constexpr std::uint64_t replacement_bytes_min = 100;
  if (group_ == 0)
    for (const journal_scan::entry& e : chain) record_bytes_left_ += e.record_bytes;
  batch_.expect(record_bytes_left_ / replacement_bytes_min);
  const journal_scan::entry& first = chain[group_];
  std::uint64_t blocks = first.blocks;
  for (group_end_ = group_ + 1; group_end_ < chain.size(); ++group_end_) {
    const journal_scan::entry& e = chain[group_end_];
    if (e.zone != first.zone || e.block != first.block + blocks) break;
    if ((blocks + e.blocks) * block_bytes > replay_chunk_bytes) break;
    blocks += e.blocks;
  }
  blocks_.read(first.zone, first.block, blocks, [this](error_code ec, std::span<const std::byte> bytes) {
    if (ec) {
      journal_error_ = ec;
      return unreadable();
    }
    bytes_ = bytes;
    at_ = 0;
    replay_group();
  });
}

void recovery::replay_group() {
  if (group_ == group_end_) return replay();
  const journal_scan::entry& e = scan_.chain()[group_];
  const auto bytes = bytes_.subspan(at_, e.blocks * block_bytes);
  at_ += bytes.size();
  record_bytes_left_ -= e.record_bytes;
  ++group_;
  const auto h = format::peek_group(bytes, c_.super.store);
  if (!h || h->checksum != e.checksum || h->bytes != bytes.size() || !format::verify_group(bytes))
    return contradiction("a group of the journal is not what it was a moment ago", group_ - 1);
  format::reader from{bytes.subspan(format::group_header_bytes, h->record_bytes)};
  record_ = record_end_ = 0;
  ahead_ = {};
  while (from.left() > 0) {
    if (record_end_ == records_.size()) records_.emplace_back();
    const auto known = format::decode_record_into(from, records_[record_end_]);
    if (!known) return contradiction(std::string{"a record of the journal is wrong: "} + known.error().why, group_ - 1);
    if (*known) ++record_end_;
  }
  ++groups_read_;
  replay_records();
}

/// So many of the chain count as replayed: those up to the last record that was, whatever was gathered behind it.
void recovery::count_groups(std::size_t groups) {
  out_.groups = groups;
  for (const journal_scan::entry& e : std::span{scan_.chain()}.first(groups))
    c_.log->add_live_bytes(e.blocks * block_bytes);
}

void recovery::replay_records() {
  while (record_ < record_end_) {
    if (!batch_.thrives()) fetch_ahead();
    format::record& r = records_[record_];
    if (r.sequence > c_.super.sequence && !batch_.add(std::move(r), group_ - 1)) {
      if (!batch_.empty()) {
        if (!drained(&recovery::replay_records)) return;
        continue;  // once more, to an empty one
      }
      if (!replay_one(r.sequence, r.body, group_ - 1)) return;
    }
    ++record_;
  }
  if (c_.apply->kept_values() > replay_values_max) {
    if (!batch_.empty() && !drained(&recovery::replay_records)) return;
    c_.apply->settle_values();
    c_.apply->keep_values();
  }
  replay_group();
}

/// False: it goes on when a page was read, or nothing more is replayed.
bool recovery::replay_one(std::uint64_t sequence, const format::record_body& body, std::size_t group) {
  const readiness done = c_.apply->prepare(body);
  if (done.need) {
    load_ahead(*done.need);
    return false;
  }
  if (done.fault != nullptr || sequence < c_.sequence) {
    const char* const why = done.fault != nullptr ? done.fault : "sequences go back";
    contradiction(std::string{"the journal contradicts itself: "} + why, group);
    return false;
  }
  c_.hold_trees(true);
  c_.apply->apply(sequence, body);
  c_.hold_trees(false);
  c_.sequence = sequence;
  ++out_.records;
  return true;
}

/// Applies what was gathered. False: it goes on with `then` when pages were read, or nothing more is replayed.
bool recovery::drained(void (recovery::*then)()) {
  after_drain_ = then;
  if (!drain_more()) return false;
  after_drain_ = nullptr;
  return true;
}

void recovery::drain(void (recovery::*then)()) {
  if (drained(then)) (this->*then)();
}

void recovery::go_on_draining() {
  if (drain_more()) (this->*std::exchange(after_drain_, nullptr))();
}

bool recovery::drain_more() {
  if (!batch_.is_done()) {
    std::vector<page_need> needs;
    if (!batch_.apply(needs)) {
      load(needs, [this](error_code ec) {
        if (ec) {
          batch_.give_up();
          out_.records += batch_.applied();
        }
        go_on_draining();
      });
      return false;
    }
    out_.records += batch_.applied();
  }
  while (const auto left = batch_.front()) {
    if (!replay_one(left->record->sequence, left->record->body, left->group)) return false;
    batch_.pop();
  }
  return true;
}

/// What a record some way behind looks at comes from memory meanwhile: its leaf first, then that leaf's cells.
void recovery::fetch_ahead() {
  const std::size_t behind = record_ + ahead_.size() - 1;
  if (behind < record_end_) {
    const auto* const r = std::get_if<format::publish_record>(&records_[behind].body);
    page_tree::leaf_hint& hint = ahead_[behind % ahead_.size()];
    hint = r == nullptr || r->extents.empty()
               ? page_tree::leaf_hint{}
               : c_.objects->fetch_leaf(format::extent_key(r->object, r->extents.front().object_block), {});
  }
  c_.objects->fetch_cells(ahead_[(record_ + ahead_.size() / 2) % ahead_.size()]);
}

/// Reads a page, and with it those that records behind will ask for: one after the other each would be waited for.
void recovery::load_ahead(const page_need& first) {
  std::vector<page_need> needs{first};
  const auto add = [&needs](maybe_need n) {
    const auto same = [&n](const page_need& other) { return other.ref == n->ref; };
    if (n && std::find_if(needs.rbegin(), needs.rend(), same) == needs.rend()) needs.push_back(std::move(*n));
  };
  for (std::size_t i = record_; i < record_end_ && needs.size() < replay_loads_max; ++i) {
    const auto* const r = std::get_if<format::publish_record>(&records_[i].body);
    if (r == nullptr || r->extents.empty()) continue;
    add(c_.objects->prepare(format::object_key(r->object)));
    add(c_.objects->prepare(format::extent_key(r->object, r->extents.front().object_block)));
  }
  load(needs, [this](error_code ec) {
    if (ec) return fail(ec, "a page that the journal changes cannot be read in any copy");
    after_drain_ != nullptr ? go_on_draining() : replay_records();
  });
}

/// Reads pages, and calls with the error of the first one.
void recovery::load(const std::vector<page_need>& needs, std::function<void(error_code)> call) {
  pages_left_ = needs.size();
  loaded_ = std::move(call);
  load_error_ = {};
  for (std::size_t i = 0; i < needs.size(); ++i)
    c_.pages->wait(needs[i], [this, needed = i == 0](error_code ec) {
      if (ec && needed) load_error_ = ec;  // of another it is told when a record asks for it
      if (--pages_left_ == 0) std::exchange(loaded_, nullptr)(load_error_);
    });
}

/// What was replayed stands; the rest is not replayed.
void recovery::contradiction(std::string what, std::size_t group) {
  if (after_drain_ == nullptr && !batch_.empty()) {
    contradicts_ = {std::move(what), group};
    return drain(&recovery::contradicted);
  }
  count_groups(std::min(groups_read_, group + 1));
  damage(std::move(what), scan_.chain()[group].zone);
  reconcile();
}

/// What is wrong with records in front of it comes first.
void recovery::unreadable() {
  if (!batch_.empty()) return drain(&recovery::unreadable);
  fail(journal_error_, "the journal cannot be read", scan_.chain()[group_].zone);
}

void recovery::contradicted() { contradiction(std::move(contradicts_.what), contradicts_.group); }

}  // namespace furrow::core
