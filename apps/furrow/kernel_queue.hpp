// What the kernel says of the device behind a path, beyond what the device itself promises: for people only.
//
// Source: Documentation/ABI/stable/sysfs-block and sysfs-class-nvme of the kernel.
#pragma once

#include <string>

namespace furrow::cli {

struct kernel_queue {
  std::string model;             ///< "QEMU NVMe Ctrl"; empty where nothing says so.
  std::string kernel;            ///< "Linux 6.12.0".
  std::string scheduler;         ///< The chosen one: "none", "mq-deadline".
  std::string character_device;  ///< Of the same NVMe namespace, if there is one: "/dev/ng0n1".
};

/// Empty strings where there is no answer; it never fails.
[[nodiscard]] kernel_queue ask_kernel(const std::string& uri);

}  // namespace furrow::cli
