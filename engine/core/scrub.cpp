#include "core/scrub.hpp"

#include <algorithm>

#include "core/apply.hpp"
#include "core/checkpoint.hpp"
#include "core/evacuation.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"

namespace furrow::core {

namespace {

constexpr std::uint32_t in_flight_max = 8;
constexpr std::uint32_t window_blocks_max = 64;
constexpr std::uint32_t tries_max = 4;
constexpr const char* lost_text = "lost: the device has taken its zone offline";

}  // namespace

void scrubber::accept(operation_id id, const scrub_request& r) {
  waiting_.push_back({id, r});
  ++progress_;
}

void scrubber::start(const scrub_request& r, std::function<void(scrub_result)> call) {
  waiting_.push_back({{}, r, std::move(call)});
  ++progress_;
}

bool scrubber::cancel(operation_id id, error_code reason) {
  if (running_ && id_ == id) {
    left_bytes_ = 0;
    ++progress_;
    return true;
  }
  const auto it = std::find_if(waiting_.begin(), waiting_.end(), [id](const request& w) { return w.id == id; });
  if (it == waiting_.end()) return false;
  waiting_.erase(it);
  c_.answer(id, reason);
  return true;
}

void scrubber::step() {
  if (!running_ && !waiting_.empty()) begin();
  if (running_) advance();
}

void scrubber::begin() {
  running_ = true;
  id_ = waiting_.front().id;
  call_ = std::move(waiting_.front().call);
  at_ = waiting_.front().what.from;
  left_bytes_ = std::max<std::uint64_t>(waiting_.front().what.bytes_max, block_bytes);
  lost_only_ = waiting_.front().what.lost_only;
  waiting_.pop_front();
  out_ = {};
  mended_ = 0;
  copies_.clear();
  collected_ = false;
  if (at_ == scrub_position{}) looked_at_.clear();
  ++progress_;
}

void scrubber::advance() {
  if (settling_) return;
  if (c_.closing && !call_) left_bytes_ = 0;
  while (!lacks_page_ && in_flight_ < in_flight_max) {
    if (!again_.empty()) {
      const run r = again_.back();
      again_.pop_back();
      verify(r);
    } else if (left_bytes_ == 0 || at_.at == scrub_position::part::end) {
      break;
    } else if (at_.at == scrub_position::part::data) {
      take_extent();
    } else {
      take_page();
    }
  }
  if (!lacks_page_ && in_flight_ == 0 && again_.empty()) end();
}

void scrubber::end() {
  const bool may_write = !c_.read_only && !c_.latch;
  if (mended_ == 0 || !may_write) return answer({});
  settling_ = true;
  c_.checkpoint->request(false, [this](error_code ec) {
    settling_ = false;
    answer(ec);
  });
  ++progress_;
}

void scrubber::answer(error_code ec) {
  running_ = false;
  ++progress_;
  out_.next = at_;
  out_.pages_mended = ec ? 0 : mended_;
  if (call_) return std::exchange(call_, nullptr)(std::move(out_));
  c_.answer(id_, {}, std::move(out_));
}

void scrubber::wait(const page_need& need) {
  lacks_page_ = true;
  c_.pages->wait(need, [this](error_code ec) {
    lacks_page_ = false;
    ++progress_;
    if (!ec) return;
    found("a metadata page cannot be read in any copy; what it held is unknown", {});
    at_ = {scrub_position::part::pages, 0, 0};  // the other pages, at least
  });
}

void scrubber::found(std::string what, const error_detail& detail) {
  if (check_finding* const last = out_.findings.empty() ? nullptr : &out_.findings.back();
      last != nullptr && last->what == what && last->detail.object == detail.object &&
      last->detail.zone == detail.zone && detail.object && last->detail.bytes && detail.bytes &&
      *last->detail.offset_bytes + *last->detail.bytes == *detail.offset_bytes) {
    *last->detail.bytes += *detail.bytes;
    return;
  }
  out_.findings.push_back({std::move(what), detail});
  if (out_.findings.size() >= findings_max) left_bytes_ = 0;
}

// -- data --

/// The extent that at_ lies in, or else the next one, to which at_ is moved. `first`: where it begins.
readiness scrubber::find_extent(std::optional<format::extent_value>& x, std::uint64_t& first) {
  tree_lookup l = c_.objects->find_to(format::extent_key(at_.object, at_.block));
  if (!l.ready()) return readiness::wait(l.page());
  auto parts = l.has_cell() ? format::parse_extent_key(l.cell().key) : std::nullopt;
  if (parts && parts->object == at_.object) {
    first = parts->block;
    x = format::decode_extent(l.cell().value);
    if (x && first + x->blocks > at_.block) return readiness::yes();
    x.reset();
  }
  format::key from{format::extent_key(at_.object, at_.block)};
  const format::key behind{format::orphan_key(0)};  // of all that objects have
  for (;;) {
    l = c_.objects->find_from(from);
    if (!l.ready()) return readiness::wait(l.page());
    if (!l.has_cell() || l.cell().key >= format::key_view{behind}) break;
    parts = format::parse_extent_key(l.cell().key);
    if (parts) {
      at_.object = parts->object;
      at_.block = first = parts->block;
      x = format::decode_extent(l.cell().value);
      return x ? readiness::yes() : readiness::no("an extent cannot be read");
    }
    from = format::key{l.cell().key} + '\0';
  }
  at_ = {scrub_position::part::pages, 0, 0};
  return readiness::yes();
}

void scrubber::take_extent() {
  std::optional<format::extent_value> x;
  std::uint64_t first = 0;
  readiness done = find_extent(x, first);
  if (done.need) return wait(*done.need);
  const std::uint64_t object = at_.object, begin = at_.block;
  if (done.ready() && x && (x->address.device() != 0 || c_.shape.zone_of(x->address).value >= c_.zones.count()))
    done = readiness::no("an extent lies outside the device");
  if (done.fault != nullptr) {
    found(done.fault, {.object = object, .offset_bytes = begin * block_bytes});
    ++at_.block;
    return;
  }
  if (!x) return;
  const zoned::zone_index zone = c_.shape.zone_of(x->address);
  const std::uint64_t most =
      is_offline(zone) ? x->blocks : std::clamp<std::uint64_t>(left_bytes_ / block_bytes, 1, window_blocks_max);
  const auto blocks = static_cast<std::uint32_t>(std::min(most, first + x->blocks - begin));
  at_.block += blocks;
  const bool looks_only = lost_only_ || is_offline(zone);
  left_bytes_ -= std::min<std::uint64_t>(left_bytes_, (looks_only ? 1 : blocks) * block_bytes);
  if (x->kind != format::extent_kind::data || (lost_only_ && !is_offline(zone))) return;
  look_at(zone);
  verify({object, begin, {x->address.advanced(begin - first), blocks}, 0});
}

/// What the device has made of a zone that nobody writes to is seen by looking only.
void scrubber::look_at(zoned::zone_index zone) {
  zone_state& z = c_.zones[zone];
  if (!looked_at_.insert(zone.value).second) return;
  if (z.life == zone_life::full || z.life == zone_life::closed) c_.reclaim->inquire(z, [this] { ++progress_; });
}

void scrubber::verify(run r) {
  ++in_flight_;
  ++progress_;
  const zoned::zone_index zone = c_.shape.zone_of(r.where.address);
  if (is_offline(zone)) {
    --in_flight_;
    return verified(r, zoned::errc::zone_offline);
  }
  reader_.verify_blocks(r.where, [this, r](error_code ec) {
    --in_flight_;
    ++progress_;
    verified(r, ec);
  });
}

void scrubber::verified(const run& r, error_code ec) {
  if (!ec) {
    out_.bytes_read += r.where.blocks * block_bytes;
    out_.blocks_verified += r.where.blocks;
    return;
  }
  if (r.where.blocks == 1 || ec == zoned::errc::zone_offline) return confirm(r, ec);
  const std::uint32_t half = r.where.blocks / 2;  // S1
  again_.push_back({r.object, r.block + half, {r.where.address.advanced(half), r.where.blocks - half}, r.tries});
  again_.push_back({r.object, r.block, {r.where.address, half}, r.tries});
}

/// What the object still has of the blocks, and where: the first part of it.
readiness scrubber::still_named(const run& r, std::optional<extent_slice>& now) {
  const tree_lookup l = c_.objects->find(format::orphan_key(r.object));
  if (!l.ready()) return readiness::wait(l.page());
  if (l.has_cell()) {
    const auto doomed = format::decode_doomed(l.cell().value);
    if (!doomed || (doomed->first_block <= r.block && r.block < doomed->end_block)) return readiness::yes();
  }
  std::vector<extent_slice> slices;
  if (auto done = c_.apply->extents().slices(r.object, r.block, r.block + r.where.blocks, 1, slices); !done.ready())
    return done;
  if (!slices.empty()) now = slices.front();
  return readiness::yes();
}

void scrubber::confirm(const run& r, error_code ec) {
  std::optional<extent_slice> now;
  const readiness done = still_named(r, now);
  if (done.need) {
    ++in_flight_;
    return c_.pages->wait(*done.need, [this, r, ec](error_code failed) {
      --in_flight_;
      ++progress_;
      if (!failed) confirm(r, ec);
    });
  }
  if (!now) return;
  const auto rest_from = [this, &r](std::uint64_t block) {
    const auto skipped = static_cast<std::uint32_t>(block - r.block);
    if (skipped < r.where.blocks)
      again_.push_back({r.object, block, {r.where.address.advanced(skipped), r.where.blocks - skipped}, r.tries});
  };
  if (now->object_block > r.block) return rest_from(now->object_block);
  rest_from(r.block + now->where.blocks);
  const bool moved = now->where.address != r.where.address;
  const bool lost = ec == zoned::errc::zone_offline;
  if (r.tries < tries_max && (moved || (!lost && r.tries == 0)))
    return again_.push_back({r.object, r.block, now->where, r.tries + 1});
  if (moved) return;
  found(lost ? lost_text : "a block is not what was written: " + ec.message(),
        {.object = r.object,
         .offset_bytes = r.block * block_bytes,
         .bytes = now->where.blocks * block_bytes,
         .zone = c_.shape.zone_of(r.where.address)});
}

// -- pages --

/// As many as may be read in this part, and one.
void scrubber::collect_copies() {
  collected_ = true;
  const auto collect = [this](const page_need& p) {
    for (const zoned::device_address a : p.ref.copies)
      if (a != format::page_ref::no_copy && a.raw() >= at_.block) copies_.push_back({a, p});
  };
  c_.objects->for_each_ref(collect);
  c_.zone_pages->for_each_ref(collect);
  const auto before = [](const copy& a, const copy& b) { return a.at < b.at; };
  const std::uint64_t most = left_bytes_ / block_bytes + 1;
  if (copies_.size() > most) {
    std::nth_element(copies_.begin(), copies_.begin() + static_cast<std::ptrdiff_t>(most), copies_.end(), before);
    copies_.resize(most);
  }
  std::sort(copies_.begin(), copies_.end(), [&before](const copy& a, const copy& b) { return before(b, a); });
}

void scrubber::take_page() {
  if (!collected_ && !lost_only_) collect_copies();
  if (copies_.empty()) {
    at_ = {scrub_position::part::end, 0, 0};
    return;
  }
  const copy next = std::move(copies_.back());
  copies_.pop_back();
  at_.block = next.at.raw() + 1;
  if (!c_.tree(next.page.kind).names(next.page)) return;  // written anew meanwhile
  left_bytes_ -= std::min<std::uint64_t>(left_bytes_, block_bytes);
  const zoned::zone_index zone = c_.shape.zone_of(next.at);
  look_at(zone);
  if (is_offline(zone)) return judge(next, false);
  ++in_flight_;
  ++progress_;
  ++c_.zones[zone].readers;  // S2
  page_read& r = reads_[next_tag_];
  r.what = next;
  r.bytes = c_.buffers.take(block_bytes);
  ++c_.stats.page_reads;
  c_.io.submit({.op = zoned::opcode::read,
                .zone = zone,
                .offset_bytes = c_.shape.block_in_zone(next.at) * block_bytes,
                .segments = {{r.bytes.data(), block_bytes}}},
               *this, next_tag_++);
}

void scrubber::io_done(std::uint64_t tag, const zoned::completion& c) {
  page_read r = std::move(reads_.extract(tag).mapped());
  zone_state& z = c_.zones.of(r.what.at);
  --z.readers;
  ++progress_;
  const bool good = !c.error && c.bytes == block_bytes &&
                    c_.tree(r.what.page.kind).is_page(r.what.page, r.bytes.part(0, block_bytes));
  c_.buffers.give(std::move(r.bytes));
  out_.bytes_read += block_bytes;
  if (!c.error) {
    --in_flight_;
    return judge(r.what, good);
  }
  c_.reclaim->inquire(z, [this, what = r.what] {  // why is to be known first
    --in_flight_;
    ++progress_;
    judge(what, false);
  });
}

void scrubber::judge(const copy& what, bool good) {
  if (good) {
    ++out_.pages_verified;
    return;
  }
  if (!c_.tree(what.page.kind).names(what.page)) return;
  const zoned::zone_index zone = c_.shape.zone_of(what.at);
  const std::string block = std::to_string(c_.shape.block_in_zone(what.at));
  found(is_offline(zone) ? "a copy of a metadata page is lost: the device has taken its zone offline"
                         : "a copy of a metadata page, block " + block + " of the zone, is not what was written",
        {.bytes = block_bytes, .zone = zone});
  if (c_.read_only || c_.latch) return;
  ++in_flight_;
  c_.evacuate->mend(what.page, [this, zone](error_code ec) {  // S4
    --in_flight_;
    ++progress_;
    if (!ec)
      ++mended_;
    else
      found("a metadata page cannot be read in any copy; what it held is unknown", {.zone = zone});
  });
}

}  // namespace furrow::core
