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

/// On a blank device the first sequential zone from the middle on with room for `bytes`; on others none.
std::optional<zone_info> zone_of_blank(device& bare, bare_runner& runner, std::uint64_t bytes) {
  const std::uint32_t count = bare.shape().zone_count;
  std::vector<zone_info> portion(std::min<std::size_t>(portion_zones, count));
  std::optional<zone_info> chosen;
  for (std::uint32_t next = 0; next < count;) {
    const std::size_t wanted = std::min<std::size_t>(portion.size(), count - next);
    const auto zones = runner.report({next}, std::span{portion}.first(wanted));
    if (zones.empty()) return std::nullopt;
    for (const zone_info& z : zones) {
      if (z.type == zone_type::conventional) continue;
      if (z.condition != zone_condition::empty) return std::nullopt;
      if (z.capacity_bytes >= bytes && (!chosen || chosen->index.value < count / 2)) chosen = z;
    }
    next += static_cast<std::uint32_t>(zones.size());
  }
  return chosen;
}

}  // namespace

order_test test_order(device& bare, std::uint32_t depth) {
  bare_runner runner{bare};
  const std::uint64_t bytes = std::uint64_t{2} * depth * store_block_bytes;
  const std::optional<zone_info> zone = zone_of_blank(bare, runner, bytes);
  if (!zone) return order_test::not_made;
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
