// A change that a repair makes: cells of the trees, or a number that stands beside them. All of it, or nothing, is in a
// checkpoint.
//
// Not here: what is to be mended (checker), how (repairer).
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "core/limits.hpp"
#include "format/page.hpp"
#include "furrow/engine/repair.hpp"
#include "furrow/engine/types.hpp"
#include "furrow/zoned/units.hpp"

namespace furrow::core {

struct mend {
  struct cell {
    format::page_kind tree{};
    format::key at;
    std::optional<std::vector<std::byte>> value;  ///< None: the cell goes.
  };
  struct object_total {
    std::uint64_t objects = 0;
  };
  struct account_use {
    collection_id collection = default_collection;
    std::uint64_t blocks = 0;
  };
  struct zone_live {
    zoned::zone_index zone;
    std::uint32_t blocks = 0;
  };

  repair_change told;
  std::vector<cell> cells;  ///< Changed in this order.
  std::variant<std::monostate, object_total, account_use, zone_live> beside;
};

}  // namespace furrow::core
