// What can go wrong on a zoned device, one code for each cause a caller can act on.
//
// Not here: errors of a store (furrow/engine/error.hpp).
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>

namespace furrow {

using error_code = boost::system::error_code;
template <class T>
using result = boost::system::result<T>;

}  // namespace furrow

namespace furrow::zoned {

enum class errc {
  io = 1,              ///< The medium or the transport failed; nothing is known about the length.
  out_of_range,        ///< The command names a zone or bytes that the device does not have.
  unaligned,           ///< Offset, length or memory is not a multiple of what the device needs.
  too_large,           ///< The command is over append_bytes_max, transfer_bytes_max or vectors_max.
  not_sequential,      ///< A write does not begin at the zone's write pointer.
  zone_boundary,       ///< The bytes do not fit below the zone's capacity.
  zone_full,           ///< The zone takes no more writes until it is reset.
  zone_read_only,      ///< The device has made the zone read-only.
  zone_offline,        ///< The device has taken the zone out of service.
  invalid_transition,  ///< The zone's condition or type does not allow the command.
  too_many_open,       ///< The device's limit of open zones is reached.
  too_many_active,     ///< The device's limit of active zones is reached.
  cancelled,           ///< Cancelled before the device began it; nothing was written.
  unsupported,         ///< This device cannot execute the command.
  not_zoned,           ///< The path names a device without zones.
  in_use,              ///< Another process has the device open.
  bad_uri,             ///< The device's URI cannot be understood.
  bad_image,           ///< The file is not a zone image, or its header is damaged.
  device_gone,         ///< The device has disappeared.
};

const boost::system::error_category& error_category() noexcept;

inline error_code make_error_code(errc e) noexcept { return {static_cast<int>(e), error_category()}; }

/// An error of a function that a person called: the code, and one line that names the thing and the way out.
struct failure {
  error_code code;
  std::string what;
};

/// Makes `open_result::value()` throw a boost::system::system_error that carries both.
[[noreturn]] void throw_exception_from_error(const failure& f, const boost::source_location& where);

}  // namespace furrow::zoned

template <>
struct boost::system::is_error_code_enum<furrow::zoned::errc> : std::true_type {};
