// A store whose objects know what is in each of their blocks, to be cleaned while it is changed, closed or failed.
//
// Not here: what cleaning ought to do; the tests say so.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "support/core_runner.hpp"

namespace furrow::test {

using bytes = std::vector<std::byte>;

inline constexpr std::uint64_t block = 4096;

inline store_options by_hand() {
  store_options o;
  o.background_cleaning = false;
  o.checkpoint_journal_bytes_min = 0;
  return o;
}

/// Objects of which each block has a number that says what is in it.
class cleaned_world {
 public:
  explicit cleaned_world(const device_shape& shape, const store_options& o = by_hand())
      : zones{shape.make()}, store{zones, o} {
    store.format_and_open();
  }
  core::handle_id make(const std::string& name, std::uint64_t blocks) {
    const core::handle_id h = store.create(name);
    bytes all;
    for (std::uint64_t b = 0; b < blocks; ++b) {
      const bytes one = pattern(++version_, block);
      all.insert(all.end(), one.begin(), one.end());
      is[h.value].push_back(version_);
    }
    for (std::uint64_t at = 0; at < blocks; at += 16) {
      bytes part(all.begin() + static_cast<std::ptrdiff_t>(at * block),
                 all.begin() + static_cast<std::ptrdiff_t>(std::min(blocks, at + 16) * block));
      store.append(h, part);
    }
    return h;
  }
  core::request_body overwrite(core::handle_id h, std::uint64_t first, std::uint64_t blocks) {
    bytes& to = memory_.emplace_back();
    for (std::uint64_t b = 0; b < blocks; ++b) {
      const bytes one = pattern(is[h.value][first + b] = ++version_, block);
      to.insert(to.end(), one.begin(), one.end());
    }
    core::write_request r;
    r.handle = h;
    r.offset_bytes = first * block;
    r.bytes = to.size();
    r.segments = {{to.data(), to.size()}};
    return r;
  }
  void write(core::handle_id h, std::uint64_t first, std::uint64_t blocks) {
    core_runner::good(store.ask(overwrite(h, first, blocks)));
    memory_.clear();
  }
  clean_result clean(double share = 1) {
    return std::get<clean_result>(core_runner::good(store.ask(core::clean_request{share})).result);
  }
  void compare(core::handle_id h) { compare(h, is[h.value]); }
  void compare(core::handle_id h, const std::vector<std::uint64_t>& wanted) {
    const bytes all = store.read(h, 0, wanted.size() * block);
    for (std::size_t b = 0; b < wanted.size(); ++b) {
      CAPTURE(b);
      const bytes one = pattern(wanted[b], block);
      REQUIRE(std::equal(one.begin(), one.end(), all.begin() + static_cast<std::ptrdiff_t>(b * block)));
    }
  }
  void check() {
    const core::check_result c = store.check();
    for (const auto& f : c.findings) MESSAGE(f.what);
    REQUIRE(c.damage == 0);
  }
  core::handle_id reopen(const std::string& name) {
    core_runner::good(store.open());
    return std::get<core::opened_object>(core_runner::good(store.ask(core::open_object_request{0, name, 0})).result)
        .handle;
  }

  zoned::memory_zones zones;
  core_runner store;
  std::map<std::uint64_t, std::vector<std::uint64_t>> is;  // by handle

 private:
  std::uint64_t version_ = 0;
  std::vector<bytes> memory_;
};

inline constexpr std::uint64_t many = 47 * 8;  // eight zones' worth

/// Eight zones, of each of which a part is dead.
inline core::handle_id half_dead(cleaned_world& w) {
  const core::handle_id h = w.make("a", many);
  for (std::uint64_t b = 0; b < many; b += 6) w.write(h, b, std::min<std::uint64_t>(3, many - b));
  return h;
}

/// Calls when so many commands have been given out.
inline void at_command(cleaned_world& w, std::uint64_t step, std::function<void()> call) {
  w.store.watch = [step, call = std::move(call)](const zoned::command&) mutable {
    if (step != 0 && --step == 0) call();
  };
}

}  // namespace furrow::test
