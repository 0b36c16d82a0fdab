// Each allocation of a short life of a store fails in turn, once, or with all that follow for a while: nobody waits for ever,
// each handler is called once or destroyed, and all memory is given back.
//
// Not here: the open, as a strand of Asio 1.81 that is made without memory crashes; the core's own allocations
// (core_memory, nth_faults).
#include "driver_fixture.hpp"
#include "support/failing_memory.hpp"

namespace {

std::uint64_t asked = 0;
std::uint64_t first_fails = 0;  // 0: none does
bool all_after_fail = false;
bool fails() { return first_fails != 0 && (++asked == first_fails || (all_after_fail && asked > first_fails)); }

}  // namespace

using namespace furrow;
using namespace furrow::test;

namespace {

struct ledger {
  std::uint64_t alive = 0;
  std::uint64_t called = 0;
  bool twice = false;
};

/// In a handler: counts handlers that are there.
class token {
 public:
  explicit token(ledger& of) : of_{&of} { ++of_->alive; }
  token(token&& from) noexcept : of_{std::exchange(from.of_, nullptr)}, was_called_{from.was_called_} {}
  token(const token&) = delete;
  ~token() {
    if (of_ != nullptr) --of_->alive;
  }
  void called() {
    of_->twice = of_->twice || std::exchange(was_called_, true);
    ++of_->called;
  }

 private:
  ledger* of_;
  bool was_called_ = false;
};

/// What a store is asked, one thing after the other; memory may lack anywhere in it.
struct short_life {
  asio::io_context context;
  std::shared_ptr<held_commands> commands = std::make_shared<held_commands>();
  ledger handlers;
  std::optional<store> s;
  std::optional<object> log;
  const std::string text = std::string(9000, 'x');
  std::string room = std::string(5000, ' ');

  /// Asks and runs until nothing is to be done. Memory is back when it was thrown that it lacks.
  template <class Ask>
  void step(Ask ask) {
    try {
      ask();
    } catch (const std::bad_alloc&) {
      first_fails = 0;
    }
    context.restart();
    const auto end = std::chrono::steady_clock::now() + 20s;
    while (!context.stopped() && std::chrono::steady_clock::now() < end) {
      try {
        context.run_until(end);
      } catch (const std::bad_alloc&) {
        first_fails = 0;
      }
    }
    if (!context.stopped()) FAIL("somebody waits for ever");
  }
  template <class T>
  auto quietly() {
    return [t = token(handlers)](error_code, const T&) mutable { t.called(); };
  }

  void live(std::uint64_t n, bool persistent) {
    step([&] {
      store::async_open(context, std::make_unique<held_device>(commands), {},
                        [this, t = token(handlers)](error_code e, store to) mutable {
                          t.called();
                          if (!e) s = std::move(to);
                        });
    });
    REQUIRE(s);
    asked = 0;
    all_after_fail = persistent;
    allocation_fails = fails;
    first_fails = n;
    step([&] {
      s->async_create({.name = "log"}, [this, t = token(handlers)](error_code e, object to) mutable {
        t.called();
        if (!e) log = std::move(to);
      });
    });
    if (log) {
      step([&] {
        for (int i = 0; i < 3; ++i)
          log->async_append(asio::buffer(text), [this, t = token(handlers)](error_code, const append_result&) mutable {
            t.called();
            log->async_stat(quietly<object_status>());
          });
      });
      step([&] { log->async_read(0, asio::buffer(room), quietly<std::uint64_t>()); });
      step([&] { log->async_write(100, asio::buffer(text), quietly<append_result>()); });
    }
    step([&] { s->async_statistics(quietly<statistics>()); });
    step([&] { s->async_sync(quietly<sequence>()); });
    step([&] { log.reset(); });
    step([&] {
      s->async_close([t = token(handlers)](error_code, std::unique_ptr<zoned::device>) mutable { t.called(); });
    });
    step([&] { s.reset(); });
  }
};

/// Whether the allocation was reached.
bool live(std::uint64_t n, bool persistent) {
  const std::int64_t before = blocks_alive;
  bool reached = false;
  {
    short_life l;
    l.live(n, persistent);
    reached = asked >= n;
    first_fails = 0;
    l.context.restart();
    l.context.run();
    l.log.reset();
    l.s.reset();
    l.context.restart();
    l.context.run();
    CHECK_FALSE(l.handlers.twice);
    CHECK(l.handlers.alive == 0);
  }
  const std::int64_t kept = blocks_alive - before;
  if (kept != 0) FAIL(kept, " pieces of memory are not given back");
  return reached;
}

}  // namespace

TEST_CASE("memory: whichever allocation fails, nobody waits for ever and nothing is kept") {
  static_cast<void>(live(1'000'000, false));  // what is made once for the process
  std::uint64_t lives = 0;
  for (const bool persistent : {false, true})
    for (std::uint64_t n = 1;; ++n, ++lives) {
      CAPTURE(n);
      CAPTURE(persistent);
      if (!live(n, persistent)) break;
    }
  MESSAGE(lives, " lives");
}
