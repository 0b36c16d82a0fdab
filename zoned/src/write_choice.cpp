// The rule of write_choice.hpp, and its words.
#include "write_choice.hpp"

#include <algorithm>
#include <utility>

#include "ensure.hpp"
#include "uri.hpp"

namespace furrow::zoned {
namespace {

constexpr std::uint64_t good_append_bytes = 16 << 10;
constexpr std::uint64_t good_write_bytes = 64 << 10;
constexpr std::uint64_t worth_leaving_append = 4;
constexpr std::uint32_t append_depth = 32;
constexpr std::uint32_t ordered_depth = 4;

std::string at_a_time(std::uint32_t depth) {
  return depth == 1 ? "one at a time in each zone" : "up to " + std::to_string(depth) + " in flight in each zone";
}

/// Depth of writes at the write pointer, and why.
std::pair<std::uint32_t, std::string> ordered(const write_facts& facts) {
  std::string keeper;
  switch (facts.order) {
    case kept_order::nobody:
      return {1, "nothing keeps the order of several"};
    case kept_order::emulation:
      return {ordered_depth, "their order is kept"};
    case kept_order::scheduler:
      keeper = "mq-deadline keeps their order";
      break;
    case kept_order::zone_plugs:
      keeper = "the kernel's zone write plugs keep their order";
      break;
  }
  switch (facts.test) {
    case order_test::not_made:
      return {ordered_depth, keeper + "; one that overtakes another will end it"};
    case order_test::agrees:
      return {ordered_depth, keeper + ", and a test has agreed"};
    case order_test::disagrees:
      return {1, keeper + ", but a test has not agreed"};
  }
  ensure(false);
  return {};
}

}  // namespace

write_choice choose_writing(const write_facts& facts) {
  write_choice c;
  const bool has_append = facts.append_bytes_max > 0;
  const bool good = facts.append_bytes_max >= good_append_bytes;
  c.append = has_append && (good || facts.append_bytes_max * worth_leaving_append > facts.write_bytes_max);
  if (c.append) {
    c.depth = append_depth;
    c.command_bytes_max = facts.append_bytes_max;
    c.coalesce_bytes = std::min(good_append_bytes, c.command_bytes_max);
    c.because =
        "zone append, " + at_a_time(c.depth) + ": the device has it, for up to " + format_size(facts.append_bytes_max);
    return c;
  }
  const auto [depth, why] = ordered(facts);
  c.depth = depth;
  c.command_bytes_max = facts.write_bytes_max;
  c.coalesce_bytes = std::min(good_write_bytes, c.command_bytes_max);
  c.because = "writes at the write pointer, " + at_a_time(depth) + ": " + why;
  if (has_append) c.because += "; its zone append takes " + format_size(facts.append_bytes_max) + " at most";
  return c;
}

}  // namespace furrow::zoned
