#include "core/page_reader.hpp"

#include <algorithm>
#include <utility>

#include "core/evacuation.hpp"

namespace furrow::core {

namespace {
constexpr std::uint32_t attempts_max = 3;  // of reading, when all copies fail
}

void page_reader::wait(const page_need& need, std::function<void(error_code)> again) {
  ++c_.stats.page_waits;
  const std::uint64_t key = need.ref.copies[0].raw();
  const auto [it, fresh] = loads_.try_emplace(key);
  load& l = it->second;
  l.waiters.push_back(std::move(again));
  if (!fresh) return;
  l.need = need;
  l.since = c_.turn;
  l.page = c_.buffers.take(block_bytes);
  submit(key, l);
}

void page_reader::submit(std::uint64_t key, load& l) {
  const zoned::device_address at = l.need.ref.copies[l.copy];
  const zoned::zone_index zone = c_.shape.zone_of(at);
  ++c_.stats.page_reads;
  if (zone.value < c_.zones.count()) ++c_.zones[zone].readers;
  c_.io.submit({.op = zoned::opcode::read,
                .zone = zone,
                .offset_bytes = c_.shape.block_in_zone(at) * block_bytes,
                .segments = {{l.page.data(), block_bytes}}},
               *this, key);
}

void page_reader::io_done(std::uint64_t tag, const zoned::completion& c) {
  load& l = loads_.at(tag);
  const zoned::zone_index zone = c_.shape.zone_of(l.need.ref.copies[l.copy]);
  if (zone.value < c_.zones.count()) --c_.zones[zone].readers;
  const bool good =
      !c.error && c.bytes == block_bytes && c_.tree(l.need.kind).supply(l.need, l.page.part(0, block_bytes));
  l.spoiled = l.spoiled || (!good && !c.error);
  if (!good && l.copy == 0 && l.need.ref.copies[1] != format::page_ref::no_copy) {
    l.copy = 1;
    return submit(tag, l);
  }
  if (c.error && ++l.attempts < attempts_max) {
    l.copy = 0;
    return submit(tag, l);
  }
  const error_code why = good ? error_code{} : c.error ? c.error : error_code{errc::damaged};
  if (!good)
    c_.emit(event::kind::damage,
            {.zone = zone, .what = "a metadata page cannot be read, or is not the page that was written"});
  const maybe_need to_mend = good && l.spoiled ? maybe_need{l.need} : maybe_need{};
  auto waiters = std::move(l.waiters);
  c_.buffers.give(std::move(l.page));
  loads_.erase(tag);
  for (auto& again : waiters) again(why);  // I1
  if (to_mend) mend(*to_mend);
}

/// I2
void page_reader::mend(const page_need& page) {
  if (c_.refuses_changes()) return;
  if (!counted_) return to_mend_.push_back(page);
  if (c_.tree(page.kind).is_loaded()) c_.evacuate->mend(page, [](error_code) {});
}

void page_reader::pages_are_counted() {
  counted_ = true;
  for (const page_need& page : std::exchange(to_mend_, {})) mend(page);
}

void page_reader::evict() {
  if (!c_.objects) return;
  std::uint64_t since = c_.turn;
  for (const auto& [key, l] : loads_) since = std::min(since, l.since);
  const std::size_t leaves_max = std::max<std::size_t>(c_.options.page_cache_bytes / format::page_bytes, 4);
  if (c_.objects->resident_leaves() + c_.zone_pages->resident_leaves() <= leaves_max) return;
  const std::size_t zone_share = std::min(c_.zone_pages->resident_leaves(), leaves_max / 2);
  c_.objects->evict(leaves_max - zone_share, since);
  const std::size_t left = c_.objects->resident_leaves();
  c_.zone_pages->evict(left < leaves_max ? leaves_max - left : 1, since);
}

}  // namespace furrow::core
