#include "core/assert.hpp"

#include <cstdio>
#include <cstdlib>

namespace furrow::core {

void assertion_failed(const char* condition, const char* file, int line) noexcept {
  std::fprintf(stderr, "furrow: assertion failed: %s, %s:%d\n", condition, file, line);
  std::abort();
}

}  // namespace furrow::core
