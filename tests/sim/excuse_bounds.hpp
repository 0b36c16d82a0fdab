// How many errors one cause may excuse.
//
// Each cause allows, when it comes, so many errors of its kind as there are operations then that it can befall and that nothing
// has befallen that way yet. What is excused beyond that is a surplus, and a broken promise.
//
// Invariants
//   B1  Causes and errors of one life of the store are compared with each other: a new one begins with none.
//   B2  Kinds that is_exact() names have no bound here: what excuses them is looked up for the very operation at its answer
//       (that there is not the room, the quota, the place among those in flight or the byte that was asked for), and an operation
//       is answered once. None of them is a cause that goes on to excuse others.
//
// Not here: what the causes are, and whom they befall (workload_causes.cpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace furrow::sim {

/// What an error may be excused by.
enum class excuse : std::uint8_t {
  foretold,
  cancelled,
  closed,
  memory,
  busy,
  no_space,
  quota,
  device_failed,
  reopening,
  lied,
  lost,
  too_large,
  source,
  gone,
  behind,  ///< Of the same object, what failed.
  beyond_end,
  count
};
inline constexpr std::size_t excuse_count = static_cast<std::size_t>(excuse::count);
[[nodiscard]] const char* name_of(excuse e);
[[nodiscard]] bool is_exact(excuse e);

/// Of one kind, over any number of lives.
struct excuse_share {
  std::uint64_t errors = 0;
  std::uint64_t allowed = 0;
  std::uint32_t largest_per_mille = 0;  ///< Of its bound, that the errors of a life came to.

  void add(const excuse_share& other);
};
using excuse_shares = std::array<excuse_share, excuse_count>;

class excuse_bounds {
 public:
  void allow(excuse e, std::uint64_t errors = 1);
  /// One error more. Why that is too many, if it is.
  [[nodiscard]] std::optional<std::string> spend(excuse e);
  void begin_life();
  /// Of all lives, the present one too.
  [[nodiscard]] excuse_shares shares() const;

 private:
  struct account {
    std::uint64_t errors = 0;
    std::uint64_t allowed = 0;
  };
  std::array<account, excuse_count> now_{};
  excuse_shares before_{};
};

}  // namespace furrow::sim
