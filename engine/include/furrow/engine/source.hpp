// Memory to be written that may not be there when it is needed: a mapping of a file, a view of an object.
//
// The store never touches such memory unless it holds it. It writes what it can hold from the front on; then, with nothing
// of the write on its way, it has the rest made resident off its own thread, and goes on from the exact byte reached. Only
// if still nothing of the rest can be held, a bounded piece of it is copied.
//
// What an implementation promises
//   - acquire() and release() never wait, for nobody: they are called on the store's thread.
//   - populate() and copy() may wait for as long as it takes, also for reads and appends of the store. They are called on
//     the one thread that the store keeps for this: what needs that thread itself (another such write, filling a view) is
//     not to be waited for, nor the thread of the caller's io_context, which may wait for them when the store ends.
//   - All of them may be called by several writes at a time. The bytes do not change while a write uses them.
//   - No access that it makes raises a signal: what cannot be read is an error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "furrow/engine/error.hpp"

namespace furrow {

class source {
 public:
  source() = default;
  source(const source&) = delete;
  source& operator=(const source&) = delete;
  virtual ~source() = default;

  [[nodiscard]] virtual std::uint64_t bytes() const = 0;
  /// Memory of the bytes from there on, at most so many, that can be read without a fault until it is released; none if the
  /// first of them is not resident.
  [[nodiscard]] virtual std::span<const std::byte> acquire(std::uint64_t from_bytes, std::uint64_t bytes_max) = 0;
  /// What acquire() has given, whole.
  virtual void release(std::span<const std::byte> held) = 0;
  /// Makes these bytes resident. They may go again before they are acquired.
  [[nodiscard]] virtual error_code populate(std::uint64_t from_bytes, std::uint64_t bytes) = 0;
  [[nodiscard]] virtual error_code copy(std::uint64_t from_bytes, std::span<std::byte> to) = 0;
};

/// A mapping of a file that the caller has made, and keeps until this is gone. What is resident of it is held by locking it
/// (mlock2), within RLIMIT_MEMLOCK; so memory that the caller has locked himself is not for this: it is a plain buffer.
///
/// A file that becomes shorter fails the write with source_failed if it is noticed when the bytes are made resident. It must
/// not become shorter while they are held, which nothing can prevent from outside the file.
class mapping_source final : public source {
 public:
  explicit mapping_source(std::span<const std::byte> mapping);
  ~mapping_source() override;

  [[nodiscard]] std::uint64_t bytes() const override { return mapping_.size(); }
  [[nodiscard]] std::span<const std::byte> acquire(std::uint64_t from_bytes, std::uint64_t bytes_max) override;
  void release(std::span<const std::byte> held) override;
  [[nodiscard]] error_code populate(std::uint64_t from_bytes, std::uint64_t bytes) override;
  [[nodiscard]] error_code copy(std::uint64_t from_bytes, std::span<std::byte> to) override;

 private:
  std::span<const std::byte> mapping_;
  int pagemap_ = -1;
};

}  // namespace furrow
