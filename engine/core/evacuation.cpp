#include "core/evacuation.hpp"

#include <algorithm>

#include "core/checkpoint.hpp"
#include "core/cleaner.hpp"
#include "core/data_writer.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"

namespace furrow::core {

namespace {

constexpr std::uint64_t never = ~std::uint64_t{0};
constexpr std::uint64_t changes_until_again = 16;
constexpr std::uint32_t mending_max = 64;

bool is_needed(const zone_state& z) { return z.role != format::zone_role::free || z.life != zone_life::bad; }

}  // namespace

void evacuation::turned(zone_state& z) {
  z.next_block = z.capacity_blocks;
  z.retired = true;  // E1
  c_.zones.set_life(z, zone_life::bad);
  c_.zones.entry_changed(z);
  c_.reclaim->consider(z);
  look_for_pages_ = look_for_pages_ || z.live_pages > 0;
  if (is_needed(z)) zones_.insert(z.device.index.value);
}

bool evacuation::is_left(const zone_state& z) const {
  const auto it = left_.find(z.device.index.value);
  return it != left_.end() && z.live_blocks >= it->second.live_blocks && c_.zones.changes() < it->second.until_changes;
}

void evacuation::ask_for_room(const zone_state& z) {
  if (std::exchange(asked_at_, c_.zones.changes()) == c_.zones.changes()) return;
  static_cast<void>(c_.clean->could_bring(z.live_blocks));
}

zone_state* evacuation::next() {
  if (zones_.empty() || c_.latch || c_.read_only || c_.closing) return nullptr;
  std::erase_if(zones_, [this](std::uint32_t i) { return !is_needed(c_.zones[{i}]); });
  mend_pages();
  for (const std::uint32_t i : zones_) {
    zone_state& z = c_.zones[{i}];
    const bool readable = z.device.condition != zoned::zone_condition::offline;
    if (z.life != zone_life::bad || z.role != format::zone_role::data || !readable) continue;
    if (z.live_blocks == 0 || z.holds > 0 || is_left(z)) continue;
    begun_blocks_ = z.live_blocks;
    if (z.live_blocks <= c_.data->available()) return &z;  // E2
    ask_for_room(z);
  }
  return nullptr;
}

void evacuation::ended(zone_state& z, bool passing, bool damaged) {
  const bool moved = z.live_blocks < begun_blocks_;
  if (z.live_blocks == 0)
    c_.reclaim->consider(z);
  else if (!moved || damaged)
    left_[z.device.index.value] = {z.live_blocks, passing ? c_.zones.changes() + changes_until_again : never};
}

/// So many that what changed finds room too: half of what is clean may be taken.
std::uint64_t evacuation::pages_max() const {
  const std::uint64_t kept = 2 * c_.zones.typical_blocks();  // the journal's
  const std::uint64_t clean = c_.zones.metadata_clean() * c_.zones.typical_blocks();
  const std::uint64_t changed = c_.objects->dirty_nodes() + c_.zone_pages->dirty_nodes();
  const std::uint64_t room = clean > kept ? (clean - kept) / 2 / c_.super.page_copies : 0;
  return room > changed ? room - changed : 0;
}

void evacuation::mend(const page_need& page, std::function<void(error_code)> call) {
  const auto need = c_.tree(page.kind).rewrite(page);
  if (!need) return call({});
  c_.pages->wait(*need, [this, page, call = std::move(call)](error_code ec) mutable {
    if (ec) return call(ec);
    mend(page, std::move(call));
  });
}

void evacuation::collect_pages() {
  const auto collect = [this](const page_need& p) {
    const auto turned = [this](zoned::device_address a) {
      return a != format::page_ref::no_copy && c_.zones.of(a).retired;
    };
    if (std::any_of(std::begin(p.ref.copies), std::end(p.ref.copies), turned)) pages_.push_back(p);
  };
  c_.objects->for_each_ref(collect);
  c_.zone_pages->for_each_ref(collect);
  if (pages_.size() > pages_max()) pages_.resize(pages_max());
  mended_ = 0;
}

void evacuation::mend_pages() {
  if (mending_ > 0 || !c_.checkpoint->idle()) return;
  if (pages_.empty() && std::exchange(look_for_pages_, false)) collect_pages();
  if (pages_.empty()) return;
  while (!pages_.empty() && mending_ < mending_max) {
    const page_need page = std::move(pages_.back());
    pages_.pop_back();
    ++mending_;
    mend(page, [this](error_code ec) {
      --mending_;
      if (!ec) ++mended_;
      if (mending_ > 0 || !pages_.empty() || mended_ == 0) return;
      c_.checkpoint->request(false, [this](error_code failed) { look_for_pages_ = !failed; });
    });
  }
}

}  // namespace furrow::core
