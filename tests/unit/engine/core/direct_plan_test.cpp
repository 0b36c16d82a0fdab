// What changes in the middle of an object come to, for every place of their ends and of the object's, against bytes.
#include "core/direct_plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace furrow;
using namespace furrow::core;

namespace {

// The model has few bytes to a block; each stands for all between two of these offsets.
constexpr std::array<std::uint64_t, 4> offsets = {0, 1, 2047, block_bytes - 1};
constexpr std::uint64_t points_per_block = offsets.size();
constexpr std::uint64_t blocks_max = 4;
constexpr std::uint64_t points = blocks_max * points_per_block;

std::uint64_t to_bytes(std::uint64_t point) {
  return point / points_per_block * block_bytes + offsets[point % points_per_block];
}
std::uint64_t to_point(std::uint64_t bytes) {
  const auto at = std::find(offsets.begin(), offsets.end(), bytes % block_bytes);
  REQUIRE(at != offsets.end());
  return bytes / block_bytes * points_per_block + static_cast<std::uint64_t>(at - offsets.begin());
}

constexpr int zero = 0, changed = 1, unknown = -1;
int old_byte(std::uint64_t point) { return 100 + static_cast<int>(point); }

/// What is on the device and in memory.
struct stored {
  std::map<std::uint64_t, std::vector<int>> blocks;
  std::vector<int> tail;
  std::uint64_t end = 0;

  explicit stored(std::uint64_t points_of_it) : end{points_of_it} {
    for (std::uint64_t p = 0; p < end; ++p) {
      if (p < tail_begin())
        blocks[p / points_per_block].push_back(old_byte(p));
      else
        tail.push_back(old_byte(p));
    }
  }
  [[nodiscard]] std::uint64_t tail_begin() const { return end / points_per_block * points_per_block; }
  [[nodiscard]] std::vector<int> bytes() const {
    std::vector<int> to;
    for (std::uint64_t p = 0; p < end; ++p) {
      const auto b = blocks.find(p / points_per_block);
      if (p >= tail_begin())
        to.push_back(p - tail_begin() < tail.size() ? tail[p - tail_begin()] : unknown);
      else
        to.push_back(b == blocks.end() ? zero : b->second[p % points_per_block]);
    }
    return to;
  }
};

/// Does what a plan says, with what it says that is to be read, and nothing else.
class executor {
 public:
  executor(const stored& before, const direct_plan& plan, std::uint64_t first, std::uint64_t end, int fill)
      : before_{before}, plan_{plan}, first_{first}, end_{end}, fill_{fill} {}

  stored run() {
    stored to = before_;
    for (const auto& read : {plan_.head, plan_.last, plan_.cut})
      if (read) REQUIRE(*read * points_per_block < before_.tail_begin());  // D3
    for (std::uint64_t b = plan_.hole_first; b < plan_.hole_end; ++b) to.blocks.erase(b);
    to.end = to_point(plan_.end.bytes);
    std::set<std::uint64_t> written;
    if (plan_.first_block < plan_.end_block) {
      for (std::uint64_t b = plan_.first_block; b < plan_.end_block; ++b) written.insert(b);
    } else {
      for (const auto& b : {plan_.head, plan_.last})
        if (b) written.insert(*b);
    }
    if (plan_.kept_tail) REQUIRE(written.insert(before_.tail_begin() / points_per_block).second);
    REQUIRE(written.size() == plan_.blocks());
    for (const std::uint64_t b : written) {
      REQUIRE((b + 1) * points_per_block <= to.tail_begin());  // D1
      REQUIRE((b < plan_.hole_first || b >= plan_.hole_end));  // D1
      to.blocks[b] = block(b);
    }
    if (!plan_.sets_end) {
      REQUIRE(to.end == before_.end);
      return to;
    }
    to.tail.clear();
    for (std::uint64_t p = to.tail_begin(); p < to.end; ++p) to.tail.push_back(byte(p, true));
    return to;
  }

 private:
  [[nodiscard]] std::vector<int> block(std::uint64_t b) const {
    std::vector<int> to;
    for (std::uint64_t p = b * points_per_block; p < (b + 1) * points_per_block; ++p) to.push_back(byte(p, false));
    return to;
  }
  [[nodiscard]] int byte(std::uint64_t p, bool of_tail) const {
    if (p >= first_ && p < end_) return fill_;
    if (p >= before_.end) return zero;
    if (p >= before_.tail_begin()) return before_.tail[p - before_.tail_begin()];
    const std::uint64_t b = p / points_per_block;
    const bool read = of_tail ? plan_.cut == b : plan_.head == b || plan_.last == b;
    return read ? before_.blocks.at(b)[p % points_per_block] : unknown;
  }

