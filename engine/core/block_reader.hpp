// Reads runs of blocks of one zone into a buffer of its own, one read at a time, each tried attempts_max times: for opening and
// formatting, where a read that fails must not be taken for bytes that are not there.
#pragma once

#include <algorithm>
#include <functional>
#include <utility>

#include "core/context.hpp"

namespace furrow::core {

class block_reader final : public io_client {
 public:
  /// The bytes hold until the next read.
  using call_type = std::function<void(error_code, std::span<const std::byte>)>;

  explicit block_reader(context& c) : c_{c} {}

  void read(zoned::zone_index zone, std::uint64_t block, std::uint64_t blocks, call_type call) {
    FURROW_ASSERT(!call_ && blocks > 0);
    call_ = std::move(call);
    zone_ = zone;
    first_ = block;
    blocks_ = blocks;
    done_ = 0;
    if (buffer_.bytes() < blocks * block_bytes) buffer_ = buffer{blocks * block_bytes};
    next();
  }

  void io_done(std::uint64_t, const zoned::completion& c) override {
    const std::uint64_t part = std::min(blocks_ - done_, std::max<std::uint64_t>(1, c_.transfer_blocks_max()));
    error_code ec = c.error;
    if (!ec && c.bytes != part * block_bytes) ec = zoned::errc::io;
    if (ec && ++attempts_ < attempts_max) return next();
    attempts_ = 0;
    done_ += part;
    if (!ec && done_ < blocks_) return next();
    std::exchange(call_, nullptr)(ec, buffer_.part(0, ec ? 0 : blocks_ * block_bytes));
  }

 private:
  void next() {
    const std::uint64_t part = std::min(blocks_ - done_, std::max<std::uint64_t>(1, c_.transfer_blocks_max()));
    c_.io.submit({.op = zoned::opcode::read,
                  .zone = zone_,
                  .offset_bytes = (first_ + done_) * block_bytes,
                  .segments = {{buffer_.data() + done_ * block_bytes, part * block_bytes}}},
                 *this, 0);
  }

  static constexpr std::uint32_t attempts_max = 3;

  context& c_;
  std::uint32_t attempts_ = 0;
  buffer buffer_;
  call_type call_;
  zoned::zone_index zone_;
  std::uint64_t first_ = 0, blocks_ = 0, done_ = 0;
};

}  // namespace furrow::core
