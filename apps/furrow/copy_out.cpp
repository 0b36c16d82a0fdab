// Two buffers: one is read while the other is written out.
#include "copy_out.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/use_future.hpp>
#include <future>
#include <span>
#include <vector>

#include "failure.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t piece_bytes = 1 << 20;

/// One read in flight, and whether it failed.
class piece {
 public:
  void start(const object& from, byte_range range) {
    detail_ = {};
    memory_.resize(range.end - range.begin);
    range_ = range;
    done_ = from.with({.detail = &detail_}).async_read(range.begin, asio::buffer(memory_), asio::use_future(keep_code));
  }
  std::span<const std::byte> finish(const std::string& name) {
    if (const error_code why = done_.get()) {
      if (!detail_.bytes) {
        detail_.offset_bytes = range_.begin;
        detail_.bytes = range_.end - range_.begin;
      }
      throw make_failure(name, why, detail_);
    }
    return memory_;
  }
  ~piece() {
    if (done_.valid()) done_.wait();  // the memory is the operation's until then
  }

 private:
  static error_code keep_code(error_code code, std::uint64_t) { return code; }
  std::vector<std::byte> memory_;
  byte_range range_{};
  error_detail detail_;
  std::future<error_code> done_;
};

}  // namespace

void copy_out(output& out, const object& from, const std::string& name, byte_range range) {
  std::array<piece, 2> pieces;
  const auto next = [&range] {
    const byte_range front{range.begin, std::min(range.end, range.begin + piece_bytes)};
    range.begin = front.end;
    return front;
  };
  if (range.begin == range.end) return;
  std::size_t reading = 0;
  pieces[reading].start(from, next());
  for (bool more = true; more; reading ^= 1) {
    const std::span<const std::byte> bytes = pieces[reading].finish(name);
    more = range.begin < range.end;
    if (more) pieces[reading ^ 1].start(from, next());
    out.write(bytes);
  }
}

}  // namespace furrow::cli