  const stored& before_;
  const direct_plan& plan_;
  std::uint64_t first_, end_;
  int fill_;
};

std::vector<int> changed_bytes(const stored& before, std::uint64_t first, std::uint64_t end, int fill,
                               std::uint64_t new_end) {
  std::vector<int> to = before.bytes();
  to.resize(new_end, zero);
  for (std::uint64_t p = first; p < std::min(end, new_end); ++p) to[p] = fill;
  return to;
}

template <class Call>
void for_all(Call call) {
  for (std::uint64_t size = 0; size < points; ++size)
    for (std::uint64_t first = 0; first < points; ++first)
      for (std::uint64_t end = first + 1; end <= points; ++end) {
        CAPTURE(to_bytes(size));
        CAPTURE(to_bytes(first));
        CAPTURE(to_bytes(end));
        call(size, first, end);
      }
}

bool is_whole(std::uint64_t point) { return point % points_per_block == 0; }

}  // namespace

TEST_CASE("a write puts its bytes there, keeps those around them and makes zeros of a gap") {
  for_all([](std::uint64_t size, std::uint64_t first, std::uint64_t end) {
    const stored before{size};
    const direct_plan plan = plan_write({to_bytes(size)}, to_bytes(first), to_bytes(end));
    REQUIRE(plan.hole_first == plan.hole_end);
    REQUIRE_FALSE(plan.cut);
    const stored after = executor{before, plan, first, end, changed}.run();
    REQUIRE(after.bytes() == changed_bytes(before, first, end, changed, std::max(size, end)));
    // Nothing is read or written that need not be.
    for (const auto& read : {plan.head, plan.last})
      if (read) REQUIRE((first > *read * points_per_block || end < (*read + 1) * points_per_block));
    for (std::uint64_t b = plan.first_block; b < plan.end_block; ++b)
      REQUIRE((b * points_per_block < end && first < (b + 1) * points_per_block));
    REQUIRE(plan.sets_end == (end > before.tail_begin()));
  });
}

TEST_CASE("zeros: whole blocks are a hole, of those in part the rest is kept, and the end moves only if it may") {
  for (const bool extends : {false, true}) {
    CAPTURE(extends);
    for_all([extends](std::uint64_t size, std::uint64_t first, std::uint64_t end) {
      const stored before{size};
      const direct_plan plan = plan_zero({to_bytes(size)}, to_bytes(first), to_bytes(end), extends);
      REQUIRE(plan.first_block == plan.end_block);
      REQUIRE_FALSE(plan.cut);
      const std::uint64_t reached = extends ? end : std::min(end, size);
      const stored after = executor{before, plan, first, reached, zero}.run();
      REQUIRE(after.bytes() == changed_bytes(before, first, reached, zero, std::max(size, reached)));
      for (std::uint64_t b = 0; (b + 1) * points_per_block <= before.tail_begin(); ++b)
        if (b * points_per_block >= first && (b + 1) * points_per_block <= reached)
          REQUIRE_FALSE(after.blocks.contains(b));  // it is given back
    });
  }
}

TEST_CASE("a truncation keeps what is in front, its last bytes as the tail") {
  for (std::uint64_t size = 1; size <= points; ++size)
    for (std::uint64_t to = 0; to < size; ++to) {
      CAPTURE(to_bytes(size));
      CAPTURE(to_bytes(to));
      const stored before{size};
      const direct_plan plan = plan_truncate({to_bytes(size)}, to_bytes(to));
      REQUIRE(plan.sets_end);
      REQUIRE(plan.blocks() == 0);
      const stored after = executor{before, plan, to, to, zero}.run();
      REQUIRE(after.bytes() == changed_bytes(before, to, to, zero, to));
      for (const auto& [b, bytes] : after.blocks) REQUIRE((b + 1) * points_per_block <= to);
    }
}

TEST_CASE("a clone moves the end, and writes nothing but the block of the old tail") {
  for_all([](std::uint64_t size, std::uint64_t first, std::uint64_t end) {
    // Whole blocks; or to the end of the source, which is the object's end then.
    if (!is_whole(first) || (!is_whole(end) && end < size)) return;
    const stored before{size};
    const direct_plan plan = plan_clone({to_bytes(size)}, to_bytes(first), to_bytes(end));
    REQUIRE(plan.first_block == plan.end_block);
    REQUIRE(plan.hole_first == plan.hole_end);
    REQUIRE((!plan.head && !plan.last && !plan.cut));
    stored after = executor{before, plan, first, end, changed}.run();
    for (std::uint64_t b = first / points_per_block; b < end / points_per_block; ++b)
      after.blocks[b].assign(points_per_block, changed);
    REQUIRE(after.bytes() == changed_bytes(before, first, end, changed, std::max(size, end)));
  });
}
