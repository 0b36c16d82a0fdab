// The helper thread: every job is answered once or taken back, and ending waits for the job at work.
#include "zbd/helper_thread.hpp"

#include <doctest/doctest.h>
#include <poll.h>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>

using namespace furrow::zoned;
using answer = helper_thread::answer;

namespace {

std::vector<answer> wait_for(helper_thread& helper, event_fd& event, std::size_t count) {
  std::vector<answer> all;
  while (all.size() < count) {
    pollfd p{.fd = event.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&p, 1, 60'000) == 1);
    event.clear();
    for (const answer& a : helper.take_answers()) all.push_back(a);
  }
  return all;
}

}  // namespace

TEST_CASE("jobs are answered once each, in order") {
  event_fd event;
  helper_thread helper{event};
  constexpr std::uint64_t count = 500;
  for (std::uint64_t i = 0; i < count; ++i) {
    helper.add(i, [i]() -> answer { return {.tag = i, .error = errc::io, .count = 2 * i}; });
  }
  const auto answers = wait_for(helper, event, count);
  REQUIRE(answers.size() == count);
  for (std::uint64_t i = 0; i < count; ++i) {
    CHECK(answers[i].tag == i);
    CHECK(answers[i].error == errc::io);
    CHECK(answers[i].count == 2 * i);
  }
  CHECK(helper.take_answers().empty());
}

TEST_CASE("a job that has not begun can be taken back, one at work cannot") {
  event_fd event;
  helper_thread helper{event};
  std::latch begun{1};
  std::latch may_end{1};
  helper.add(1, [&]() -> answer {
    begun.count_down();
    may_end.wait();
    return {.tag = 1, .error = {}, .count = 0};
  });
  std::atomic<bool> ran = false;
  helper.add(2, [&]() -> answer {
    ran = true;
    return {.tag = 2, .error = {}, .count = 0};
  });
  begun.wait();
  CHECK_FALSE(helper.cancel(1));
  CHECK(helper.cancel(2));
  CHECK_FALSE(helper.cancel(2));
  may_end.count_down();
  CHECK(wait_for(helper, event, 1).at(0).tag == 1);
  CHECK_FALSE(ran);
}

TEST_CASE("ending waits for the job at work and forgets the others") {
  event_fd event;
  auto helper = std::make_unique<helper_thread>(event);
  std::latch begun{1};
  std::atomic<int> ended = 0;
  helper->add(1, [&]() -> answer {
    begun.count_down();
    std::this_thread::sleep_for(std::chrono::milliseconds{20});
    ++ended;
    return {};
  });
  helper->add(2, [&]() -> answer {
    ended += 100;
    return {};
  });
  begun.wait();
  helper.reset();
  CHECK(ended == 1);
}

TEST_CASE("a helper without jobs ends at once") {
  event_fd event;
  const helper_thread helper{event};
}
