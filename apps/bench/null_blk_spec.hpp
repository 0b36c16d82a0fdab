// The parameters of a null_blk device as text, KEY=VALUE,.., and as the attributes that the kernel's configfs wants.
//
//   key            default           attribute         in
//   size           1G                size              MiB
//   zone_size      16M               zone_size         MiB, a power of two
//   zone_capacity  the zone's size   zone_capacity     MiB
//   conventional   0                 zone_nr_conv
//   max_open       0, no limit       zone_max_open
//   max_active     0, no limit       zone_max_active
//   block_size     4096              blocksize         512 to 4096, a power of two
//   memory_backed  1                 memory_backed     0 or 1
//   queues         1                 submit_queues
//   queue_depth    64                hw_queue_depth
//
// Sizes take the suffixes K, M and G, as in the URIs of emulated devices.
//
// Not here: the device itself (null_blk.hpp).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace furrow::bench {

/// Names and values of attributes, in the order in which they are to be set.
using null_blk_attributes = std::vector<std::pair<std::string, std::string>>;

/// Throws std::invalid_argument, which names the parameter that is wrong, and why.
[[nodiscard]] null_blk_attributes parse_null_blk(std::string_view text);

}  // namespace furrow::bench
