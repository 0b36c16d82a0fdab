// What the driver brings that the core must not have: random numbers, the clock's verdict on checksums, and the refusal
// of options out of their range.
#pragma once

#include <optional>
#include <string>

#include "furrow/engine/options.hpp"
#include "furrow/engine/types.hpp"

namespace furrow::driver {

/// A random (version 4) UUID.
[[nodiscard]] uuid random_uuid();

/// Times the implementations of CRC32C once in the process, and selects the faster one.
void choose_crc32c();

/// What is wrong with the options, in one line.
[[nodiscard]] std::optional<std::string> refusal(const store_options& options);
[[nodiscard]] std::optional<std::string> refusal(const format_options& options);

}  // namespace furrow::driver
