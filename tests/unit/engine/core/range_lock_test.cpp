// Who may change which blocks, against a model that compares everybody with everybody.
#include "core/range_lock.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "sim/random.hpp"

using namespace furrow;
using namespace furrow::core;

namespace {

using ticket = range_lock::ticket;

bool meet(const ticket& a, std::uint64_t first, std::uint64_t end) { return a.first < end && first < a.end; }

/// Tickets in the order of their coming, held or waiting.
class lock_model {
 public:
  bool acquire(const ticket& t) {
    all_.push_back({&t, false});
    return grant().contains(&t);
  }
  std::set<const ticket*> release(const ticket& t) {
    std::erase_if(all_, [&t](const one& o) { return o.who == &t; });
    return grant();
  }
  [[nodiscard]] bool is_free(std::uint64_t first, std::uint64_t end) const {
    return std::none_of(all_.begin(), all_.end(), [&](const one& o) { return meet(*o.who, first, end); });
  }

 private:
  struct one {
    const ticket* who;
    bool held;
  };
  /// L2: who meets nobody that is held, and nobody that came before.
  std::set<const ticket*> grant() {
    std::set<const ticket*> granted;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (all_[i].held) continue;
      bool blocked = false;
      for (std::size_t k = 0; k < all_.size(); ++k)
        blocked =
            blocked || (k != i && (k < i || all_[k].held) && meet(*all_[k].who, all_[i].who->first, all_[i].who->end));
      if (blocked) continue;
      all_[i].held = true;
      granted.insert(all_[i].who);
    }
    return granted;
  }
  std::vector<one> all_;
};

}  // namespace

TEST_CASE("ranges that overlap follow one another, others do not wait") {
  range_lock lock;
  ticket a, b, c, d;
  CHECK(lock.idle());
  CHECK(lock.acquire(a, 2, 4));
  CHECK(lock.acquire(b, 4, 6));  // neighbours
  CHECK_FALSE(lock.acquire(c, 3, 5));
  CHECK_FALSE(lock.is_free(5, 6));
  CHECK(lock.is_free(6, 9));
  CHECK_FALSE(lock.acquire(d, 4, 5));
  std::vector<ticket*> now;
  lock.release(a, now);
  CHECK(now.empty());
  lock.release(b, now);
  CHECK(now == std::vector<ticket*>{&c});
  CHECK((c.held && !c.waits && d.waits && !d.held));
  now.clear();
  lock.release(c, now);
  CHECK(now == std::vector<ticket*>{&d});
  now.clear();
  lock.release(d, now);
  CHECK(now.empty());
  CHECK(lock.idle());
}

TEST_CASE("one that waits is not overtaken by those that come later, and lets them go when it gives up") {
  range_lock lock;
  ticket held, wide, narrow, other;
  REQUIRE(lock.acquire(held, 0, 1));
  REQUIRE_FALSE(lock.acquire(wide, 0, 100));
  CHECK_FALSE(lock.acquire(narrow, 50, 51));  // nobody has it, but `wide` came before
  CHECK(lock.acquire(other, 100, 101));
  std::vector<ticket*> now;
  SUBCASE("it gets its turn") {
    lock.release(held, now);
    CHECK(now == std::vector<ticket*>{&wide});
    now.clear();
    lock.release(wide, now);
  }
  SUBCASE("it gives up") { lock.release(wide, now); }
  CHECK(now == std::vector<ticket*>{&narrow});
  for (ticket* t : {&held, &wide, &narrow, &other})
    if (t->held || t->waits) lock.release(*t, now);
  CHECK(lock.idle());
}

TEST_CASE("random ranges: held and waiting are the model's, and whoever waits has its turn") {
  const char* const given = std::getenv("FURROW_SEED");
  const std::uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 0) : 4711;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  CAPTURE(seed);
  sim::prng chance{seed};
  range_lock lock;
  lock_model model;
  std::array<ticket, 24> tickets;
  std::array<std::uint64_t, 24> came{};
  std::uint64_t clock = 0;
  std::set<ticket*> before_it;  // those that were there when `patient` came
  ticket* patient = nullptr;
  const auto release = [&](ticket& t) {
    std::vector<ticket*> now;
    lock.release(t, now);
    REQUIRE((!t.held && !t.waits));
    before_it.erase(&t);
    if (&t == patient) patient = nullptr;
    REQUIRE(std::set<const ticket*>(now.begin(), now.end()) == model.release(t));
    REQUIRE(std::is_sorted(now.begin(), now.end(), [&](const ticket* a, const ticket* b) {
      return came[static_cast<std::size_t>(a - tickets.data())] < came[static_cast<std::size_t>(b - tickets.data())];
    }));
  };
  for (int step = 0; step < 100'000; ++step) {
    CAPTURE(step);
    const std::size_t i = chance.below(tickets.size());
    ticket& t = tickets[i];
    if (!t.held && !t.waits) {
      const std::uint64_t first = chance.below(40), end = first + chance.scaled(1, 40);
      REQUIRE(lock.is_free(first, end) == model.is_free(first, end));
      came[i] = ++clock;
      const bool held = lock.acquire(t, first, end);
      REQUIRE(held == model.acquire(t));
      if (!held && patient == nullptr) {
        patient = &t;
        before_it.clear();
        for (ticket& o : tickets)
          if (&o != &t && (o.held || o.waits)) before_it.insert(&o);
      }
    } else if (t.held || chance.below(10) == 0) {
      release(t);
    }
    for (const ticket& a : tickets)
      for (const ticket& b : tickets)
        if (&a < &b && a.held && b.held) REQUIRE_FALSE(meet(a, b.first, b.end));  // L1
    if (patient != nullptr && before_it.empty()) {
      REQUIRE(patient->held);  // when all who came before are gone, whoever came since
      patient = nullptr;
    }
  }
  for (bool any = true; any;) {
    any = false;
    for (ticket& t : tickets)
      if (t.held) {
        release(t);
        any = true;
      }
  }
  for (const ticket& t : tickets) REQUIRE_FALSE(t.waits);
  CHECK(lock.idle());
}
