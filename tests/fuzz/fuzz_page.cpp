// A page: what check_page() passes is safe to read and to edit, whatever its cells say.
#include <array>

#include "format/describe.hpp"
#include "fuzz/input.hpp"

using namespace furrow;

namespace {

void decode_cell(format::key_view key, format::value_view value) {
  static_cast<void>(format::parse_collection_key(key));
  static_cast<void>(format::parse_name_key(key));
  static_cast<void>(format::parse_object_key(key));
  static_cast<void>(format::parse_tail_key(key));
  static_cast<void>(format::parse_attributes_key(key));
  static_cast<void>(format::parse_extent_key(key));
  static_cast<void>(format::parse_orphan_key(key));
  static_cast<void>(format::parse_zone_key(key));
  static_cast<void>(format::parse_run_key(key));
  static_cast<void>(format::parse_shared_key(key));
  static_cast<void>(format::parse_hint_key(key));
  const auto same = [&](const auto& decoded) {
    if (decoded) fuzz::demand(std::ranges::equal(format::encode(*decoded), value));
  };
  same(format::decode_collection(value));
  same(format::decode_object(value));
  same(format::decode_extent(value));
  same(format::decode_run(value));
  same(format::decode_doomed(value));
  same(format::decode_shared(value));
  same(format::decode_hint(value));
  if (const auto zone = format::decode_zone(value)) fuzz::demand(std::ranges::equal(format::encode(*zone), value));
}

void edit(std::span<std::byte, format::page_bytes> bytes, const format::page_identity& identity,
          const format::uuid& store, fuzz::input& in) {
  format::page_editor page{bytes};
  for (int i = 0; i < 8 && !in.empty(); ++i) {
    const auto what = in.number();
    if (what % 3 == 0 && page.count() > 0) {
      page.erase(in.number() % page.count());
      continue;
    }
    const auto key = in.bytes(1 + what % 40), value = in.bytes(in.number<std::uint16_t>() % 600);
    static_cast<void>(page.put({reinterpret_cast<const char*>(key.data()), key.size()}, value));
  }
  format::seal_page(bytes, identity);
  if (identity.level == 0) fuzz::demand(format::check_page(bytes, store).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::input in{data, bytes};
  alignas(8) std::array<std::byte, format::page_bytes> page{};
  std::ranges::copy(in.bytes(page.size()), page.begin());
  format::seal(page, 48);
  format::uuid store{};
  std::copy_n(page.begin() + 8, store.size(), store.begin());
  const auto identity = format::check_page(page, store);
  if (!identity) return 0;
  const format::page_view view{page};
  static_cast<void>(format::to_line(format::describe(*identity, view)));
  for (std::size_t i = 0; i < view.count(); ++i) {
    const auto [key, value] = view.at(i);
    fuzz::demand(view.lower_bound(key) == i);
    static_cast<void>(format::to_line(format::describe_cell(*identity, key, value)));
    decode_cell(key, value);
  }
  edit(page, *identity, store, in);
  return 0;
}
