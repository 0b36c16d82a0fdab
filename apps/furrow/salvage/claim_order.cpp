#include "claim_order.hpp"

#include <algorithm>
#include <tuple>

namespace furrow::cli {

namespace {

/// So many are compared with one another.
constexpr std::size_t compared_max = 8;
/// Claims of one object that are looked at, each once for each stretch that it covers. A sound store has one stretch where it
/// has very many claims: a block that is written over all the time.
constexpr std::uint64_t looked_at_max = 1 << 26;

bool same_place(const block_claim& a, const block_claim& b) { return a.zone == b.zone && a.block == b.block; }

/// Those of one stretch of blocks that no other one is behind: none if they contradict each other.
std::vector<block_claim> last_of(std::vector<block_claim> claims) {
  std::sort(claims.begin(), claims.end(), [](const block_claim& a, const block_claim& b) {
    return std::tuple{a.zone, a.hint, a.block} < std::tuple{b.zone, b.hint, b.block};
  });
  std::uint64_t sequence = 0, epoch = 0;
  for (const block_claim& c : claims) {
    sequence = std::max(sequence, c.sequence.first);
    epoch = std::max(epoch, c.epoch.first);
  }
  std::vector<block_claim> left;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const block_claim& c = claims[i];
    const bool passed = i + 1 < claims.size() && claims[i + 1].zone == c.zone && !c.hint && !claims[i + 1].hint;
    if (passed || c.sequence.last < sequence || c.epoch.last < epoch) continue;
    const bool known = std::any_of(left.begin(), left.end(), [&](const block_claim& l) { return same_place(l, c); });
    if (!known) left.push_back(c);
    if (left.size() > compared_max) break;
  }
  return left;
}

/// `all` cover one stretch of blocks, each the whole of it.
claimed_extent decide(const std::vector<block_claim>& all, const same_bytes& same) {
  const std::vector<block_claim> left = last_of(all);
  if (left.empty()) return {all.front(), claim_answer::several};
  const block_claim& first = left.front();
  if (std::any_of(left.begin(), left.end(), [](const block_claim& c) { return c.disputed; }))
    return {first, claim_answer::disputed};
  const bool one = left.size() <= compared_max &&
                   std::all_of(left.begin() + 1, left.end(), [&](const block_claim& c) { return same(first, c); });
  return {first, one ? claim_answer::one : claim_answer::several};
}

}  // namespace

block_claim block_claim::part(std::uint64_t first, std::uint64_t end) const {
  block_claim to = *this;
  to.object_block = first;
  to.blocks = static_cast<std::uint32_t>(end - first);
  to.block = block + static_cast<std::uint32_t>(first - object_block);
  return to;
}

std::vector<claimed_extent> newest_of(std::vector<block_claim> claims, const same_bytes& same) {
  std::sort(claims.begin(), claims.end(),
            [](const block_claim& a, const block_claim& b) { return a.object_block < b.object_block; });
  std::vector<claimed_extent> to;
  std::vector<block_claim> open;
  std::uint64_t at = 0, looked_at = 0;
  for (std::size_t next = 0; next < claims.size() || !open.empty();) {
    if (open.empty()) at = claims[next].object_block;
    for (; next < claims.size() && claims[next].object_block == at; ++next) open.push_back(claims[next]);
    std::uint64_t end = next < claims.size() ? claims[next].object_block : ~std::uint64_t{0};
    for (const block_claim& c : open) end = std::min(end, c.end());
    looked_at += open.size();
    if (looked_at <= looked_at_max) {
      std::vector<block_claim> here;
      here.reserve(open.size());
      for (const block_claim& c : open) here.push_back(c.part(at, end));
      to.push_back(decide(here, same));
    } else {
      to.push_back({open.front().part(at, end), claim_answer::several});
    }
    std::erase_if(open, [&](const block_claim& c) { return c.end() <= end; });
    at = end;
  }
  return to;
}

}  // namespace furrow::cli
