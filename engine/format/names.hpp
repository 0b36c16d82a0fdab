// The words for numbers on disk, as dumps, messages and tests write them. A number without a word gives "unknown".
#pragma once

#include <string>
#include <string_view>

#include "format/record.hpp"
#include "format/superblock.hpp"

namespace furrow::format {

[[nodiscard]] std::string_view name_of(zone_role role) noexcept;
/// Generations of the cleaner above the first are "cleaner+1" and so on.
[[nodiscard]] std::string name_of(zone_class cls);
[[nodiscard]] std::string_view name_of(checksum_kind kind) noexcept;
[[nodiscard]] std::string_view name_of(page_kind kind) noexcept;
[[nodiscard]] std::string_view name_of(extent_kind kind) noexcept;
[[nodiscard]] std::string_view name_of(record_type type) noexcept;
[[nodiscard]] std::string_view name_of(collection_action action) noexcept;
[[nodiscard]] std::string_view name_of(drop_end ends) noexcept;
[[nodiscard]] std::string_view name_of(superblock_fault fault) noexcept;

}  // namespace furrow::format
