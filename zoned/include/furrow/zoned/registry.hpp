// Opens a zoned device by URI.
//
//   memory:?size=64M&zone_size=1M        lives and dies with the object
//   file:PATH[?size=1G&zone_size=16M]    created when parameters are given and the file is absent or has no bytes; with
//                                        parameters and an existing image, each one given must agree with the image
//   /dev/nullb0 /dev/sdX /dev/nvme0n1    zoned block device; takes no parameters
//
// Parameters of memory: and file:, with their defaults
//   size=64M  zone_size=1M  zone_capacity=(the zone's size)  block_size=4096 (or 512)
//   max_open=0  max_active=0 (0: no limit)  conventional=0 (so many zones at the front)
//   append_max=128K  appends_per_zone=8  native_append=1 (0: append is supplied by the adaptor, over so many writes)
//   volatile_cache=0 (1: the loss of power takes what was not flushed)
//
// The power of a file: device is its process: with volatile_cache=1 an end without closing is a loss of power.
// In either case the device promises a volatile cache, because the host has one: a flush makes bytes outlive the host.
//
// Sizes take the suffixes K, M, G, T (powers of 1024). An unknown parameter is an error that names it.
#pragma once

#include <memory>
#include <string_view>

#include "furrow/zoned/device.hpp"

namespace furrow::zoned {

struct open_options {
  bool read_only = false;
  /// With read_only: beside another process that writes to the device. What is read may be in the middle of being written
  /// or gone, and zones are reported as they are at that moment.
  bool beside_writer = false;
};

/// What opening gives: a device, or why not, in one line that names the thing and the way out.
using open_result = boost::system::result<std::unique_ptr<device>, failure>;

/// The device accepts every opcode of command.hpp; append is supplied by `ordered_append` where the hardware lacks it.
[[nodiscard]] open_result open(std::string_view uri, const open_options& options = {});

}  // namespace furrow::zoned
