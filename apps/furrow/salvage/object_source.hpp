// Where salvage has objects from: a store that opens (store_source.hpp), or what is left of its metadata (rebuilt_store.hpp).
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "furrow/engine/error.hpp"
#include "furrow/engine/types.hpp"

namespace furrow::cli {

/// Of an object: bytes that verify, or a range that is lost. What is neither is a hole.
struct content_piece {
  std::uint64_t offset_bytes = 0;
  std::uint64_t bytes = 0;
  std::span<const std::byte> data;  ///< Empty: lost.
  std::optional<zoned::zone_index> zone;
  std::string why;  ///< It is lost.
};
using take_piece = std::function<void(const content_piece&)>;

enum class found { no, yes, damaged };

class object_source {
 public:
  virtual ~object_source() = default;
  [[nodiscard]] virtual found find(object_id id, object_status& to) = 0;
  /// Of the object that was found last, in order. Nothing ends it but what `take` throws.
  virtual void read(const take_piece& take) = 0;
};

}  // namespace furrow::cli
