// All that a few opens can leave behind, of a few groups each: whatever a device shows of it, the chain is what the opens knew.
//
// The model   an open goes on behind what it found, and flushes each group before the next. So the power takes at most its
//             last one, and what the next open finds is known when it opens. A group that it did without may come to light
//             later, where it was written or, with blocks lost that were before it, behind what was written since.
#include <doctest/doctest.h>

#include <deque>

#include "handwritten_journal.hpp"

using namespace furrow;
using namespace furrow::test;

namespace {

/// What the next open finds of the last group of one, and what is found of it later.
enum class fate { kept, gone, shown, shown_behind };
constexpr fate fates[] = {fate::kept, fate::gone, fate::shown, fate::shown_behind};

struct session {
  std::uint32_t groups = 0;
  fate last = fate::kept;
};

struct history {
  std::vector<session> opens;
  std::size_t first_zone_groups = 0;  ///< The later ones are written to the next zone.
  bool turned = false;                ///< The latest of the groups shown behind comes first.
  bool cut = false;                   ///< The head is behind the first group.
};

std::string text(const history& h) {
  constexpr const char* fate_names[] = {"kept", "gone", "shown", "shown behind"};
  std::string to;
  for (const session& s : h.opens)
    to += std::to_string(s.groups) + " groups" +
          (s.groups > 0 ? std::string{", the last "} + fate_names[static_cast<int>(s.last)] : "") + "; ";
  return to + "next zone after " + std::to_string(h.first_zone_groups) + (h.turned ? ", turned" : "") +
         (h.cut ? ", cut" : "");
}

struct written {
  handwritten_journal journal;
  groups truth;
  std::uint32_t zone = 2;
};

written write(const history& h) {
  written w;
  handwritten_journal& j = w.journal;
  const group start = j.start();
  std::deque<group> all;
  std::vector<group*> truth, in_place[2], behind[2];
  for (std::size_t open = 0; open < h.opens.size(); ++open) {
    const session& s = h.opens[open];
    j.opened(open + 1, truth.size() + 1);
    for (std::uint32_t i = 0; i < s.groups; ++i) {
      const bool in_next = all.size() >= h.first_zone_groups;
      group& g = all.emplace_back(
          j.make(truth.empty() ? start : *truth.back(), open + 1, 1 + all.size() % 2, in_next ? 3 : 2));
      const fate f = i + 1 == s.groups ? s.last : fate::kept;
      if (f == fate::kept) truth.push_back(&g);
      if (f == fate::kept || f == fate::shown) in_place[in_next].push_back(&g);
      if (f == fate::shown_behind) behind[in_next].push_back(&g);
    }
  }
  w.zone = all.size() >= h.first_zone_groups ? 3 : 2;
  for (std::uint32_t zone = 2; zone <= w.zone; ++zone) {
    j.begin_zone(zone);
    for (group* g : in_place[zone - 2]) j.write(*g);
    j.put_pages(1);
    std::vector<group*>& last = behind[zone - 2];
    if (h.turned) std::reverse(last.begin(), last.end());
    for (group* g : last) j.write(*g);
  }
  for (const group* g : truth) w.truth.push_back(*g);
  if (h.cut && !w.truth.empty()) {
    j.cut_behind(w.truth.front());
    w.truth.erase(w.truth.begin());
  }
  return w;
}

/// How many scans.
std::size_t check(const history& h) {
  INFO(text(h));
  written w = write(h);
  expect_whole(w.journal, w.truth, w.zone);
  std::size_t scans = 1;
  for (std::size_t i = 0; i + 1 < w.truth.size(); ++i, ++scans) {  // the last is no other than one that was cut off
    CAPTURE(i);
    w.journal.spoil(w.truth[i]);
    const auto f = w.journal.scan();
    CHECK(f->scan.damage());
    w.journal.spoil(w.truth[i]);
  }
  return scans;
}

/// Each history of `h` and so many opens more; how many scans.
std::size_t check_all(history h, std::uint32_t opens, std::uint32_t groups_max) {
  std::size_t scans = 0;
  if (opens > 0) {
    for (std::uint32_t groups = 0; groups <= groups_max; ++groups) {
      for (const fate f : fates) {
        if (groups == 0 && f != fate::kept) continue;                               // nothing to tell apart
        if (opens == 1 && (f == fate::shown || f == fate::shown_behind)) continue;  // no open is behind it
        h.opens.push_back({groups, f});
        scans += check_all(h, opens - 1, groups_max);
        h.opens.pop_back();
      }
    }
    return scans;
  }
  std::size_t groups = 0;
  for (const session& s : h.opens) groups += s.groups;
  const auto behind = std::ranges::count(h.opens, fate::shown_behind, &session::last);
  for (h.first_zone_groups = 0; h.first_zone_groups <= groups + 1; ++h.first_zone_groups) {
    for (const bool cut : {false, true}) {
      h.cut = cut;
      for (const bool turned : {false, true}) {
        h.turned = turned;
        if (!turned || behind > 1) scans += check(h);
      }
    }
  }
  return scans;
}

}  // namespace

TEST_CASE("the chain is what the opens knew, whatever of theirs comes to light, and a missing one is missed") {
  std::size_t scans = 0;
  SUBCASE("of three opens, up to two groups each") { scans = check_all({}, 3, 2); }
  SUBCASE("of four opens, up to one group each") { scans = check_all({}, 4, 1); }
  MESSAGE(scans << " scans");
}
