// The names of the errors, and the bridge from `failure` to exceptions.
#include "furrow/zoned/error.hpp"

#include <boost/throw_exception.hpp>

namespace furrow::zoned {
namespace {

class category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "furrow.zoned"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::io:
        return "the device failed";
      case errc::out_of_range:
        return "no such zone or place on the device";
      case errc::unaligned:
        return "not a multiple of the device's block";
      case errc::too_large:
        return "larger than one command of the device may be";
      case errc::not_sequential:
        return "not at the zone's write pointer";
      case errc::zone_boundary:
        return "does not fit into the zone";
      case errc::zone_full:
        return "the zone is full";
      case errc::zone_read_only:
        return "the zone is read-only";
      case errc::zone_offline:
        return "the zone is offline";
      case errc::invalid_transition:
        return "not possible in the zone's condition";
      case errc::too_many_open:
        return "too many open zones";
      case errc::too_many_active:
        return "too many active zones";
      case errc::cancelled:
        return "cancelled";
      case errc::unsupported:
        return "the device cannot do this";
      case errc::not_zoned:
        return "not a zoned device";
      case errc::in_use:
        return "in use by another process";
      case errc::bad_uri:
        return "not a device URI";
      case errc::bad_image:
        return "not a zone image";
      case errc::device_gone:
        return "the device has disappeared";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

void throw_exception_from_error(const failure& f, const boost::source_location& where) {
  boost::throw_with_location(boost::system::system_error(f.code, f.what), where);
}

}  // namespace furrow::zoned
