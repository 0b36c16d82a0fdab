#include "zone_picture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "text.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t bar_columns = 20;

/// SGR parameters of the terminal.
enum class colour { plain, dim, red, green, yellow, blue, cyan };

std::string coloured(const output& out, colour c, const std::string& text) {
  static constexpr std::array codes{"0", "2", "1;31", "32", "33", "34", "36"};
  if (!out.colours() || c == colour::plain) return text;
  return fmt::format("\x1b[{}m{}\x1b[0m", codes[static_cast<std::size_t>(c)], text);
}

const char* name_of(zone_use use) {
  switch (use) {
    case zone_use::free:
      return "free";
    case zone_use::superblock:
      return "superblock";
    case zone_use::metadata:
      return "metadata";
    case zone_use::data:
      return "data";
  }
  return "unknown";
}

/// As in the format's zone classes; those of the cleaner are its generations.
std::string class_name(const zone_status& z) {
  static constexpr std::array names{"-", "metadata", "unhinted", "short", "medium", "long", "extreme"};
  if (z.use != zone_use::data && z.use != zone_use::metadata) return "-";
  return z.cls < names.size() ? names[z.cls] : fmt::format("cleaner {}", z.cls - names.size() + 1);
}

const char* name_of(zone_keeper k) {
  static constexpr std::array names{
      "superblock",    "live blocks", "live pages",  "journal",         "next of the journal",
      "being written", "has room",    "writes",      "reader",          "view",
      "being moved",   "being freed", "to be reset", "being looked at", "bad"};
  return names[static_cast<std::size_t>(k) - 1];
}

/// Without what the columns before it say.
std::string kept_by(const zone_status& z) {
  std::string text;
  for (const zone_keeper k : z.kept_by) {
    if (k == zone_keeper::superblock) continue;
    text += (text.empty() ? "" : ", ") + std::string{name_of(k)};
  }
  return text.empty() ? "-" : text;
}

bool unusable(const zone_status& z) {
  return z.bad || z.device.condition == zoned::zone_condition::offline ||
         z.device.condition == zoned::zone_condition::read_only;
}

colour colour_of(const zone_status& z) {
  if (unusable(z)) return colour::red;
  switch (z.device.condition) {
    case zoned::zone_condition::implicit_open:
    case zoned::zone_condition::explicit_open:
      return colour::green;
    case zoned::zone_condition::closed:
      return colour::yellow;
    case zoned::zone_condition::full:
      return colour::blue;
    case zoned::zone_condition::not_write_pointer:
      return colour::cyan;
    case zoned::zone_condition::empty:
      return colour::dim;
    case zoned::zone_condition::read_only:
    case zoned::zone_condition::offline:
      return colour::red;
  }
  return colour::plain;
}

double written_share(const zone_status& z) {
  switch (z.device.condition) {
    case zoned::zone_condition::full:
    case zoned::zone_condition::read_only:
      return 1;
    case zoned::zone_condition::empty:
    case zoned::zone_condition::offline:
    case zoned::zone_condition::not_write_pointer:
      return 0;
    case zoned::zone_condition::implicit_open:
    case zoned::zone_condition::explicit_open:
    case zoned::zone_condition::closed:
      break;
  }
  return std::min(1.0,
                  static_cast<double>(z.device.write_pointer_bytes) / static_cast<double>(z.device.capacity_bytes));
}

double live_share(const zone_status& z) {
  return static_cast<double>(z.live_blocks * zoned::store_block_bytes) / static_cast<double>(z.device.capacity_bytes);
}

std::size_t columns_of(double share, std::size_t columns) {
  // Something is never drawn as nothing.
  const auto whole = static_cast<std::size_t>(share * static_cast<double>(columns));
  return std::min(columns, share > 0 && whole == 0 ? 1 : whole);
}

/// '#' live, '=' written, '.' not written.
std::string bar(const zone_list& list, const zone_status& z) {
  const bool live_known = list.of_a_store && z.use == zone_use::data;
  const std::size_t written = columns_of(written_share(z), bar_columns);
  const std::size_t live = live_known ? std::min(written, columns_of(live_share(z), bar_columns)) : 0;
  return std::string(live, '#') + std::string(written - live, '=') + std::string(bar_columns - written, '.');
}

/// One character for a zone; the legend of draw_map says what they are.
char cell_of(const zone_list& list, const zone_status& z) {
  if (unusable(z)) return '!';
  if (!list.of_a_store) {
    if (z.device.condition == zoned::zone_condition::not_write_pointer) return 'C';
    const double share = written_share(z);
    if (share <= 0) return '.';
    return share >= 1 ? '#' : static_cast<char>('0' + static_cast<int>(share * 10));
  }
  switch (z.use) {
    case zone_use::free:
      return z.device.condition == zoned::zone_condition::empty ||
                     z.device.condition == zoned::zone_condition::not_write_pointer
                 ? '.'
                 : '_';
    case zone_use::superblock:
      return 'S';
    case zone_use::metadata:
      return 'M';
    case zone_use::data:
      break;
  }
  const double share = live_share(z);
  return share >= 0.995 ? '#' : static_cast<char>('0' + static_cast<int>(share * 10));
}

