// Formats a device, appends to an object durably, and reads it back. Any device will do: memory:?size=64M, a file
// (file:/tmp/zones?size=1G&zone_size=16M, made if it is absent), or a zoned block device.
#include <furrow/engine/blocking.hpp>
#include <furrow/zoned/registry.hpp>
#include <iostream>

int main(int argc, char** argv) try {
  auto device = furrow::zoned::open(argc > 1 ? argv[1] : "memory:?size=64M&zone_size=1M");
  if (!device) throw std::runtime_error(device.error().what);
  device = furrow::blocking_store::format(std::move(*device), {.force = true}).value();

  const furrow::blocking_store store = furrow::blocking_store::open(std::move(*device), {}).value();
  const furrow::blocking_object log = store.create({.name = "log"}).value();
  const std::string line = "a line that survives\n";
  const auto at = log.append(boost::asio::buffer(line), {.level = furrow::durability::durable}).value();

  std::string back(at.bytes, ' ');
  log.read(at.offset_bytes, boost::asio::buffer(back)).value();
  store.close().value();
  std::cout << back;
  return back == line ? 0 : 1;
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
