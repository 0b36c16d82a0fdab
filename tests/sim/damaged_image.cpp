#include "sim/damaged_image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/sim_store.hpp"

namespace furrow::sim {
namespace {

/// Reads one object whole. A typed error is fine; so is all of it. Anything else is not.
void read_object(sim_store& store, const known_object& o, bool damage_told, outcome& to) {
  core::notification n = store.ask(core::open_object_request{default_collection, o.name, 0});
  if (n.error) {
    const bool silent = n.error == errc::not_found && !damage_told;
    if (silent) throw broken_promise{o.name + " is silently gone"};
    ++to.reads_refused;
    ++to.errors[n.error.message()];
    return;
  }
  const core::handle_id handle = std::get<core::opened_object>(n.result).handle;
  n = store.ask(core::stat_request{handle});
  const std::uint64_t bytes = n.error ? o.bytes : std::get<object_status>(n.result).bytes;
  if (bytes > o.bytes || (bytes < o.durable_bytes && !damage_told)) {
    throw broken_promise{fmt::format("{} has {} bytes, not {}", o.name, bytes, o.bytes)};
  }
  if (bytes == 0) return;
  std::vector<std::byte> memory(bytes);
  core::read_request read;
  read.handle = handle;
  read.ranges = {{0, memory}};
  n = store.ask(std::move(read));
  if (n.error) {
    ++to.reads_refused;
    ++to.errors[n.error.message()];
  } else if (const auto wrong = find_foreign_byte(memory, o.tag, 0)) {
    throw broken_promise{fmt::format("{} has a wrong byte at {}", o.name, *wrong)};
  }
}

/// Names are those that were given, and a check ends; whether it finds something.
bool finds_faults(sim_store& store, const image& from, bool told, outcome& to) {
  core::notification n = store.ask(core::list_request{.entries_max = 1000});
  if (!n.error) {
    const auto& page = std::get<list_page>(n.result);
    const bool less = page.entries.size() != from.objects.size() || page.more;
    if (less && !told) throw broken_promise{fmt::format("{} names are listed", page.entries.size())};
    for (const list_entry& e : page.entries)
      if (std::ranges::find(from.objects, e.name, &known_object::name) == from.objects.end())
        throw broken_promise{"a name that nobody gave: " + e.name};
  }
  n = store.ask(core::check_request{true});
  if (n.error) ++to.errors[n.error.message()];
  return n.error || std::get<core::check_result>(n.result).damage > 0;
}

}  // namespace

void outcome::add(const outcome& other) {
  opens_refused += other.opens_refused;
  damage_reported += other.damage_reported;
  reads_refused += other.reads_refused;
  found_by_check += other.found_by_check;
  unharmed += other.unharmed;
  for (const auto& [what, times] : other.errors) errors[what] += times;
}

std::string outcome::describe() const {
  std::string text =
      fmt::format("{} unharmed, {} opens refused, {} opened for reading, {} reads refused, {} found by a check alone",
                  unharmed, opens_refused, damage_reported, reads_refused, found_by_check);
  for (const auto& [what, times] : errors) text += fmt::format("; {} x '{}'", times, what);
  return text;
}

void try_image(const image& from, zoned::memory_zones damaged, bool checks, outcome& to) {
  sim_device device{std::move(damaged), from.promises, 2};
  sim_store store{device, from.options, 2};
  store.start();
  const core::notification opened = store.ask(core::open_request{});
  if (opened.error) {
    const bool typed =
        opened.error.category() == furrow::error_category() || opened.error.category() == zoned::error_category();
    if (!typed) throw broken_promise{"an error of no kind: " + opened.error.message()};
    ++to.opens_refused;
    ++to.errors[opened.error.message()];
    return;
  }
  const bool told = std::get<core::open_result>(opened.result).info.read_only;
  if (told) ++to.damage_reported;
  const std::uint64_t refused = to.reads_refused;
  for (const known_object& o : from.objects) read_object(store, o, told, to);
  const bool found = checks && finds_faults(store, from, told, to);
  if (!told && refused == to.reads_refused) ++(found ? to.found_by_check : to.unharmed);
  store.interrupt(interruption::process_end);
}

}  // namespace furrow::sim
