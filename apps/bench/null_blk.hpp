// A zoned null_blk device that lives as long as one piece of work.
//
//   this process    makes the device by configfs, waits for the worker, passes SIGINT, SIGTERM and SIGHUP on to it, removes
//                   the device
//   the worker      a child; it may end in any way, by a signal or an assertion too
//
// Source: Documentation/block/null_blk.rst of the kernel.
#pragma once

#include <functional>
#include <string>

#include "bench/null_blk_spec.hpp"

namespace furrow::bench {

/// Does the work with the path of a new device, in a child process, and returns its exit status; if a signal ended the
/// worker, this process ends by the same one. Throws std::runtime_error if there can be no device: not root, no configfs,
/// no module, or the kernel refuses a parameter. To be called while there is one thread.
[[nodiscard]] int with_null_blk(const null_blk_attributes& attributes,
                                const std::function<int(const std::string& path)>& work);

}  // namespace furrow::bench
