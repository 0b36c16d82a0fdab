// Assertions of the device layer: always on, for our own mistakes only. What a medium or a caller says is never
// ensured.
#pragma once

#include <boost/assert/source_location.hpp>
#include <cstdio>
#include <cstdlib>

namespace furrow::zoned {

inline void ensure(bool holds, const boost::source_location& where = BOOST_CURRENT_LOCATION) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "furrow: assertion failed at %s:%u in %s\n", where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name());
  std::abort();
}

}  // namespace furrow::zoned
