// The test of order_test.hpp.
#include "adapt/order_test.hpp"

#include <poll.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

#include "ensure.hpp"

namespace furrow::zoned {
namespace {

constexpr std::size_t portion_zones = 1024;
constexpr std::string_view content = "a test of order\n";
static_assert(store_block_bytes % content.size() == 0);

struct free_block {
  void operator()(std::byte* p) const { ::operator delete (p, std::align_val_t{store_block_bytes}); }
};

/// Runs commands to their end, all of them at once.
class bare_runner {
 public:
  explicit bare_runner(device& on) : device_{on} {}

  /// True if all succeeded in full.
  [[nodiscard]] bool run(std::span<const command> commands) {
    std::size_t submitted = 0, done = 0;
    bool good = true;
    while (done < commands.size()) {
      submitted += device_.submit(commands.subspan(submitted));
      completion c;
      if (device_.reap({&c, 1}) == 0) {
        wait();
        continue;
      }
      ++done;
      const auto which = static_cast<std::size_t>(c.id.value);
      ensure(which < commands.size());
      last_bytes_ = c.bytes;
      good =
          good && !c.error && (commands[which].op != opcode::write || c.bytes == total_bytes(commands[which].segments));
    }
    return good;
  }
  [[nodiscard]] std::span<const zone_info> report(zone_index first, std::span<zone_info> to) {
    const command c{.id = {0}, .op = opcode::report, .zone = first, .offset_bytes = 0, .segments = {}, .zones = to};
    if (!run({&c, 1})) return {};
    return to.first(std::min<std::size_t>(last_bytes_, to.size()));
  }

 private:
  void wait() {
    ::pollfd readable{.fd = device_.completion_fd(), .events = POLLIN, .revents = 0};
    ::poll(&readable, 1, 1000);
  }

  device& device_;
  std::uint64_t last_bytes_ = 0;
};

/// An empty zone with room for `bytes`; none if there is none, or if one more active zone were too many.
std::optional<zone_info> spare_zone(device& bare, bare_runner& runner, std::uint64_t bytes) {
  const std::uint32_t count = bare.shape().zone_count;
  const std::optional<std::uint32_t> active_max = bare.shape().active_max;
  std::vector<zone_info> portion(std::min<std::size_t>(portion_zones, count));
  std::optional<zone_info> spare;
  std::uint32_t active = 0;
  std::uint32_t next = count / 2;
  for (std::uint32_t seen = 0; seen < count && (active_max || !spare);) {
    const std::size_t wanted = std::min({portion.size(), std::size_t{count - next}, std::size_t{count - seen}});
    const auto zones = runner.report({next}, std::span{portion}.first(wanted));
    if (zones.empty()) return std::nullopt;
    for (const zone_info& z : zones) {
      active += is_active(z.condition) ? 1U : 0U;
      const bool fits = z.type == zone_type::sequential && z.condition == zone_condition::empty;
      if (!spare && fits && z.capacity_bytes >= bytes) spare = z;
    }
    seen += static_cast<std::uint32_t>(zones.size());
    next = (next + static_cast<std::uint32_t>(zones.size())) % count;
  }
  return active_max && active >= *active_max ? std::nullopt : spare;
}

}  // namespace

order_test test_order(device& bare, std::uint32_t depth) {
  bare_runner runner{bare};
  const std::uint64_t bytes = std::uint64_t{2} * depth * store_block_bytes;
  const std::optional<zone_info> zone = spare_zone(bare, runner, bytes);
  if (!zone) return order_test::impossible;
  const std::unique_ptr<std::byte, free_block> block{
      static_cast<std::byte*>(::operator new (store_block_bytes, std::align_val_t{store_block_bytes}))};
  for (std::size_t i = 0; i < store_block_bytes; i += content.size()) {
    std::memcpy(block.get() + i, content.data(), content.size());
  }
  const segment piece{block.get(), store_block_bytes};
  std::vector<command> writes(depth);
  bool good = true;
  for (std::uint64_t round = 0; round < 2 && good; ++round) {
    for (std::uint64_t i = 0; i < depth; ++i) {
      writes[i] = {.id = {i},
                   .op = opcode::write,
                   .zone = zone->index,
                   .offset_bytes = (round * depth + i) * store_block_bytes,
                   .segments = {&piece, 1},
                   .zones = {}};
    }
    good = runner.run(writes);
  }
  zone_info after;
  good = good && !runner.report(zone->index, {&after, 1}).empty() && after.write_pointer_bytes == bytes;
  const command reset{
      .id = {0}, .op = opcode::reset, .zone = zone->index, .offset_bytes = 0, .segments = {}, .zones = {}};
  good = runner.run({&reset, 1}) && good;
  return good ? order_test::agrees : order_test::disagrees;
}

}  // namespace furrow::zoned
