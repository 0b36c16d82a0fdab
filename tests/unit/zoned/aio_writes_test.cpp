// Writes through Linux AIO, on a plain file: handed out once each, in one piece or several, and refused ones told of.
#include "zbd/aio_writes.hpp"

#include <doctest/doctest.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <map>

#include "event_fd.hpp"
#include "unique_fd.hpp"

using namespace furrow::zoned;

namespace {

unique_fd nameless_file() {
  char name[] = "/tmp/furrow_aio_writes.XXXXXX";
  unique_fd fd{::mkstemp(name)};
  REQUIRE(fd.is_open());
  ::unlink(name);
  return fd;
}

std::map<std::uint64_t, aio_writes::outcome> wait_for(aio_writes& w, event_fd& event, std::size_t count) {
  std::map<std::uint64_t, aio_writes::outcome> all;
  for (;;) {
    w.complete([&](const aio_writes::outcome& o) { CHECK(all.emplace(o.tag, o).second); });
    if (all.size() >= count) return all;
    pollfd p{.fd = event.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&p, 1, 60'000) == 1);
    event.clear();
  }
}

}  // namespace

TEST_CASE("more writes than are submitted at once are each handed out once, and have landed") {
  const unique_fd file = nameless_file();
  event_fd event;
  const auto w = aio_writes::open(8, event.get());
  if (!w) return;  // a kernel without AIO
  std::array<std::array<std::byte, 512>, 8> memory;
  for (int round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < memory.size(); ++i) {
      memory[i].fill(static_cast<std::byte>(round + static_cast<int>(i)));
      const segment halves[] = {{memory[i].data(), 200}, {memory[i].data() + 200, 312}};
      const segment whole[] = {{memory[i].data(), 512}};
      const std::uint64_t tag = 100 + i;
      w->write(tag, file.get(), 512 * i,
               i % 2 == 0 ? std::span<const segment>{halves} : std::span<const segment>{whole});
    }
    CHECK_FALSE(w->submit());
    const auto done = wait_for(*w, event, memory.size());
    CHECK(w->in_flight() == 0);
    for (std::size_t i = 0; i < memory.size(); ++i) {
      REQUIRE(done.contains(100 + i));
      CHECK_FALSE(done.at(100 + i).error);
      CHECK(done.at(100 + i).bytes == 512);
      std::array<std::byte, 512> back{};
      REQUIRE(::pread(file.get(), back.data(), back.size(), static_cast<off_t>(512 * i)) == 512);
      CHECK(std::memcmp(back.data(), memory[i].data(), back.size()) == 0);
    }
  }
}

TEST_CASE("what the call refuses is handed out as failed, and does not keep the others back") {
  const unique_fd file = nameless_file();
  event_fd event;
  const auto w = aio_writes::open(4, event.get());
  if (!w) return;
  std::array<std::byte, 512> memory{};
  const segment whole[] = {{memory.data(), memory.size()}};
  w->write(1, file.get(), 0, whole);
  w->write(2, -1, 0, whole);
  w->write(3, file.get(), 512, whole);
  CHECK(w->submit());
  const auto done = wait_for(*w, event, 3);
  CHECK_FALSE(done.at(1).error);
  CHECK(done.at(2).error == errc::io);
  CHECK(done.at(2).bytes == 0);
  CHECK_FALSE(done.at(3).error);
  CHECK(w->in_flight() == 0);
}
