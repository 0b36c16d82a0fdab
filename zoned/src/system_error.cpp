// The mapping of system_error.hpp.
#include "system_error.hpp"

#include <cerrno>

namespace furrow::zoned {

error_code device_error(int number) {
  switch (number) {
    case ENODEV:
    case ENXIO:
      return errc::device_gone;
    case EOPNOTSUPP:
    case ENOTTY:
      return errc::unsupported;
    case ECANCELED:
      return errc::cancelled;
    case EOVERFLOW:  // BLK_STS_ZONE_ACTIVE_RESOURCE
      return errc::too_many_active;
    case ETOOMANYREFS:  // BLK_STS_ZONE_OPEN_RESOURCE
      return errc::too_many_open;
    default:
      return errc::io;
  }
}

failure system_failure(int number, std::string what) {
  const error_code code{number, boost::system::system_category()};
  return {code, std::move(what) + ": " + code.message()};
}

}  // namespace furrow::zoned
