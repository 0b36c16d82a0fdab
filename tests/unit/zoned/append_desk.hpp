// ordered_append over a device whose every completion the test decides.
//
// Not here: what is right or wrong; the tests say so.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <vector>

#include "adapt/ordered_append.hpp"
#include "support/zoned_scripted_device.hpp"

namespace furrow::test {

inline constexpr std::uint64_t desk_block = 4096;
inline constexpr std::uint64_t desk_zone_bytes = 16 * desk_block;
inline constexpr std::uint64_t desk_capacity = 12 * desk_block;
inline constexpr zoned::geometry desk_shape{.lba_bytes = 4096,
                                            .zone_bytes = desk_zone_bytes,
                                            .zone_count = 4,
                                            .last_zone_bytes = desk_zone_bytes,
                                            .open_max = {},
                                            .active_max = {}};

inline zoned::guarantees desk_promises() {
  zoned::guarantees p;
  p.append_bytes_max = 8 * desk_block;
  p.in_flight_max = 8;
  return p;
}

inline zoned::zone_info zone_at(std::uint32_t index, std::uint64_t pointer,
                                zoned::zone_condition c = zoned::zone_condition::closed) {
  return {{index}, zoned::zone_type::sequential, c, desk_zone_bytes, desk_capacity, pointer};
}
inline zoned::zone_info conventional_zone(std::uint32_t index) {
  return {{index},
          zoned::zone_type::conventional,
          zoned::zone_condition::not_write_pointer,
          desk_zone_bytes,
          desk_zone_bytes,
          0};
}

class append_desk {
 public:
  explicit append_desk(std::uint32_t depth = 1) {
    auto owned = std::make_unique<scripted_device>(desk_shape, desk_promises());
    below_ = owned.get();
    adaptor_ = std::make_unique<zoned::ordered_append>(std::move(owned), depth);
  }

  std::uint64_t submit(zoned::opcode op, zoned::zone_index zone, std::uint64_t blocks = 0,
                       std::uint64_t offset_bytes = 0) {
    pieces_.push_back(std::make_unique<zoned::segment>(zoned::segment{memory_, blocks * desk_block}));
    const zoned::command c{.id = {++last_id_},
                           .op = op,
                           .zone = zone,
                           .offset_bytes = offset_bytes,
                           .segments = {pieces_.back().get(), blocks == 0 ? 0U : 1U},
                           .zones = {}};
    REQUIRE(adaptor_->submit({&c, 1}) == 1);
    return last_id_;
  }
  std::uint64_t append(std::uint32_t zone, std::uint64_t blocks = 1) {
    return submit(zoned::opcode::append, {zone}, blocks);
  }

  /// Of one zone, by the caller.
  std::uint64_t report(std::uint32_t zone, zoned::zone_info& to) {
    const zoned::command c{.id = {++last_id_},
                           .op = zoned::opcode::report,
                           .zone = {zone},
                           .offset_bytes = 0,
                           .segments = {},
                           .zones = {&to, 1}};
    REQUIRE(adaptor_->submit({&c, 1}) == 1);
    return last_id_;
  }

  /// All completions so far, by id; each id at most once.
  const std::map<std::uint64_t, zoned::completion>& settle() {
    zoned::completion out[3];
    for (std::size_t count = adaptor_->reap(out); count > 0; count = adaptor_->reap(out)) {
      for (std::size_t i = 0; i < count; ++i) REQUIRE(done_.emplace(out[i].id.value, out[i]).second);
    }
    return done_;
  }
  [[nodiscard]] bool is_done(std::uint64_t id) { return settle().contains(id); }
  [[nodiscard]] zoned::completion result(std::uint64_t id) {
    REQUIRE(is_done(id));
    return done_.at(id);
  }
  [[nodiscard]] error_code error(std::uint64_t id) { return result(id).error; }

  /// What the device has at work.
  [[nodiscard]] const std::vector<zoned::command>& at_work() {
    settle();
    return below_->at_work();
  }
  /// The one command that it has.
  [[nodiscard]] zoned::command only() {
    REQUIRE(at_work().size() == 1);
    return below_->at_work()[0];
  }
  void learns(const zoned::zone_info& zone) {
    REQUIRE(only().op == zoned::opcode::report);
    REQUIRE(only().zone == zone.index);
    below_->answer_report(0, zone);
    settle();
  }
  void writes(std::uint64_t offset_bytes, std::uint64_t blocks) {
    REQUIRE(only().op == zoned::opcode::write);
    REQUIRE(only().offset_bytes == offset_bytes);
    REQUIRE(total_bytes(only().segments) == blocks * desk_block);
  }
  /// Completes the oldest, or the one at `position` of at_work().
  void complete(error_code error, std::uint64_t bytes = 0, std::size_t position = 0) {
    below_->complete(position, error, bytes);
    settle();
  }
  [[nodiscard]] bool is_idle() { return at_work().empty(); }

  scripted_device* below_ = nullptr;
  std::unique_ptr<zoned::ordered_append> adaptor_;

 private:
  alignas(4096) std::byte memory_[8 * desk_block]{};
  std::vector<std::unique_ptr<zoned::segment>> pieces_;
  std::map<std::uint64_t, zoned::completion> done_;
  std::uint64_t last_id_ = 0;
};

}  // namespace furrow::test
