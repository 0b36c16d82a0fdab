// Opens the character device of an NVMe namespace (/dev/ngXnY) and asks what it is.
//
// Not here: IO (command_ring.hpp), the meaning of bytes (nvme_layout.hpp).
#pragma once

#include <string>

#include "furrow/zoned/error.hpp"
#include "furrow/zoned/geometry.hpp"
#include "furrow/zoned/guarantees.hpp"
#include "unique_fd.hpp"

namespace furrow::zoned::nvme {

struct opened_namespace {
  unique_fd fd;
  unique_fd guard;  ///< The block device of the same namespace, held exclusively: nobody mounts or opens it meanwhile.
  std::uint32_t id = 0;
  geometry shape;
  guarantees promises;  ///< native_append if that is the better way to write.
  std::string writing;  ///< That, and why.
};

/// errc::not_zoned, errc::in_use, errc::unsupported, or what the system says.
[[nodiscard]] boost::system::result<opened_namespace, failure> open_namespace(const std::string& path, bool read_only);

}  // namespace furrow::zoned::nvme
