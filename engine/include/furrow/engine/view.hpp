// A range of an object as read-only memory: a snapshot, filled from the store when it is touched, verified.
//
// Rules
//   - It shows what was published when it was made; it stays that, whatever becomes of the object. Blocks that it shows are
//     kept on the device until the last copy of the view is gone.
//   - Touching memory that is not filled waits for the store. Bytes that cannot be read, or do not fit their sums, are never
//     shown as zeros: the access gets SIGBUS. So does what was not filled when the store has ended. populate() says why.
//   - Its whole length counts against store_options::view_bytes_max as long as it is there.
//   - It needs a store on a thread of its own (else needs_own_thread), so that a fault waits for nobody who waits for it.
//   - It is a source: to write it, give the view to async_write. Its memory as a plain buffer is only for what is pinned or
//     populated, and not released meanwhile: the store must not fault in memory that it would have to fill.
//   - Where only faults of user mode are permitted (vm.unprivileged_userfaultfd), system calls that are given memory of a
//     view which is not filled fail with EFAULT. Children of the process do not have it.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "furrow/engine/detail/initiate.hpp"
#include "furrow/engine/run_on.hpp"
#include "furrow/engine/source.hpp"

namespace furrow {

namespace driver {
class driver;
class view_memory;
}  // namespace driver

struct map_options {
  /// Where userfaultfd is not permitted: everything is read at once into plain memory. Else unsupported.
  bool copy_where_denied = false;
  /// 4 KiB .. 1 MiB, a power of two. What is filled around a byte that is touched.
  std::uint64_t fill_bytes = 64 << 10;
};

class view final : public source {
 public:
  view(std::shared_ptr<driver::driver> by, std::shared_ptr<driver::view_memory> memory);
  ~view() override;

  [[nodiscard]] const std::byte* data() const;
  [[nodiscard]] std::uint64_t bytes() const override;
  [[nodiscard]] std::span<const std::byte> memory() const { return {data(), bytes()}; }
  /// Plain memory that was filled when it was made.
  [[nodiscard]] bool copied() const;
  /// Of whole pages.
  [[nodiscard]] std::uint64_t filled_bytes() const;

  /// Fills these bytes: void(error_code, std::uint64_t bytes). Errors: of a read, and closed.
  template <asio::completion_token_for<void(error_code, std::uint64_t)> Token>
  auto async_populate(std::uint64_t from_bytes, std::uint64_t count, Token&& token) const {
    return detail::initiate<void(error_code, std::uint64_t)>(&populating::start, populating{by_, memory_},
                                                             std::forward<Token>(token), from_bytes, count);
  }
  /// The same, waiting for it.
  [[nodiscard]] error_code populate(std::uint64_t from_bytes, std::uint64_t count) override;
  /// Whole pages of the range that nobody has pinned are given back; they are filled again when they are touched. Returns the
  /// bytes given back.
  std::uint64_t release_pages(std::uint64_t from_bytes, std::uint64_t count);

  /// Pins pages that are filled.
  [[nodiscard]] std::span<const std::byte> acquire(std::uint64_t from_bytes, std::uint64_t bytes_max) override;
  void release(std::span<const std::byte> held) override;
  [[nodiscard]] error_code copy(std::uint64_t from_bytes, std::span<std::byte> to) override;

 private:
  struct populating {
    static constexpr bool calls_handlers = true;
    std::shared_ptr<driver::driver> by;
    std::shared_ptr<driver::view_memory> memory;
    [[nodiscard]] asio::any_io_executor get_executor() const;
    void start(detail::handler_of<void(error_code, std::uint64_t)>, std::uint64_t, std::uint64_t) const;
  };

  std::shared_ptr<driver::driver> by_;
  std::shared_ptr<driver::view_memory> memory_;
};

}  // namespace furrow
