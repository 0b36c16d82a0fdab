// page_editor against std::map: after each step the page has the map's cells, and I1, I2 and I3 hold.
#include <doctest/doctest.h>

#include <map>

#include "format/page.hpp"
#include "random.hpp"
#include "samples.hpp"

namespace furrow::format::test {
namespace {

using model = std::map<std::string, bytes>;

class page_under_test {
 public:
  page_under_test() : data_(page_bytes), editor_{std::span<std::byte, page_bytes>{data_.data(), page_bytes}} {
    std::fill(data_.begin(), data_.end(), std::byte{0xee});
    editor_.init();
  }
  page_editor& editor() { return editor_; }
  model cells;

  [[nodiscard]] std::size_t model_used_bytes() const {
    std::size_t used = page_header_bytes;
    for (const auto& [k, v] : cells) {
      used += page_view::cell_footprint_bytes(k.size(), v.size());
    }
    return used;
  }

  void check() const {
    REQUIRE(editor_.count() == cells.size());
    std::size_t i = 0;
    for (const auto& [k, v] : cells) {
      REQUIRE(editor_.key(i) == k);
      REQUIRE(std::ranges::equal(editor_.value(i), v));
      REQUIRE(editor_.lower_bound(k) == i);
      ++i;
    }
    const std::size_t used = model_used_bytes();
    REQUIRE(editor_.used_bytes() == used);
    REQUIRE(editor_.free_bytes() == (used + 6 < page_bytes ? page_bytes - used - 6 : 0));
    // I1 to I3 as the decoder sees them.
    bytes sealed = data_;
    seal_page(sealed, {page_kind::object, 0, sample_store(), 1, 1, 1});
    const auto checked = check_page(sealed, sample_store());
    REQUIRE(checked.has_value());
  }

