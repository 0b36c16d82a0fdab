// An outcome as a table for people and as JSON for programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "bench/plan.hpp"

namespace furrow::bench {

struct subject {
  std::string device;    ///< As the device names itself.
  std::string workload;  ///< As the user named it.
  bool checksums = true;
};

[[nodiscard]] nlohmann::ordered_json to_json(const subject& s, const plan& p, const outcome& o);
[[nodiscard]] std::string to_table(const subject& s, const plan& p, const outcome& o);

}  // namespace furrow::bench
