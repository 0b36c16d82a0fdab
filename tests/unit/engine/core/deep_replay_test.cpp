// A replay of a journal that makes it apply what it gathered after every other record, on a small stack: however many such
// records a part of the journal has, calls do not nest.
#include <pthread.h>

#include <doctest/doctest.h>

#include "support/core_runner.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

constexpr std::size_t stack_bytes = 768 << 10;
constexpr std::size_t pairs = 4000;

/// Runs it on a thread that has no more than so much of a stack, and waits.
void on_small_stack(std::function<void()> what) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
  pthread_t thread{};
  const auto run = [](void* f) -> void* {
    (*static_cast<std::function<void()>*>(f))();
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &what) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
}

TEST_CASE("a replay does not nest a call for each time that it applies what it gathered") {
  zoned::memory_zones device = device_shape{.zones = 24, .zone_bytes = 4 << 20, .capacity_bytes = 4 << 20}.make();
  const std::vector<std::byte> last = pattern(pairs, 4096);
  {
    core_runner r{device};
    r.format_and_open();
    const core::handle_id written = r.create("written"), described = r.create("described");
    std::vector<std::byte> bytes = pattern(0, 4096);
    r.append(written, bytes);
    for (std::size_t i = 1; i <= pairs; ++i) {
      bytes = pattern(i, 4096);
      core::write_request write{.handle = written, .offset_bytes = 0, .bytes = bytes.size()};
      write.segments = {{bytes.data(), bytes.size()}};
      core_runner::good(r.ask(std::move(write)));
      attributes to;
      to.mode = static_cast<std::uint32_t>(i);
      core_runner::good(r.ask(core::set_attributes_request{described, to}));
    }
    core_runner::good(r.ask(core::sync_request{}));
  }
  core_runner again{device};
  on_small_stack([&] {
    const core::notification n = core_runner::good(again.open());
    CHECK(std::get<open_result>(n.result).records_replayed > 2 * pairs);
  });
  CHECK(again.read(again.create("written"), 0, last.size()) == last);
  CHECK(again.check().damage == 0);
}

}  // namespace
