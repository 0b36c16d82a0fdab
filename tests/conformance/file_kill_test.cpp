// A process that writes to a zone image is killed at random moments; what it was told is checked by its parent.
//
// The child writes a record to a pipe after every step it was told of, so the parent knows exactly what was
// acknowledged.
//
// Checked after each kill, on the image opened again
//   volatile_cache=0   every acknowledged append is below the write pointer and reads back
//   volatile_cache=1   the same for every append that a completed flush began after; and in all rounds together
//                      something that was not flushed is gone. Every second child never flushes, to make sure of it
#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <thread>

#include "furrow/zoned/registry.hpp"
#include "support/zoned_client.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::aligned_bytes;
using furrow::test::fill_pattern;
using furrow::test::zoned_client;

namespace {

constexpr std::uint32_t zones = 6;
constexpr std::size_t depth = 8;
constexpr int rounds = 10;

enum class step : std::uint64_t { opened = 1, appended, flush_begins, flushed, reset_begins };

struct record {
  step what{};
  std::uint64_t zone = 0;
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  std::uint64_t seed = 0;
};

/// Runs in the child until it is killed. Any surprise ends it with a status that the parent finds.
class writer {
 public:
  writer(const std::string& uri, int pipe, std::uint64_t seed, bool flushes)
      : pipe_{pipe}, random_{seed}, flushes_{flushes} {
    auto opened = open(uri);
    if (!opened) give_up(11);
    device_ = std::move(*opened);
    client_.emplace(*device_);
    for (const zone_info& zone : client_->report({0}, zones))
      rooms_.push_back(zone.capacity_bytes - zone.write_pointer_bytes);
    tell({.what = step::opened});
  }

  [[noreturn]] void run() {
    for (;;) {
      const std::uint64_t dice = random_() % 100;
      if (dice < 90 || !flushes_) {
        append(static_cast<std::uint32_t>(random_() % zones));
      } else {
        flush();
      }
      while (appends_.size() >= 2 * depth) settle();
    }
  }

 private:
  struct pending {
    std::unique_ptr<aligned_bytes> memory;
    std::uint32_t zone;
    std::uint64_t seed;
  };

  [[noreturn]] static void give_up(int status) { ::_exit(status); }

  void tell(const record& r) const {
    if (::write(pipe_, &r, sizeof r) != static_cast<ssize_t>(sizeof r)) give_up(12);
  }

  void append(std::uint32_t zone) {
    const std::uint64_t block = device_->shape().lba_bytes;
    if (rooms_[zone] == 0) {
      while (!appends_.empty()) settle();
      tell({.what = step::reset_begins, .zone = zone});
      if (client_->manage(opcode::reset, {zone}).error) give_up(13);
      rooms_[zone] = client_->zone({zone}).capacity_bytes;
    }
    if (std::ranges::count_if(appends_, [&](const auto& a) { return a.second.zone == zone; }) >= std::ptrdiff_t{depth})
      return;
    const std::uint64_t bytes = std::min(rooms_[zone], block * (1 + random_() % 12));
    rooms_[zone] -= bytes;
    pending p{std::make_unique<aligned_bytes>(bytes), zone, random_() >> 32};
    fill_pattern(p.memory->span(), p.seed);
    const segment piece = p.memory->segment();
    const command_id id = client_->start(
        {.id = {}, .op = opcode::append, .zone = {zone}, .offset_bytes = 0, .segments = {&piece, 1}, .zones = {}});
    appends_.emplace(id, std::move(p));
  }

  void flush() {
    settle();
    tell({.what = step::flush_begins});
    if (client_->flush().error) give_up(14);
    tell({.what = step::flushed});
  }

  void settle() {
    if (!appends_.empty() && client_->in_flight() > 0) client_->reap(true);
    for (auto it = appends_.begin(); it != appends_.end();) {
      if (!client_->is_done(it->first)) {
        ++it;
        continue;
      }
      const completion c = client_->finish(it->first);
      if (c.error || c.bytes != it->second.memory->size()) give_up(15);
      tell({step::appended, c.at.zone.value, c.at.offset_bytes, c.bytes, it->second.seed});
      it = appends_.erase(it);
    }
  }

  int pipe_;
  std::mt19937_64 random_;
  bool flushes_;
  std::unique_ptr<device> device_;
  std::optional<zoned_client> client_;
  std::vector<std::uint64_t> rooms_;
  std::map<command_id, pending> appends_;
};

struct piece {
  std::uint64_t bytes = 0;
  std::uint64_t seed = 0;
  bool flushed = false;
};

/// What the child was told, over all rounds.
class witness {
 public:
  void note(const record& r) {
    ++records_;
    switch (r.what) {
      case step::opened:
        before_flush_.clear();
        break;
      case step::appended:
        pieces_[r.zone][r.offset_bytes] = {r.bytes, r.seed, false};
        unflushed_.push_back(&pieces_[r.zone][r.offset_bytes]);
        break;
      case step::flush_begins:
        before_flush_ = std::exchange(unflushed_, {});
        break;
      case step::flushed:
        for (piece* p : before_flush_) p->flushed = true;
        before_flush_.clear();
        break;
      case step::reset_begins:
        forget(r.zone);
        break;
    }
  }

