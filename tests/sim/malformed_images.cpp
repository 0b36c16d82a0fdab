// Each field of each structure of a store, forged with its checksum made good, and structures that contradict one another:
// what an open, the objects and a check say of it. What they must say is malformed_images.txt, one line for each;
// `FURROW_UPDATE_GOLDEN=1` writes it anew, to be read.
//
// Invariants
//   I1  Every line of the table is shown by a forged image, and every image has its line.
//
// Not here: damage that checksums reveal (hostile_images.cpp), what is asked of a forged store beside reading (fuzz).
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "format/group.hpp"
#include "format/page.hpp"
#include "format/superblock.hpp"
#include "format/zone_header.hpp"
#include "sim/contradictions.hpp"
#include "sim/failure.hpp"
#include "sim/forgery.hpp"
#include "sim/sim_store.hpp"
#include "sim/small_image.hpp"

namespace {

using namespace furrow;
using namespace furrow::sim;

struct field {
  const char* name;
  std::size_t offset;
  std::size_t bytes;
};

constexpr field superblock_fields[]{
    {"magic", 0, 8},
    {"format_version", 8, 4},
    {"bytes", 12, 4},
    {"store", 40, 16},
    {"device_index", 72, 2},
    {"device_count", 74, 2},
    {"block_bytes", 76, 4},
    {"page_bytes", 80, 4},
    {"lba_bytes", 84, 4},
    {"zone_bytes", 88, 8},
    {"zone_count", 96, 4},
    {"zeros", 100, 4},
    {"last_zone_bytes", 104, 8},
    {"compat", 112, 8},
    {"ro_compat", 120, 8},
    {"incompat", 128, 8},
    {"epoch", 136, 8},
    {"serial", 144, 8},
    {"clean", 152, 1},
    {"page_copies", 153, 1},
    {"journal_copies", 154, 1},
    {"data_checksum", 155, 1},
    {"more zeros", 156, 4},
    {"sequence", 160, 8},
    {"next_object", 168, 8},
    {"next_page_generation", 176, 8},
    {"object_count", 184, 8},
    {"objects.address", 200, 8},
    {"objects.second", 208, 8},
    {"objects.generation", 216, 8},
    {"objects.level", 248, 1},
    {"objects.zeros", 249, 7},
    {"objects.pages", 256, 8},
    {"zones.address", 264, 8},
    {"zones.generation", 280, 8},
    {"zones.level", 312, 1},
    {"zones.pages", 320, 8},
    {"journal.zone", 328, 4},
    {"journal.zeros", 332, 4},
    {"journal.generation", 336, 8},
    {"journal.ordinal", 344, 8},
    {"journal.block", 352, 8},
    {"journal.group", 360, 8},
    {"epoch_group", 392, 8},
    {"default blocks", 440, 8},
    {"end zeros", 448, 8},
};
constexpr field zone_header_fields[]{
    {"magic", 0, 8},
    {"bytes", 8, 4},
    {"zeros", 12, 4},
    {"store", 40, 16},
    {"device", 56, 2},
    {"role", 58, 1},
    {"class", 59, 1},
    {"zone", 60, 4},
    {"generation", 64, 8},
    {"epoch", 72, 8},
    {"ordinal", 80, 8},
    {"next zone", 88, 4},
    {"next generation", 96, 8},
    {"end zeros", 104, 8},
};
constexpr field group_fields[]{
    {"magic", 0, 8},          {"header_bytes", 8, 4},    {"bytes", 12, 4},           {"store", 40, 16},
    {"epoch", 56, 8},         {"number", 64, 8},         {"zone generation", 72, 8}, {"first sequence", 80, 8},
    {"last sequence", 88, 8}, {"acknowledged", 96, 8},   {"flushed", 104, 8},        {"record_bytes", 112, 4},
    {"record_count", 116, 4}, {"previous.kind", 120, 1}, {"previous.value", 128, 4}, {"zeros", 144, 8},
    {"record.type", 160, 1},  {"record.flags", 161, 1},  {"record.bytes", 164, 4},   {"record.sequence", 168, 8},
    {"record.body", 176, 8},  {"record.body+8", 184, 8},
};
constexpr field page_fields[]{
    {"magic", 0, 4},       {"kind", 4, 1},    {"level", 5, 1},     {"count", 6, 2},        {"store", 8, 16},
    {"generation", 24, 8}, {"epoch", 32, 8},  {"sequence", 40, 8}, {"cells_begin", 72, 2}, {"cells_bytes", 74, 2},
    {"zeros", 76, 8},      {"slot 0", 96, 2}, {"slot 1", 98, 2},
};

/// What is forged: structures for which `is` holds, all alike.
struct target {
  std::string name;
  std::function<bool(const forgery::view&)> is;
  std::span<const field> fields;
};

bool has_magic(const forgery::view& v, std::uint64_t magic) {
  return format::load_le<std::uint64_t>(v.bytes.data()) == magic;
}
bool is_page(const forgery::view& v, format::page_kind kind, int level) {
  return format::load_le<std::uint32_t>(v.bytes.data()) == format::page_magic &&
         v.bytes[4] == std::byte{static_cast<std::uint8_t>(kind)} && v.bytes[5] == static_cast<std::byte>(level);
}
/// The last but `before` of the groups.
std::function<bool(const forgery::view&)> group_from_end(const forgery& f, std::size_t before) {
  std::vector<std::uint64_t> numbers;
  for (std::size_t i = 0; i < f.structures(); ++i)
    if (has_magic(f.at(i), format::group_magic))
      numbers.push_back(format::load_le<std::uint64_t>(f.at(i).bytes.data() + 64));
  std::ranges::sort(numbers);
  const std::uint64_t wanted = numbers.at(numbers.size() - 1 - before);
  return [wanted](const forgery::view& v) {
    return has_magic(v, format::group_magic) && format::load_le<std::uint64_t>(v.bytes.data() + 64) == wanted;
  };
}

/// What a store made of these zones has to say, in a line.
std::string told(const image& from, zoned::memory_zones zones) {
  sim_device device{std::move(zones), from.promises, 2};
  sim_store store{device, from.options, 2};
  store.start();
  core::notification n = store.ask(core::open_request{});
  if (n.error) {
    store.interrupt(interruption::process_end);
    return "open: " + n.error.message();
  }
  std::string line = std::get<open_result>(n.result).info.read_only ? "read-only" : "opened";
  std::map<std::string, int> errors;
  std::vector<std::byte> memory(1 << 20);
  for (const known_object& o : from.objects) {
    n = store.ask(core::open_object_request{default_collection, o.name, 0});
    if (!n.error) {
      core::read_request read;
      read.handle = std::get<core::opened_object>(n.result).handle;
      n = store.ask(core::stat_request{read.handle});
      if (!n.error) {
        const std::uint64_t bytes = std::get<object_status>(n.result).bytes;
        read.ranges = {{0, std::span{memory}.first(std::min<std::uint64_t>(bytes, memory.size()))}};
        n = store.ask(std::move(read));
      }
    }
    if (n.error) ++errors[n.error.message()];
  }
  for (const auto& [what, times] : errors) line += fmt::format("; {} x {}", times, what);
  n = store.ask(core::check_request{.data = true});
  if (n.error)
    line += "; check: " + n.error.message();
  else if (const auto damage = std::get<check_result>(n.result).damage)
    line += fmt::format("; check finds {}", damage);
  store.interrupt(interruption::process_end);
  return line;
}

/// Without the objects that an edit has taken away.
image whole(image of) {
  sim_device device{*of.zones, of.promises, 2};
  sim_store store{device, of.options, 2};
  store.start();
  REQUIRE(!store.ask(core::open_request{}).error);
  std::erase_if(of.objects, [&](const known_object& o) {
    return static_cast<bool>(store.ask(core::open_object_request{default_collection, o.name, 0}).error);
  });
  store.interrupt(interruption::process_end);
  return of;
}

using table = std::map<std::string, std::string>;

void forge_each(const image& from, const target& what, table& to) {
  for (const field& f : what.fields) {
    for (const char* const how : {"0", "ones", "+1"}) {
      zoned::memory_zones zones = *from.zones;
      forgery forged{zones};
      bool any = false;
      for (std::size_t i = 0; i < forged.structures(); ++i) {
        const forgery::view v = forged.at(i);
        if (!what.is(v)) continue;
        std::vector<std::byte> bytes(v.bytes.begin() + static_cast<std::ptrdiff_t>(f.offset),
                                     v.bytes.begin() + static_cast<std::ptrdiff_t>(f.offset + f.bytes));
        const std::vector<std::byte> was = bytes;
        if (*how == '0') std::ranges::fill(bytes, std::byte{0});
        if (*how == 'o') std::ranges::fill(bytes, std::byte{0xff});
        if (*how == '+') bytes[0] = static_cast<std::byte>(std::to_integer<unsigned>(bytes[0]) + 1);
        if (bytes == was) continue;
        any = true;
        forged.forge(i, f.offset, bytes);
      }
      if (any) to[fmt::format("{}.{} {}", what.name, f.name, how)] = told(from, std::move(zones));
    }
  }
}

table forge_all() {
  table all;
  const image replay = whole(make_edited_image(image_end::journal_to_replay, 1));
  const image closed = whole(make_edited_image(image_end::closed, 1));
  CHECK(told(replay, *replay.zones) == "opened");
  CHECK(told(closed, *closed.zones) == "opened");
  zoned::memory_zones scratch = *replay.zones;
  const forgery f{scratch};
  const auto zone_of_role = [](format::zone_role role) {
    return [role](const forgery::view& v) {
      return has_magic(v, format::zone_header_magic) && v.bytes[58] == static_cast<std::byte>(role);
    };
  };
  forge_each(replay,
             {"superblock", [](const auto& v) { return has_magic(v, format::superblock_magic); }, superblock_fields},
             all);
  forge_each(replay, {"data zone", zone_of_role(format::zone_role::data), zone_header_fields}, all);
  forge_each(replay, {"metadata zone", zone_of_role(format::zone_role::metadata), zone_header_fields}, all);
  forge_each(replay, {"last group", group_from_end(f, 0), group_fields}, all);
  forge_each(replay, {"group before", group_from_end(f, 1), group_fields}, all);
  forge_each(closed,
             {"object leaf", [](const auto& v) { return is_page(v, format::page_kind::object, 0); }, page_fields}, all);
  forge_each(closed, {"zone leaf", [](const auto& v) { return is_page(v, format::page_kind::zone, 0); }, page_fields},
             all);
  forge_each(closed, {"zone index", [](const auto& v) { return is_page(v, format::page_kind::zone, 1); }, page_fields},
             all);
  for (const contradiction& c : contradictions()) {
    INFO(std::string{c.name});
    zoned::memory_zones zones = *closed.zones;
    forgery forged{zones};
    REQUIRE_NOTHROW(c.forge(forged));
    all[fmt::format("contradiction: {}", c.name)] = told(closed, std::move(zones));
  }
  return all;
}

table read_table(const std::string& path) {
  table all;
  std::ifstream file{path};
  for (std::string line; std::getline(file, line);)
    if (const auto end = line.find(" -> "); end != std::string::npos) all[line.substr(0, end)] = line.substr(end + 4);
  return all;
}

}  // namespace

