// Where blocks are written to: an object of a new store on a device, or a file.
//
// Invariants
//   I1  put and get may be called by several threads at a time, for ranges that do not overlap; nothing else may.
//   I2  Offsets, lengths and memory are multiples of 4,096.
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "furrow/engine/error.hpp"

namespace furrow::full {

/// How an operation ended.
struct ending {
  error_code code;
  std::string what;       ///< One line; empty if it went well.
  bool no_space = false;  ///< It failed because there was no room.
};

class place {
 public:
  place() = default;
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  virtual ~place() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  /// What it says that it holds, asked when it is empty.
  [[nodiscard]] virtual std::uint64_t capacity_bytes() const = 0;
  /// Of the whole device; 0: not known.
  [[nodiscard]] virtual std::uint64_t device_bytes() const = 0;

  [[nodiscard]] virtual ending put(std::uint64_t offset_bytes, std::span<const std::byte> from) = 0;
  [[nodiscard]] virtual ending get(std::uint64_t offset_bytes, std::span<std::byte> to) = 0;
  /// All that was put is on the device.
  [[nodiscard]] virtual ending sync() = 0;
  /// Closes it and opens it again, so that nothing is known any more but what is on the device. Throws.
  virtual void reopen() = 0;

  /// Bytes given to the device so far, by its own account; 0: not known.
  [[nodiscard]] virtual std::uint64_t written_bytes() const = 0;
  /// What else it tells of itself; null: nothing.
  [[nodiscard]] virtual nlohmann::ordered_json told() const = 0;
};

/// Formats the device: its data are lost. Throws.
[[nodiscard]] std::unique_ptr<place> make_store_place(const std::string& uri, bool force);
/// A new file, past the page cache where its file system can do that. Throws.
[[nodiscard]] std::unique_ptr<place> make_file_place(const std::string& path);

}  // namespace furrow::full