std::string meaning_of(char cell, bool of_a_store) {
  switch (cell) {
    case '!':
      return "unusable";
    case '.':
      return of_a_store ? "free" : "empty";
    case '_':
      return "free, to be reset";
    case 'C':
      return "conventional";
    case 'S':
      return "superblock";
    case 'M':
      return "metadata";
    case '#':
      return of_a_store ? "data, all live" : "full";
    default:
      return of_a_store ? "data, tenths live" : "written, tenths";
  }
}

void draw_legend(output& out, const zone_list& list) {
  std::map<std::string, std::pair<std::string, std::size_t>> kinds;  // by meaning: cells, count
  for (const zone_status& z : list.zones) {
    const char cell = cell_of(list, z);
    const bool digit = cell >= '0' && cell <= '9';
    auto& kind = kinds[meaning_of(cell, list.of_a_store)];
    kind.first = digit ? "0-9" : std::string(1, cell);
    ++kind.second;
  }
  for (const auto& [meaning, kind] : kinds) {
    out.line(fmt::format("  {:<4}{:<20}{:>10}", kind.first, meaning, grouped(kind.second)));
  }
  if (out.colours()) {
    out.line("  " + coloured(out, colour::green, "open") + " " + coloured(out, colour::yellow, "closed") + " " +
             coloured(out, colour::blue, "full") + " " + coloured(out, colour::cyan, "conventional") + " " +
             coloured(out, colour::red, "unusable"));
  }
}

}  // namespace

void draw_lines(output& out, const zone_list& list) {
  out.line(fmt::format("{:>6}  {:<{}}  {:>10} {:>10}  {:<17}{}", "zone", "# live  = written", bar_columns, "written",
                       "capacity", "condition", list.of_a_store ? "use         class       live      kept by" : ""));
  for (const zone_status& z : list.zones) {
    const auto written =
        static_cast<std::uint64_t>(written_share(z) * static_cast<double>(z.device.capacity_bytes) + 0.5);
    std::string line =
        fmt::format("{:>6}  {}  {:>10} {:>10}  {:<17}", z.device.index.value, coloured(out, colour_of(z), bar(list, z)),
                    human_bytes(written), human_bytes(z.device.capacity_bytes), name_of(z.device.condition));
    if (list.of_a_store) {
      const std::string live = z.use == zone_use::data ? fmt::format("{:.1f} %", 100 * live_share(z)) : "-";
      line += fmt::format("{:<12}{:<12}{:<10}{}", name_of(z.use), class_name(z), live, kept_by(z));
    }
    out.line(line);
  }
}

void draw_map(output& out, const zone_list& list) {
  const std::size_t width = std::to_string(list.zones.size()).size();
  const std::size_t columns = std::max<std::size_t>(10, (out.columns() - width - 3) / 10 * 10);
  for (std::size_t row = 0; row < list.zones.size(); row += columns) {
    std::string line = fmt::format("{:>{}}  ", row, width);
    for (std::size_t i = row; i < std::min(row + columns, list.zones.size()); ++i) {
      line += coloured(out, colour_of(list.zones[i]), std::string(1, cell_of(list, list.zones[i])));
    }
    out.line(line);
  }
  out.line("");
  draw_legend(out, list);
}

nlohmann::json to_json(const zone_list& list) {
  nlohmann::json zones = nlohmann::json::array();
  for (const zone_status& z : list.zones) {
    nlohmann::json entry{{"zone", z.device.index.value},
                         {"type", name_of(z.device.type)},
                         {"condition", name_of(z.device.condition)},
                         {"bytes", z.device.bytes},
                         {"capacity_bytes", z.device.capacity_bytes},
                         {"write_pointer_bytes", z.device.write_pointer_bytes}};
    if (list.of_a_store) {
      entry["use"] = name_of(z.use);
      entry["class"] = class_name(z);
      entry["generation"] = z.generation;
      entry["live_blocks"] = z.live_blocks;
      entry["written_blocks"] = z.written_blocks;
      entry["open_for_writing"] = z.open_for_writing;
      entry["bad"] = z.bad;
      entry["kept_by"] = nlohmann::json::array();
      for (const zone_keeper k : z.kept_by) entry["kept_by"].push_back(name_of(k));
    }
    zones.push_back(std::move(entry));
  }
  return {{"of_a_store", list.of_a_store}, {"zones", std::move(zones)}};
}

}  // namespace furrow::cli
