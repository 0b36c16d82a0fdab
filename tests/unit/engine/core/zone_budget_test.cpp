// Dividing active zones: whatever the limit, each has one at least, together they keep to it, and more is never less.
#include <doctest/doctest.h>

#include "core/zone_budget.hpp"

namespace furrow::core {
namespace {

template <class Call>
void for_questions(Call call) {
  for (std::uint32_t rings = 0; rings <= 2; ++rings)
    for (std::uint32_t copies = 1; copies <= 2; ++copies)
      for (const bool confined : {false, true})
        for (const std::uint32_t data_zones : {3u, 20u, 1000u})
          call(budget_question{.active_max = {},
                               .open_max = {},
                               .sequential_rings = rings,
                               .page_copies = copies,
                               .confined = confined,
                               .data_zones = data_zones});
}

std::uint32_t sum(const zone_budget& b) { return b.superblock + b.metadata + b.data; }

}  // namespace

TEST_CASE("a store needs four active zones, five with two copies of pages, and less where zones are conventional") {
  CHECK(zone_budget::least({.page_copies = 1}) == 4);
  CHECK(zone_budget::least({.page_copies = 2}) == 5);
  CHECK(zone_budget::least({.sequential_rings = 0, .page_copies = 1, .confined = true}) == 1);
}

TEST_CASE("each has its share of any limit that is enough, and together they keep to it") {
  for_questions([](budget_question q) {
    zone_budget before;
    for (std::uint32_t limit = zone_budget::least(q); limit < 32; ++limit) {
      q.active_max = limit;
      const zone_budget b = zone_budget::divide(q);
      CAPTURE(limit);
      CHECK(b.superblock == q.sequential_rings);
      CHECK(b.metadata >= (q.confined ? 0 : q.page_copies));
      CHECK(b.journal_apart == (q.confined || b.metadata > q.page_copies));
      CHECK(b.data >= 1);
      CHECK(sum(b) + b.spare == limit);
      if (limit > zone_budget::least(q)) {
        CHECK(b.metadata >= before.metadata);
        CHECK(b.data >= before.data);
        CHECK(b.spare >= before.spare);
      }
      before = b;
    }
  });
}

TEST_CASE("the classes fold together as zones become few") {
  const auto streams = [](std::uint32_t active_max, std::uint32_t copies) {
    return zone_budget::divide({.active_max = active_max, .page_copies = copies}).data;
  };
  CHECK(streams(4, 1) == 1);
  CHECK(streams(5, 1) == 1);
  CHECK(streams(6, 1) == 2);
  CHECK(streams(5, 2) == 1);
  CHECK(streams(14, 2) == placement::streams_max);
  CHECK(zone_budget::divide({}).data == placement::streams_max);
}

TEST_CASE("a limit of open zones below that of active ones holds for both, as far as a store can do with it") {
  CHECK(zone_budget::divide({.active_max = 14, .open_max = 9, .page_copies = 2}).limit == 9);
  CHECK(zone_budget::divide({.active_max = 14, .open_max = 2, .page_copies = 2}).limit == 6);
  CHECK(zone_budget::divide({.active_max = {}, .open_max = 2}).limit == std::nullopt);
}

}  // namespace furrow::core
