// Opens a zoned device that lives in memory and tells its shape.
#include <furrow/zoned/error.hpp>
#include <furrow/zoned/geometry.hpp>

#include <iostream>

int main() {
  const furrow::error_code full = furrow::zoned::errc::zone_full;
  const furrow::zoned::geometry shape{.zone_bytes = 1 << 20, .zone_count = 64, .last_zone_bytes = 1 << 20};
  std::cout << shape.zone_count << " zones, " << shape.bytes() << " bytes; when one is full: " << full.message()
            << '\n';
  return shape.bytes() == 64 << 20 ? 0 : 1;
}
