#include "furrow/engine/error.hpp"

namespace furrow {
namespace {

class category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "furrow"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<errc>(value)) {
      case errc::not_found:
        return "no such object";
      case errc::exists:
        return "the name is taken";
      case errc::name_empty:
        return "the name is empty";
      case errc::name_too_long:
        return "the name is longer than 1,024 bytes";
      case errc::attributes_too_large:
        return "the attributes are too large";
      case errc::invalid_argument:
        return "invalid argument";
      case errc::collection_not_found:
        return "no such collection";
      case errc::no_space:
        return "no space left in the store";
      case errc::out_of_range:
        return "behind the object's end";
      case errc::offset_mismatch:
        return "the object's end is elsewhere";
      case errc::fenced:
        return "a higher fence epoch has been stated";
      case errc::predecessor_failed:
        return "an earlier append of the object failed";
      case errc::checksum_mismatch:
        return "the device returned other bytes than were written";
      case errc::needs_reopen:
        return "the store must be reopened: what is durable is not known";
      case errc::read_only:
        return "the store is open for reading only";
      case errc::damaged:
        return "the store is damaged";
      case errc::not_a_store:
        return "the device holds no store";
      case errc::formatted:
        return "the device holds a store already";
      case errc::older_format:
        return "the store is of an older format";
      case errc::newer_format:
        return "the store is of a newer format";
      case errc::unsupported_feature:
        return "the store uses a feature that is not known";
      case errc::wrong_device:
        return "the store belongs to a device of another shape";
      case errc::too_small:
        return "the device is too small";
      case errc::too_few_active_zones:
        return "the device allows too few active zones";
      case errc::superseded:
        return "another open of the store has taken over";
      case errc::busy:
        return "a bound of the store is reached";
      case errc::closed:
        return "closed";
      case errc::cancelled:
        return "cancelled";
      case errc::timed_out:
        return "timed out";
      case errc::needs_own_thread:
        return "the store needs a thread of its own for this";
      case errc::unsupported:
        return "not supported";
      case errc::too_fragmented:
        return "the range has too many extents for one operation";
      case errc::source_failed:
        return "the memory to be written cannot be read";
      case errc::quota_exceeded:
        return "the collection's quota is reached";
    }
    return "unknown error";
  }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace furrow