TEST_CASE("Each forged field gives the error that it must") {
  const std::string path = FURROW_MALFORMED_TABLE;
  const table is = forge_all();
  if (std::getenv("FURROW_UPDATE_GOLDEN") != nullptr) {
    std::ofstream file{path};
    for (const auto& [what, line] : is) file << what << " -> " << line << '\n';
  }
  const table wanted = read_table(path);
  CHECK(is.size() == wanted.size());
  CHECK(is.size() >= 200);
  for (const auto& [what, line] : is) {
    INFO(what);
    const auto at = wanted.find(what);
    CHECK((at == wanted.end() ? std::string{"no line"} : at->second) == line);
  }
}

TEST_CASE("A page that is said to lie beyond the last zone is damage, and is not asked for") {
  const image from = whole(make_edited_image(image_end::closed, 1));
  zoned::memory_zones zones = *from.zones;
  forgery forged{zones};
  bool any = false;
  for (std::size_t i = 0; i < forged.structures(); ++i) {
    const forgery::view v = forged.at(i);
    if (!is_page(v, format::page_kind::object, 1)) continue;
    any = true;
    const auto* const first = format::page_view{v.bytes.first<format::page_bytes>()}.value(0).data();
    const auto reference_at = static_cast<std::size_t>(first - v.bytes.data());
    for (const std::size_t copy_at : {reference_at, reference_at + 8})
      forged.forge(i, copy_at + 3, std::array{std::byte{0x7f}});  // of the block's number
  }
  CHECK(any);
  CHECK(told(from, std::move(zones)) == "open: the store is damaged");
}
