// Opens a zoned device by URI.
//
//   memory:?size=64M&zone_size=1M&zone_capacity=768K&block_size=4096&max_open=8&max_active=12
//                        &conventional=2&volatile_cache=1&append_max=128K&appends_per_zone=8
//                        lives and dies with the object
//   file:PATH[?the same parameters]      created when parameters are given and the file is absent; with parameters
//                        and an existing image, each must agree with the image
//   /dev/nullb0 /dev/sdX /dev/nvme0n1    zoned block device
//
// Sizes take the suffixes K, M, G, T (powers of 1024). An unknown parameter is an error that names it.
#pragma once

#include <memory>
#include <string_view>

#include "furrow/zoned/device.hpp"

namespace furrow::zoned {

struct open_options {
  bool read_only = false;
};

/// What opening gives: a device, or why not, in one line that names the thing and the way out.
using open_result = boost::system::result<std::unique_ptr<device>, failure>;

/// The device accepts every opcode of command.hpp; append is supplied by `ordered_append` where the hardware lacks it.
[[nodiscard]] open_result open(std::string_view uri, const open_options& options = {});

}  // namespace furrow::zoned