 private:
  bytes data_;
  page_editor editor_;
};

void put(page_under_test& page, const std::string& k, const bytes& v) {
  const auto old = page.cells.find(k);
  const std::size_t without =
      page.model_used_bytes() -
      (old == page.cells.end() ? 0 : page_view::cell_footprint_bytes(k.size(), old->second.size()));
  const bool fits = without + page_view::cell_footprint_bytes(k.size(), v.size()) <= page_bytes;
  REQUIRE(page.editor().put(k, v) == fits);
  if (fits) {
    page.cells[k] = v;
  }
}

void erase(page_under_test& page, std::size_t index) {
  page.editor().erase(index);
  page.cells.erase(std::next(page.cells.begin(), static_cast<std::ptrdiff_t>(index)));
}

/// Moves the tail to an empty page, and sometimes all of it back to the end.
void move_tail(page_under_test& page, random_source& random) {
  const std::size_t index = random.below(page.cells.size() + 1);
  page_under_test other;
  page.editor().move_tail(index, other.editor());
  const auto cut = std::next(page.cells.begin(), static_cast<std::ptrdiff_t>(index));
  other.cells.insert(cut, page.cells.end());
  page.cells.erase(cut, page.cells.end());
  page.check();
  other.check();
  if (random.one_in(2)) {
    other.editor().move_tail(0, page.editor());
    page.cells.merge(other.cells);
    other.check();
  }
}

struct sizes {
  const char* what;
  std::size_t key_letters;  ///< Fewer letters make more equal keys.
  std::size_t key_bytes_max;
  std::size_t value_bytes_max;
};

TEST_CASE("page_editor: any puts, erases and moves leave the page as the map") {
  const sizes all[] = {
      {"extents", 4, 16, 20}, {"tiny, many", 256, 3, 2}, {"large, few", 256, 300, 1020}, {"any", 8, 40, 400}};
  random_source random;
  CAPTURE(random.seed());
  for (const sizes& s : all) {
    CAPTURE(s.what);
    page_under_test page;
    page.check();
    for (int step = 0; step < 6000; ++step) {
      CAPTURE(step);
      const std::uint64_t choice = random.below(100);
      if (choice < 70 || page.cells.empty()) {
        std::string k(random.below(s.key_bytes_max + 1), '\0');
        for (char& c : k) {
          c = static_cast<char>(256 - random.between(1, s.key_letters));
        }
        put(page, k, random.some_bytes(random.below(s.value_bytes_max + 1)));
      } else if (choice < 98) {
        erase(page, random.below(page.cells.size()));
      } else {
        move_tail(page, random);
      }
      page.check();
    }
  }
}

TEST_CASE("page_editor: a full page takes a cell again exactly when there is room for it") {
  page_under_test page;
  std::size_t n = 0;
  while (page.editor().free_bytes() >= 3 + 20) {
    put(page, std::string{static_cast<char>(n / 256), static_cast<char>(n % 256), 'k'}, bytes(20, std::byte{1}));
    ++n;
  }
  page.check();
  const std::size_t room = page.editor().free_bytes();
  REQUIRE(page.editor().put("zzz", bytes(room - 3 + 1)) == false);
  page.check();
  put(page, "zzz", bytes(room - 3));
  page.check();
  CHECK(page.editor().free_bytes() == 0);
  // A cell freed from the middle leaves a hole that only compaction can use.
  erase(page, n / 2);
  page.check();
  put(page, "zzzz", bytes(3 + 20 - 4));
  page.check();
  CHECK(page.editor().used_bytes() == page_bytes);
}

TEST_CASE("page_editor: replacing a value by a shorter, an equal and a longer one") {
  page_under_test page;
  for (const std::size_t length : {100u, 40u, 40u, 0u, 1000u, 1319u, 7u}) {
    put(page, "k", bytes(length, static_cast<std::byte>(length)));
    page.check();
    put(page, "l", bytes(10));
    page.check();
  }
}

TEST_CASE("page_editor: a value that no longer fits is refused and the old one stays") {
  page_under_test page;
  put(page, "a", bytes(1319));
  put(page, "b", bytes(1319));
  put(page, "d", bytes(100));
  put(page, "c", bytes(1000, std::byte{7}));
  const std::size_t room = page.editor().free_bytes() + 6;
  REQUIRE(page.editor().put("c", bytes(1000 + room + 1)) == false);
  page.check();
  put(page, "c", bytes(1000 + room));
  page.check();
}

TEST_CASE("page: three of the largest cells fit") {
  page_under_test page;
  for (const char* k : {"a", "b", "c"}) {
    put(page, k, bytes(cell_bytes_max - 1));
  }
  page.check();
  CHECK(page.cells.size() == 3);
}

TEST_CASE("page_view: lower_bound orders keys that differ in any byte, or in length alone") {
  page_under_test page;
  const auto add = [&page](const std::string& k) {
    if (page.editor().put(k, {})) page.cells[k] = {};
  };
  const std::string same(40, '\x80');
  std::vector<std::string> keys;
  for (std::size_t length = 0; length <= 25; ++length) {
    keys.push_back(same.substr(0, length));
    for (std::size_t at = length > 3 ? length - 3 : 0; at < length; ++at)
      for (const char other : {'\x00', '\x7f', '\x81', '\xff'}) {
        keys.push_back(same.substr(0, length));
        keys.back()[at] = other;
      }
  }
  random_source random;
  CAPTURE(random.seed());
  for (int i = 0; i < 90; ++i) add(keys[random.between(0, keys.size() - 1)]);
  for (const std::string& k : keys) {
    const auto expected = std::distance(page.cells.begin(), page.cells.lower_bound(k));
    REQUIRE(page.editor().lower_bound(k) == static_cast<std::size_t>(expected));
  }
}

TEST_CASE("page_view: lower_bound answers as the map for present and absent keys, by exhaustion") {
  // Pages of each subset of four keys, asked for each key of up to two letters.
  const std::string letters{"\0a\x80\xff", 4};
  std::vector<std::string> asked = {""};
  for (const char a : letters) {
    asked.push_back({a});
    for (const char b : letters) {
      asked.push_back({a, b});
    }
  }
  const std::string held[] = {"", "a", std::string{"a\0", 2}, "\x80\xff"};
  for (unsigned subset = 0; subset < 16; ++subset) {
    page_under_test page;
    for (unsigned i = 0; i < 4; ++i) {
      if ((subset >> i & 1) != 0) {
        put(page, held[i], {});
      }
    }
    page.check();
    for (const std::string& k : asked) {
      const auto expected = std::distance(page.cells.begin(), page.cells.lower_bound(k));
      REQUIRE(page.editor().lower_bound(k) == static_cast<std::size_t>(expected));
    }
  }
}

}  // namespace
}  // namespace furrow::format::test
