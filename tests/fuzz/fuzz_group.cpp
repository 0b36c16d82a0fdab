// A group of the journal and its records. What decodes says the same when it is encoded again.
#include <vector>

#include "format/describe.hpp"
#include "fuzz/input.hpp"

using namespace furrow;

namespace {

void read_records(std::span<const std::byte> from) {
  format::reader in{from};
  while (in.left() > 0) {
    const std::size_t begun = from.size() - in.left();
    const auto one = format::decode_record(in);
    if (!one) return;
    fuzz::demand(!in.failed());
    if (!*one) continue;
    static_cast<void>(format::to_line(format::describe(**one)));
    std::vector<std::byte> again;
    format::encode(**one, again);
    fuzz::demand(std::ranges::equal(again, from.subspan(begun, from.size() - in.left() - begun)));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  constexpr std::size_t block = zoned::store_block_bytes;
  std::vector<std::byte> group((std::max<std::size_t>(bytes, 1) + block - 1) / block * block);
  std::ranges::copy(fuzz::input{data, bytes}.bytes(bytes), group.begin());
  format::uuid store{};
  if (group.size() > 56) std::copy_n(group.begin() + 40, store.size(), store.begin());
  for (const bool sealed : {false, true}) {
    if (sealed) format::seal(group, 16);
    const auto header = format::peek_group(group, store);
    if (!header) continue;
    static_cast<void>(format::to_line(format::describe(*header)));
    fuzz::demand(header->bytes <= format::group_bytes_max);
    fuzz::demand(format::group_header_bytes + header->record_bytes <= header->bytes);
    if (header->bytes > group.size()) continue;
    const std::span<const std::byte> whole = std::span{group}.first(header->bytes);
    if (!sealed || format::verify_group(whole))
      read_records(whole.subspan(format::group_header_bytes, header->record_bytes));
  }
  read_records(std::as_bytes(std::span{data, bytes}));
  return 0;
}
