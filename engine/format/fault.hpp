// Why bytes from a medium are not the structure that was expected there.
//
// Not here: what to do about it (core/recovery), a superblock's and a record's own faults (superblock.hpp, record.hpp).
#pragma once

#include <boost/system/error_code.hpp>

namespace furrow::format {

enum class fault {
  magic = 1,  ///< Something else, or nothing.
  checksum,   ///< Begun like one, but its bytes are not those that were sealed.
  store,      ///< A true one, of another store.
  malformed,  ///< Sealed, and yet against the format: a bug of the writer or a forgery.
};

const boost::system::error_category& fault_category() noexcept;

inline boost::system::error_code make_error_code(fault f) noexcept { return {static_cast<int>(f), fault_category()}; }

}  // namespace furrow::format

template <>
struct boost::system::is_error_code_enum<furrow::format::fault> : std::true_type {};
