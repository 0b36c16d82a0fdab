#include "format/fault.hpp"

#include <string>

namespace furrow::format {
namespace {

class category final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "furrow.format"; }

  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<fault>(value)) {
      case fault::magic:
        return "no such structure there";
      case fault::checksum:
        return "the checksum does not agree";
      case fault::store:
        return "it belongs to another store";
      case fault::malformed:
        return "it is sealed but against the format";
    }
    return "unknown fault";
  }
};

}  // namespace

const boost::system::error_category& fault_category() noexcept {
  static const category instance;
  return instance;
}

}  // namespace furrow::format
