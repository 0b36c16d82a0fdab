// Assertions about our own code, on in every build. Never about what a medium or a caller says.
#pragma once

namespace furrow::core {

/// Prints the condition and its place, and aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line) noexcept;

}  // namespace furrow::core

#define FURROW_ASSERT(condition) \
  (static_cast<bool>(condition) ? void(0) : ::furrow::core::assertion_failed(#condition, __FILE__, __LINE__))
#define FURROW_UNREACHABLE() ::furrow::core::assertion_failed("unreachable", __FILE__, __LINE__)
