// What one seed stands for: a device, its promises and faults, a store's options, and what is done to it. Whole
// features are switched off at random, so that what hides behind them is met as well.
//
// Invariants
//   I1  A scenario is a function of its seed alone.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "furrow/engine/options.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"
#include "furrow/zoned/zone.hpp"
#include "sim/devotion.hpp"
#include "sim/faults.hpp"
#include "sim/sim_device.hpp"

namespace furrow::sim {

/// Everything that the workload does; each kind is carried out by one function of it.
enum class action : std::uint8_t {
  create_named,
  create_anonymous,
  open_by_name,
  open_by_id,
  release,
  append,
  read,
  stat,
  set_attributes,
  rename,
  remove,
  list,
  batch,
  write,
  write_zeroes,
  punch,
  trim_front,
  truncate,
  clone,
  clone_within,
  reserve,
  sync_object,
  sync_store,
  wait_durable,
  checkpoint,
  clean,
  cancel,
  statistics,
  misuse,
  scrub,
  set_quota,
  collections,
  count
};
inline constexpr std::size_t action_count = static_cast<std::size_t>(action::count);
[[nodiscard]] const char* name_of(action a);
/// Those that change an object elsewhere than behind its end.
inline constexpr std::array edit_actions{action::write,       action::write_zeroes, action::punch,
                                         action::trim_front,  action::truncate,     action::clone,
                                         action::clone_within};

struct workload_weights {
  std::array<std::uint32_t, action_count> of{};
  std::uint32_t durable_per_mille = 200;  ///< Appends and batches that wait for durability.
  std::uint64_t append_bytes_max = 0;
  std::uint32_t small_append_per_mille = 500;
  std::uint32_t in_flight_max = 16;
  std::uint32_t objects_max = 32;
  std::uint32_t names = 24;
  std::uint32_t collections = 0;                ///< Beside the default one.
  std::uint32_t fill_percent = 50;              ///< Of the capacity: more is made room for by removing.
  std::uint32_t interruptions_per_million = 0;  ///< Of the device's steps.
  std::uint32_t process_end_per_mille = 200;    ///< Of the interruptions; the others are losses of power.
  std::uint32_t interrupt_recovery_per_mille = 150;
  std::uint32_t clean_reopen_per_million = 0;  ///< Of the operations.
  std::uint32_t device_steps_per_operation = 3;
};

struct scenario {
  std::uint64_t seed = 0;
  zoned::geometry shape;
  std::vector<zoned::zone_info> zones;
  zoned::guarantees promises;
  fault_weights faults;
  zone_fault_weights zone_faults;
  lie_weights lies;
  disorder order;
  store_options store;
  format_options format;
  workload_weights work;
  std::optional<fault> devoted_to;
  bool hostile_options = false;               ///< As are quotas.
  std::array<bool, action_count> left_out{};  ///< Never asked, for a shorter script.

  /// Of an ordered extent, whatever the option says.
  [[nodiscard]] std::uint64_t extent_bytes_max() const;
  /// Of the sequential zones: conventional ones take no data.
  [[nodiscard]] std::uint64_t data_bytes() const;
  [[nodiscard]] std::uint32_t data_zones() const;
  /// Whether metadata may have no sequential zones.
  [[nodiscard]] bool keeps_to_conventional() const;
  /// So few zones, for data or for metadata, that a store on them may be full with little in it.
  [[nodiscard]] bool is_tight() const;
  /// Whether objects are changed elsewhere than at their end.
  [[nodiscard]] bool may_edit() const;
  /// Whether zones with data may become useless, so that room is gone that had been there.
  [[nodiscard]] bool loses_zones() const;
  /// Whether the device does all that it is told.
  [[nodiscard]] bool is_healthy() const;
};

[[nodiscard]] scenario draw_scenario(std::uint64_t seed);
/// The same as if no seed was devoted to a fault.
[[nodiscard]] scenario draw_undevoted_scenario(std::uint64_t seed);
/// The same on a device that hardly holds a store, which is full, and where nothing fails.
[[nodiscard]] scenario draw_tiny_scenario(std::uint64_t seed);
/// A small store in which all is done in a short time, and nothing fails but what the caller has fail.
[[nodiscard]] scenario draw_script_scenario(std::uint64_t seed);
/// One line for people.
[[nodiscard]] std::string describe(const scenario& s);

}  // namespace furrow::sim
