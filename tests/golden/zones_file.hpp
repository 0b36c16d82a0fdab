// The zones of a small device in a small file, so that a whole store can be checked in.
//
// Layout, little-endian
//   "FZONES01" | lba_bytes u32 | zone_count u32 | zone_bytes u64 | conventional u32 (the first so many zones) | zero u32
//   for each zone: capacity_bytes u64 | write_pointer_bytes u64 (a conventional one: the end of what was written) | its words below that, in runs:
//     n u32, n > 0: n times the word u64 that follows     n < 0: -n words u64 follow as they are
//
// Not here: what a store is (store_images_test.cpp).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "memory/memory_zones.hpp"

namespace furrow::golden {

[[nodiscard]] std::string text_of(const zoned::memory_zones& zones);
/// Nothing if the text is no such file.
[[nodiscard]] std::optional<zoned::memory_zones> zones_of(std::string_view text, const zoned::guarantees& promises);

}  // namespace furrow::golden
