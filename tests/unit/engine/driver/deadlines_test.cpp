#include "driver/deadlines.hpp"

#include <doctest/doctest.h>

using furrow::core::operation_id;
using furrow::driver::deadlines;
using time_point = deadlines::time_point;
using namespace std::chrono_literals;

TEST_CASE("deadlines: each that has passed is given once, earliest first") {
  const time_point t0{};
  deadlines d;
  d.add(t0 + 30ms, {1});
  d.add(t0 + 10ms, {2});
  d.add(t0 + 10ms, {3});
  d.add(t0 + 20ms, {4});
  d.remove(t0 + 20ms, {4});
  d.remove(t0 + 20ms, {9});
  CHECK(d.earliest() == t0 + 10ms);
  CHECK_FALSE(d.take_passed(t0 + 9ms));
  CHECK(d.take_passed(t0 + 10ms) == operation_id{2});
  CHECK(d.take_passed(t0 + 10ms) == operation_id{3});
  CHECK_FALSE(d.take_passed(t0 + 29ms));
  CHECK(d.take_passed(t0 + 1s) == operation_id{1});
  CHECK_FALSE(d.earliest());
}
