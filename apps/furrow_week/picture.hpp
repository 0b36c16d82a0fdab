// Write amplification over time as a picture: an SVG that needs nothing else.
#pragma once

#include <string>
#include <vector>

namespace furrow::week {

struct sample {
  double hours = 0;       ///< Since the beginning.
  double wa = 0;          ///< Of the hour that ended then.
  double wa_so_far = 0;   ///< Since the beginning.
  double free_share = 0;  ///< Of the store's capacity.
};

[[nodiscard]] std::string picture(const std::string& title, const std::vector<sample>& samples);

}  // namespace furrow::week