  void check(device& d, bool is_volatile) {
    zoned_client client{d};
    for (std::uint32_t i = 0; i < zones; ++i) {
      const zone_info zone = client.zone({i});
      CAPTURE(i);
      for (auto it = pieces_[i].begin(); it != pieces_[i].end();) {
        const auto& [offset, p] = *it;
        CAPTURE(offset);
        const bool below = offset + p.bytes <= zone.write_pointer_bytes;
        if (!is_volatile || p.flushed) REQUIRE(below);
        if (below) {
          REQUIRE(client.reads_pattern({{i}, offset}, p.bytes, p.seed));
          ++verified_;
          ++it;
        } else {
          ++lost_;
          it = pieces_[i].erase(it);
        }
      }
      // What was kept without a flush is at risk again only if it is written again; from now on it is old.
      for (auto& [offset, p] : pieces_[i]) p.flushed = true;
    }
    unflushed_.clear();
    before_flush_.clear();
  }

  [[nodiscard]] std::size_t records() const { return records_; }
  [[nodiscard]] std::size_t verified() const { return verified_; }
  [[nodiscard]] std::size_t lost() const { return lost_; }

 private:
  void forget(std::uint64_t zone) {
    for (auto& [offset, p] : pieces_[zone]) {
      std::erase(unflushed_, &p);
      std::erase(before_flush_, &p);
    }
    pieces_[zone].clear();
  }

  std::map<std::uint64_t, std::map<std::uint64_t, piece>> pieces_;
  std::vector<piece*> unflushed_;
  std::vector<piece*> before_flush_;
  std::size_t records_ = 0;
  std::size_t verified_ = 0;
  std::size_t lost_ = 0;
};

/// Runs one child, kills it after `lifetime`, and hands its records to the witness.
void run_and_kill(const std::string& uri, std::uint64_t seed, bool flushes, std::chrono::microseconds lifetime,
                  witness& w) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    writer{uri, ends[1], seed, flushes}.run();
  }
  ::close(ends[1]);
  // The clock starts when the image is open; the pipe is read at the same time, or a full one would stop the child.
  std::thread killer;
  record r;
  while (::read(ends[0], &r, sizeof r) == static_cast<ssize_t>(sizeof r)) {
    w.note(r);
    if (r.what == step::opened) {
      killer = std::thread{[child, lifetime] {
        std::this_thread::sleep_for(lifetime);
        ::kill(child, SIGKILL);
      }};
    }
  }
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  if (killer.joinable()) killer.join();
  CAPTURE(status);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGKILL);
}

/// The kernel finishes the dead process's IO before it lets go of the lock.
std::unique_ptr<device> open_when_free(const std::string& uri) {
  for (int attempt = 0; attempt < 2000; ++attempt) {
    auto opened = open(uri);
    if (opened) return std::move(*opened);
    if (opened.error().code != errc::in_use) FAIL(opened.error().what);
    std::this_thread::sleep_for(std::chrono::milliseconds{5});
  }
  FAIL("the image stays in use");
  return nullptr;
}

void kill_often(bool is_volatile) {
  const std::string path =
      std::filesystem::temp_directory_path() / ("furrow_kill_" + std::to_string(::getpid()) + ".img");
  const std::string uri = "file:" + path + "?size=6M&zone_size=1M&block_size=512&append_max=64K&appends_per_zone=8" +
                          (is_volatile ? "&volatile_cache=1" : "");
  const char* const given = std::getenv("FURROW_TEST_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  MESSAGE("seed " << seed << "; FURROW_TEST_SEED sets another");
  std::mt19937_64 random{seed};
  open_when_free(uri);
  witness w;
  for (int round = 0; round < rounds; ++round) {
    CAPTURE(round);
    const std::uint64_t child_seed = random();
    run_and_kill(uri, child_seed, round % 2 == 0, std::chrono::microseconds{random() % 60'000}, w);
    const auto d = open_when_free(uri);
    w.check(*d, is_volatile);
  }
  std::filesystem::remove(path);
  MESSAGE(w.records() << " records, " << w.verified() << " appends verified, " << w.lost() << " unflushed ones gone");
  CHECK(w.verified() > 0);
  if (is_volatile) {
    CHECK(w.lost() > 0);
  } else {
    CHECK(w.lost() == 0);
  }
}

}  // namespace

TEST_CASE("every acknowledged append outlives the killing of its process") { kill_often(false); }

TEST_CASE("with a volatile cache every flushed append outlives the killing, and unflushed ones do not") {
  kill_often(true);
}
