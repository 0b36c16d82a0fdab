#include <furrow/zoned/registry.hpp>
#include <iostream>

int main() {
  const auto device = furrow::zoned::open("memory:?size=64M&zone_size=1M&zone_capacity=768K");
  if (!device) {
    std::cerr << device.error().what << '\n';
    return 1;
  }
  const furrow::zoned::geometry& shape = (*device)->shape();
  std::cout << (*device)->name() << ": " << shape.zone_count << " zones of " << shape.zone_bytes << " bytes\n";
}
