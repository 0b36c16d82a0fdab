#include "driver/admission.hpp"

#include <doctest/doctest.h>

#include <vector>

using furrow::priority;
using furrow::core::operation_id;
using furrow::driver::admission;

namespace {

std::vector<std::uint64_t> admitted_by(admission& a) {
  std::vector<std::uint64_t> ids;
  while (const auto id = a.admit()) ids.push_back(id->value);
  return ids;
}
using ids = std::vector<std::uint64_t>;

}  // namespace

TEST_CASE("admission: appends go in the order of arrival, up to the bound") {
  admission a(100);
  for (std::uint64_t i = 1; i <= 5; ++i) a.arrive({i}, 40, priority::normal);
  CHECK(admitted_by(a) == ids{1, 2});
  CHECK(a.admitted_bytes() == 80);
  a.leave(40);
  CHECK(admitted_by(a) == ids{3});
  a.leave(40);
  a.leave(40);
  CHECK(admitted_by(a) == ids{4, 5});
  CHECK(a.empty());
}

TEST_CASE("admission: what is larger than the bound goes alone") {
  admission a(100);
  a.arrive({1}, 1, priority::normal);
  a.arrive({2}, 500, priority::normal);
  a.arrive({3}, 1, priority::normal);
  CHECK(admitted_by(a) == ids{1});  // 3 does not overtake 2.
  a.leave(1);
  CHECK(admitted_by(a) == ids{2});
  a.leave(500);
  CHECK(admitted_by(a) == ids{3});
}

TEST_CASE("admission: high priority goes before all that waits, in its own order") {
  admission a(10);
  a.arrive({1}, 10, priority::normal);
  a.arrive({2}, 10, priority::normal);
  CHECK(admitted_by(a) == ids{1});
  a.arrive({3}, 10, priority::high);
  a.arrive({4}, 10, priority::high);
  ids order;
  for (int i = 0; i < 3; ++i) {
    a.leave(10);
    for (const auto id : admitted_by(a)) order.push_back(id);
  }
  CHECK(order == ids{3, 4, 2});
}

TEST_CASE("admission: one that is withdrawn makes way") {
  admission a(10);
  a.arrive({1}, 10, priority::normal);
  a.arrive({2}, 500, priority::high);
  a.arrive({3}, 1, priority::normal);
  CHECK(admitted_by(a) == ids{2});
  a.leave(500);
  a.withdraw({1});
  CHECK(admitted_by(a) == ids{3});
  CHECK(a.empty());
  CHECK(a.admitted_bytes() == 1);
}
