// What the kernel says of the device behind a path, beyond what the device itself promises: for people only.
//
// Source: Documentation/ABI/stable/sysfs-block and sysfs-class-nvme of the kernel.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace furrow::cli {

struct kernel_queue {
  std::string model;             ///< "QEMU NVMe Ctrl"; empty where nothing says so.
  std::string kernel;            ///< "Linux 6.12.0".
  std::string scheduler;         ///< The chosen one: "none", "mq-deadline".
  std::string character_device;  ///< Of the same NVMe namespace, if there is one: "/dev/ng0n1".
  std::string folder;            ///< "/sys/class/block/nvme0n1/queue".
  std::string zones;             ///< "host-managed", "host-aware", "none".
  std::string cache;             ///< "write back", "write through".
  bool is_passthrough =
      false;  ///< The path is the namespace's character device: the limits of zones are the device's own.
  bool plugs_zone_writes = false;             ///< Linux 6.10 and later.
  std::optional<std::uint64_t> open_max;      ///< Of zones; 0: none.
  std::optional<std::uint64_t> active_max;    ///< The same.
  std::optional<std::uint64_t> request_kib;   ///< Largest request.
  std::optional<std::uint64_t> hardware_kib;  ///< Largest request that the device would take.
  std::optional<std::uint64_t> append_bytes;  ///< Largest zone append within the kernel.
  std::optional<std::uint64_t> requests;      ///< How many the queue holds.

  /// open_max is no limit of the device: it states none, and the kernel plugs writes of so many zones.
  [[nodiscard]] bool open_max_is_default() const;
};

/// Empty strings where there is no answer; it never fails.
[[nodiscard]] kernel_queue ask_kernel(const std::string& uri);

}  // namespace furrow::cli
