// A block that is taken for a superblock or for a zone's header. What decodes says the same when it is encoded again.
#include <array>

#include "format/describe.hpp"
#include "fuzz/input.hpp"

using namespace furrow;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::input in{data, bytes};
  std::array<std::byte, format::superblock_bytes> block{}, again{};
  std::ranges::copy(in.bytes(block.size()), block.begin());
  for (const bool sealed : {false, true}) {
    if (sealed) format::seal(block, 16);
    if (const auto s = format::decode_superblock(block)) {
      fuzz::demand(format::in_range(*s));
      static_cast<void>(format::to_line(format::describe(*s)));
      format::encode(*s, again);
      fuzz::demand(again == block);
    }
    if (const auto h = format::decode_zone_header(block)) {
      static_cast<void>(format::to_line(format::describe(*h)));
      format::encode(*h, again);
      fuzz::demand(again == block);
    }
  }
  return 0;
}
