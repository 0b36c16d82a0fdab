// Scrubs at a pace: on the fake core, which has 1 MiB to be read.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>

#include "driver_fixture.hpp"
#include "furrow/engine/blocking.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

constexpr std::uint64_t all_bytes = 1 << 20;

struct timed {
  outcome_of<scrub_result> got;
  double seconds = 0;
};

timed scrub(context_store& w, const scrub_options& o) {
  timed t;
  const auto begun = std::chrono::steady_clock::now();
  w.s.async_scrub(o, t.got.handler());
  w.run();
  t.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  return t;
}

}  // namespace

TEST_CASE("a scrub reads all, or as much as it is told to, and says where the next one begins") {
  context_store w;
  const timed all = scrub(w, {});
  CHECK(all.got.good());
  CHECK(all.got.value.next.at == scrub_position::part::end);
  CHECK(all.got.value.bytes_read >= all_bytes);
  const timed some = scrub(w, {.bytes_max = all_bytes / 2});
  CHECK(some.got.value.bytes_read == all_bytes / 2);
  CHECK(some.got.value.next == scrub_position{scrub_position::part::data, 0, all_bytes / 2});
  const timed rest = scrub(w, {.from = some.got.value.next, .bytes_max = all_bytes / 2});
  CHECK(rest.got.value.next.at == scrub_position::part::end);
}

TEST_CASE("a scrub keeps its pace, and gathers what its parts find") {
  context_store w;
  const timed t = scrub(w, {.bytes_per_second = 4 * all_bytes});
  CHECK(t.got.good());
  CHECK(t.got.value.findings.size() > 1);
  CHECK(t.seconds >= 0.2);  // 0.25 s, but for the last part, which is not waited for
}

TEST_CASE("a scrub that is cancelled ends within its pause, with what it has found") {
  context_store w;
  outcome_of<scrub_result> got;
  asio::cancellation_signal stop;
  w.s.async_scrub({.bytes_per_second = 64 << 10}, asio::bind_cancellation_slot(stop.slot(), got.handler()));
  w.context.restart();
  w.context.run_for(150ms);
  CHECK_FALSE(got.done());
  stop.emit(asio::cancellation_type::terminal);
  const auto begun = std::chrono::steady_clock::now();
  w.run();
  CHECK(std::chrono::steady_clock::now() - begun < 2s);
  CHECK(got.failed(errc::cancelled));
  CHECK(got.value.findings.size() == 1);
  CHECK(got.value.next.block == 64 << 10);
}

TEST_CASE("a blocking scrub returns to its thread, one of a closed store fails") {
  auto commands = std::make_shared<held_commands>();
  const blocking_store b{open_on_own_thread(commands)};
  const auto r = b.scrub({.bytes_per_second = 8 * all_bytes});
  REQUIRE(r.has_value());
  CHECK(r->next.at == scrub_position::part::end);
  const auto none = blocking_store{}.scrub({});
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == errc::closed);
}
