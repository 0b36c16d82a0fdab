// What comes next: kinds, lengths and offsets drawn at random, near the edges of blocks and the object's end more often
// than elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "fsx.hpp"

namespace furrow::fsx {

struct operation {
  std::uint64_t number = 0;
  op_kind kind = op_kind::sync;
  std::size_t object = 0;
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  std::size_t source = 0;                 ///< Of a clone,
  std::uint64_t source_offset_bytes = 0;  ///< or where a view begins that is written.
  bool durable = false;
};
[[nodiscard]] std::string to_text(const operation& o);

class drawer {
 public:
  /// `size_of` tells an object's size once all that was drawn before is done.
  drawer(const run_options& options, std::function<std::uint64_t(std::size_t)> size_of)
      : options_{options}, size_of_{std::move(size_of)}, state_{options.seed} {}

  [[nodiscard]] operation next(std::uint64_t number);
  [[nodiscard]] std::uint64_t below(std::uint64_t bound) { return random() % bound; }
  [[nodiscard]] bool one_in(std::uint64_t n) { return below(n) == 0; }
  void fill(std::span<std::byte> to);

 private:
  [[nodiscard]] std::uint64_t random();
  [[nodiscard]] op_kind kind();
  [[nodiscard]] std::uint64_t length();
  /// In [0, end], with a bias.
  [[nodiscard]] std::uint64_t offset(std::uint64_t end);
  void range_inside(operation& o, std::uint64_t size);
  void range_anywhere(operation& o, std::uint64_t size);
  [[nodiscard]] bool clone(operation& o);
  [[nodiscard]] bool map(operation& o, std::uint64_t size);
  [[nodiscard]] bool write_view(operation& o, std::uint64_t size);

  const run_options& options_;
  std::function<std::uint64_t(std::size_t)> size_of_;
  std::uint64_t state_;
};

}  // namespace furrow::fsx
