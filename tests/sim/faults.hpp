// Which commands fail, and how: drawn by weight, or the Nth of them.
//
// Fate of a command
//   whole       as the device does it
//   shortened   append, write: success, a front part of at least one LBA landed
//   failed      errc::io; of an append or write anything between nothing and all has landed, a reset is done or not,
//               a flush covers nothing
//
// Not here: what is left after a loss of power (cache_model.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "furrow/zoned/command.hpp"
#include "sim/random.hpp"

namespace furrow::sim {

enum class fate : std::uint8_t { whole = 1, shortened, failed };

struct fault_weights {
  std::uint32_t shortened_ppm = 0;             ///< Of appends and writes.
  std::array<std::uint32_t, 10> failed_ppm{};  ///< By opcode.

  [[nodiscard]] std::uint32_t& failing(zoned::opcode op) { return failed_ppm[static_cast<std::size_t>(op)]; }
  [[nodiscard]] std::uint32_t failing(zoned::opcode op) const { return failed_ppm[static_cast<std::size_t>(op)]; }
};

/// The Nth command from now on fails (counted from 1), and with `persistent` all after it.
struct nth_fault {
  std::uint64_t command = 0;
  bool persistent = false;
  std::optional<zoned::opcode> only;  ///< Counts commands of this opcode only.
};

class fault_plan {
 public:
  explicit fault_plan(const fault_weights& weights) : weights_{weights} {}

  [[nodiscard]] fate draw(zoned::opcode op, prng& chance);
  void fail_nth(const nth_fault& f) { nth_ = f, counted_ = 0; }
  /// Nothing fails while this is off; shortened completions stay.
  void allow_failures(bool allow) { allowed_ = allow; }

  [[nodiscard]] std::uint64_t failures() const { return failures_; }
  [[nodiscard]] std::uint64_t failures_of(zoned::opcode op) const { return failures_of_[static_cast<std::size_t>(op)]; }
  [[nodiscard]] std::uint64_t shortened() const { return shortened_; }

 private:
  [[nodiscard]] bool nth_hits(zoned::opcode op);

  fault_weights weights_;
  std::optional<nth_fault> nth_;
  std::uint64_t counted_ = 0;
  std::uint64_t failures_ = 0;
  std::array<std::uint64_t, 10> failures_of_{};
  std::uint64_t shortened_ = 0;
  bool allowed_ = true;
};

}  // namespace furrow::sim
