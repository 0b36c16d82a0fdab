// Opens what a loss of power left and looks at all of it.
//
// What is held
//   1  it opens without an error and without damage, and answers every question
//   2  each object: its end, attributes, name, and every byte; names are listed once each, and lead to who bears them
//   3  extents lie side by side; a block that is not said to be shared is named once
//   4  `check` finds nothing; objects and live bytes are as the accounts have them
//   5  when it has come to rest no zone is kept by nothing: what is dead was freed and reset, or waits to be filled
//   6  it closes, and what the next open finds is the same
//
// Not here: what it should hold (explorer.hpp).
#pragma once

#include "crash/contents.hpp"
#include "crash/session.hpp"

namespace furrow::crash {

struct inspection {
  object_id id_max = 0;  ///< The last one that may be there.
  bool reopen = true;    ///< 6
  std::int64_t now_ns = 2'000'000'000'000'000'000;
  store_options options{};
};

/// Opens, looks, lets it rest, looks at the zones, and closes. Throws broken_promise.
[[nodiscard]] contents inspect(recorder& device, const inspection& how);

}  // namespace furrow::crash
