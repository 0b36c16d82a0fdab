// The operating system's error numbers as the errors of this layer.
#pragma once

#include <string>

#include "furrow/zoned/error.hpp"

namespace furrow::zoned {

/// For a command on an open device: what a caller can act on has its own code, the rest is errc::io.
[[nodiscard]] error_code device_error(int number);

/// For opening: keeps the system's code; the line is `what`, a colon and the system's words.
[[nodiscard]] failure system_failure(int number, std::string what);

}  // namespace furrow::zoned
