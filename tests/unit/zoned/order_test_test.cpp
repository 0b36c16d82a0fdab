// The test of a device's order at opening: what it finds, and that it leaves the device as it was.
#include "adapt/order_test.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "memory/memory_device.hpp"
#include "support/zoned_client.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::zoned_client;

namespace {

constexpr std::uint32_t depth = 4;

emulation parameters() {
  emulation e;
  e.size_bytes = 12 << 20;
  e.native_append = 0;
  return e;
}

/// Memory that executes what is submitted together in reverse, if wanted, and notes the zones that are changed.
class observed_memory final : public device {
 public:
  observed_memory(const emulation& e, bool reverses) : below_{e}, reverses_{reverses} {}

  [[nodiscard]] const geometry& shape() const noexcept override { return below_.shape(); }
  [[nodiscard]] const guarantees& promises() const noexcept override { return below_.promises(); }
  [[nodiscard]] std::size_t submit(std::span<const command> commands) override {
    std::vector<command> all{commands.begin(), commands.end()};
    if (reverses_) std::ranges::reverse(all);
    for (const command& c : all) {
      if (c.op != opcode::report) changed_.insert(c.zone.value);
      if (c.op == opcode::write) ++writes_;
    }
    return below_.submit(all);
  }
  [[nodiscard]] std::size_t reap(std::span<completion> out) override { return below_.reap(out); }
  [[nodiscard]] int completion_fd() const noexcept override { return below_.completion_fd(); }
  void cancel(command_id id) noexcept override { below_.cancel(id); }
  [[nodiscard]] std::string name() const override { return "observed"; }

  [[nodiscard]] const std::set<std::uint32_t>& changed() const { return changed_; }
  [[nodiscard]] std::size_t writes() const { return writes_; }

 private:
  memory_device below_;
  bool reverses_;
  std::set<std::uint32_t> changed_;
  std::size_t writes_ = 0;
};

std::vector<zone_info> all_zones(device& d) { return zoned_client{d}.report({0}, d.shape().zone_count); }

void use(device& d, std::uint32_t zone) {
  zoned_client client{d};
  REQUIRE(client.write_pattern({{zone}, 0}, 4096, zone).error == error_code{});
}

}  // namespace

TEST_CASE("a device that keeps the order is found to, in one zone in the middle, which is empty again") {
  observed_memory d{parameters(), false};
  const auto before = all_zones(d);
  CHECK(test_order(d, depth) == order_test::agrees);
  CHECK(d.changed() == std::set<std::uint32_t>{6});
  CHECK(d.writes() == 2 * depth);
  CHECK(all_zones(d) == before);
}

TEST_CASE("a device that changes the order is found to, and is left as it was") {
  observed_memory d{parameters(), true};
  const auto before = all_zones(d);
  CHECK(test_order(d, depth) == order_test::disagrees);
  CHECK(d.changed() == std::set<std::uint32_t>{6});
  CHECK(all_zones(d) == before);
}

TEST_CASE("a device with anything in any zone, in any condition, is not touched") {
  for (std::uint32_t used = 0; used < 12; ++used) {
    for (const opcode how : {opcode::write, opcode::finish, opcode::open}) {
      observed_memory d{parameters(), false};
      if (how == opcode::write) {
        use(d, used);
      } else {
        REQUIRE(zoned_client{d}.manage(how, {used}).error == error_code{});
      }
      const auto before = all_zones(d);
      const std::size_t writes = d.writes();
      CHECK(test_order(d, depth) == order_test::not_made);
      CHECK(d.writes() == writes);
      CHECK(d.changed() == std::set<std::uint32_t>{used});  // by this test alone
      CHECK(all_zones(d) == before);
    }
  }
}

TEST_CASE("conventional zones are no zones to test on") {
  emulation e = parameters();
  e.conventional_zones = 11;
  observed_memory d{e, false};
  CHECK(test_order(d, depth) == order_test::agrees);
  CHECK(d.changed() == std::set<std::uint32_t>{11});
  e.conventional_zones = 12;
  observed_memory none{e, false};
  CHECK(test_order(none, depth) == order_test::not_made);
  CHECK(none.changed().empty());
}

TEST_CASE("a zone too small for the test is none") {
  emulation e = parameters();
  e.zone_capacity_bytes = (2 * depth - 1) * 4096;
  observed_memory d{e, false};
  CHECK(test_order(d, depth) == order_test::not_made);
  CHECK(d.changed().empty());
}

TEST_CASE("more zones than a report has room for are searched in portions") {
  emulation e = parameters();
  e.zone_bytes = 64 << 10;
  e.size_bytes = 3000 * e.zone_bytes;
  observed_memory d{e, false};
  CHECK(test_order(d, depth) == order_test::agrees);
  CHECK(d.changed() == std::set<std::uint32_t>{1500});
  use(d, 2999);
  CHECK(test_order(d, depth) == order_test::not_made);
  CHECK(d.writes() == 2 * depth + 1);
}
