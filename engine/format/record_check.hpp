// Limits of records, the same for both ways: asserted of what is encoded, demanded of what was decoded.
#pragma once

#include "format/record.hpp"

namespace furrow::format {

/// What is wrong, or nothing.
using complaint = const char*;
inline constexpr complaint none = nullptr;

[[nodiscard]] complaint check_attributes(const attribute_set& a);
[[nodiscard]] complaint check(const publish_record& r);
[[nodiscard]] complaint check(const tail_record& r);
[[nodiscard]] complaint check(const create_record& r);
[[nodiscard]] complaint check(const remove_record& r);
[[nodiscard]] complaint check(const rename_record& r);
[[nodiscard]] complaint check(const attributes_record& r);
[[nodiscard]] complaint check(const zone_role_record& r);
[[nodiscard]] complaint check(const zone_free_record& r);
[[nodiscard]] complaint check(const batch_begin_record& r);
[[nodiscard]] complaint check(const batch_end_record& r);
[[nodiscard]] complaint check(const collection_record& r);
[[nodiscard]] complaint check(const drop_record& r);
[[nodiscard]] complaint check(const punch_record& r);
[[nodiscard]] complaint check(const clone_record& r);
[[nodiscard]] complaint check(const move_record& r);

}  // namespace furrow::format
