// A device's shape and promises, for people and for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "furrow/zoned/device.hpp"

namespace furrow::cli {

struct device_text {
  std::vector<std::pair<std::string, std::string>> rows;  ///< Label and value.
  nlohmann::json json;
};

[[nodiscard]] device_text describe_device(const zoned::geometry& shape, const zoned::guarantees& promises,
                                          const std::string& name);
[[nodiscard]] inline device_text describe_device(const zoned::device& device) {
  return describe_device(device.shape(), device.promises(), device.name());
}

}  // namespace furrow::cli
