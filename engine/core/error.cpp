#include "furrow/engine/error.hpp"

#include <iterator>

namespace furrow {
namespace {

struct row {
  errc error;
  const char* text;
};

constexpr row rows[]{
    {errc::not_found, "no such object"},
    {errc::exists, "the name is taken"},
    {errc::name_empty, "the name is empty"},
    {errc::name_too_long, "the name is longer than 1,024 bytes"},
    {errc::attributes_too_large, "the attributes are too large"},
    {errc::invalid_argument, "invalid argument"},
    {errc::collection_not_found, "no such collection"},
    {errc::no_space, "no space left in the store"},
    {errc::out_of_range, "behind the object's end"},
    {errc::offset_mismatch, "the object's end is elsewhere"},
    {errc::fenced, "a higher fence epoch has been stated"},
    {errc::predecessor_failed, "an earlier append of the object failed"},
    {errc::checksum_mismatch, "the device returned other bytes than were written"},
    {errc::needs_reopen, "the store must be reopened: what is durable is not known"},
    {errc::read_only, "the store is open for reading only"},
    {errc::damaged, "the store is damaged"},
    {errc::not_a_store, "the device holds no store"},
    {errc::formatted, "the device holds a store already"},
    {errc::newer_format, "the store is of a newer format"},
    {errc::unsupported_feature, "the store uses a feature that is not known"},
    {errc::wrong_device, "the store belongs to a device of another shape"},
    {errc::too_small, "the device is too small"},
    {errc::too_few_active_zones, "the device allows too few active zones"},
    {errc::superseded, "another open of the store has taken over"},
    {errc::busy, "a bound of the store is reached"},
    {errc::closed, "closed"},
    {errc::cancelled, "cancelled"},
    {errc::timed_out, "timed out"},
    {errc::needs_own_thread, "the store needs a thread of its own for this"},
    {errc::unsupported, "not supported"},
    {errc::too_fragmented, "the range has too many extents for one operation"},
    {errc::source_failed, "the memory to be written cannot be read"},
    {errc::quota_exceeded, "the collection's quota is reached"},
    {errc::older_format, "the store is of an older format"},
    {errc::moved_on, "the store has moved on since it was opened beside its writer"},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < std::size(rows); ++i)
    if (static_cast<std::size_t>(rows[i].error) != i + 1) return false;
  return true;
}
static_assert(in_order(), "one row for each error, as they are declared");

class category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "furrow"; }

  [[nodiscard]] std::string message(int value) const override {
    return value >= 1 && static_cast<std::size_t>(value) <= std::size(rows) ? rows[value - 1].text : "unknown error";
  }
};

}  // namespace

const boost::system::error_category& error_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace furrow
