// Of direct_writer.hpp: what a change may add to its collection, and whether that is within the quota.
#include <algorithm>

#include "core/apply.hpp"
#include "core/direct_writer.hpp"
#include "core/page_reader.hpp"

namespace furrow::core {

namespace {
constexpr std::size_t extents_a_time = 256;
constexpr std::uint64_t edge_blocks = 3;
constexpr std::uint64_t nowhere = format::object_blocks_max;
}  // namespace

/// Once for all attempts of the request. Where all of its blocks fit, nothing is looked up; a clone's are not known but by
/// looking.
bool direct_writer::take_claim(direct_io& io, const direct_plan& p) {
  object_state& o = *io.object;
  collection_account& a = *o.account;
  if (io.weighed || !a.limited()) {
    io.weighed = true;
    return true;
  }
  const end_shape now{o.reserved.bytes};
  const bool is_write = io.what == direct_io::kind::write;
  std::uint64_t blocks = (is_write ? plan_write(now, io.position, io.end_byte) : p).blocks();
  const bool any_fits = collection_table::fits(a, collection_table::beyond_promise(o, blocks));
  if ((io.what == direct_io::kind::clone || a.tight || !any_fits) && !weigh(io, p, blocks)) return false;
  switch (collection_table::ask(a, collection_table::beyond_promise(o, blocks))) {
    case claim_answer::fits:
      break;
    case claim_answer::later:
      wait_for_room(io);
      return false;
    case claim_answer::exceeded:
      io.error = errc::quota_exceeded;
      io.detail = collection_table::detail_of(a, o.id, blocks);
      io.detail.offset_bytes = io.position;
      end(io);
      return false;
  }
  collection_table::claim(o, blocks);
  io.claim_blocks = blocks;
  io.weighed = true;
  set_loose(io, true);
  return true;
}

/// What it adds: all that came before it is published, and what it touches is held, so that this stays so.
bool direct_writer::weigh(direct_io& io, const direct_plan& p, std::uint64_t& blocks) {
  if (!drain(io)) return false;
  std::uint64_t first = p.first_block, end = p.end_block;
  switch (io.what) {
    case direct_io::kind::write:
      end = first + blocks;
      break;
    case direct_io::kind::zero:
    case direct_io::kind::truncate:
      first = std::min(
          {p.head.value_or(nowhere), p.last.value_or(nowhere), p.hole_first < p.hole_end ? p.hole_first : nowhere});
      end = std::max({p.head ? *p.head + 1 : 0, p.last ? *p.last + 1 : 0, p.hole_first < p.hole_end ? p.hole_end : 0});
      break;
    case direct_io::kind::clone: {
      const std::uint64_t cloned = (io.end_byte - io.first_byte) / block_bytes;
      first = io.first_byte / block_bytes;
      end = first + cloned;
      const std::uint64_t from = io.source_byte / block_bytes;
      if (!count_named(io, *io.source, io.shared, from, from + cloned)) return false;
      blocks += io.shared.blocks;
      break;
    }
  }
  if (!count_named(io, *io.object, io.replaced, first, end)) return false;
  blocks -= std::min(blocks, io.replaced.blocks);
  return true;
}

bool direct_writer::count_named(direct_io& io, const object_state& o, direct_io::tally& t, std::uint64_t first,
                                std::uint64_t end) {
  t.at = std::max(t.at, first);
  while (t.at < end) {
    const readiness done = c_.apply->extents().slices(o.id, t.at, end, extents_a_time, written_over_);
    if (done.need) {
      io.now = direct_io::state::reading;
      c_.pages->wait(*done.need, [this, &io](error_code ec) {
        if (ec && !io.error) io.error = ec;
        later([this, &io] { advance(io); });
      });
      return false;
    }
    if (done.fault != nullptr) return true;  // found when it is published
    for (const extent_slice& s : written_over_) t.blocks += s.where.blocks;
    t.at = written_over_.size() < extents_a_time
               ? end
               : written_over_.back().object_block + written_over_.back().where.blocks;
  }
  return true;
}

std::uint64_t direct_writer::claim_in_flight(object_state& o, bool claims) {
  std::uint64_t all = 0;
  for (direct_io& io : live_) {
    if (io.object != &o || !io.weighed || io.claim_blocks > 0) continue;
    const std::uint64_t blocks = (io.end_byte - io.first_byte) / block_bytes + edge_blocks;
    all += blocks;
    if (!claims) continue;
    collection_table::claim_beside_promise(o, blocks);
    io.claim_blocks = blocks;
    set_loose(io, io.now != direct_io::state::fetching);
  }
  return all;
}

void direct_writer::set_loose(direct_io& io, bool on) {
  if (io.loose_in != nullptr) --std::exchange(io.loose_in, nullptr)->loose;
  if (!on || io.claim_blocks == 0) return;
  io.loose_in = io.object->account;
  ++io.loose_in->loose;
}

/// What was claimed and not added is claimed no more, but for what is still promised.
void direct_writer::end_claim(direct_io& io) {
  set_loose(io, false);
  object_state& o = *io.object;
  const std::uint64_t left = std::exchange(io.claim_blocks, 0);
  const std::uint64_t lacking = o.promised_blocks - std::min(o.promised_blocks, o.promise_claim_blocks);
  const std::uint64_t kept = o.handles > 0 ? std::min(left, lacking) : 0;
  o.promise_claim_blocks += kept;
  collection_table::unclaim(o, left - kept);
}

}  // namespace furrow::core
