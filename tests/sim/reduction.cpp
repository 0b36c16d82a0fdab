#include "sim/reduction.hpp"

#include <algorithm>

namespace furrow::sim {
namespace {

using zoned::opcode;

using weight = std::uint32_t&;

/// What makes a fault come; interruptions are two kinds of one thing (apply).
struct fault_row {
  fault which;
  weight (*of)(scenario& s);
};
constexpr fault_row rows[]{
    {fault::shortened, [](scenario& s) -> weight { return s.faults.shortened_ppm; }},
    {fault::append_failed, [](scenario& s) -> weight { return s.faults.failing(opcode::append); }},
    {fault::write_failed, [](scenario& s) -> weight { return s.faults.failing(opcode::write); }},
    {fault::read_failed, [](scenario& s) -> weight { return s.faults.failing(opcode::read); }},
    {fault::flush_failed, [](scenario& s) -> weight { return s.faults.failing(opcode::flush); }},
    {fault::reset_failed, [](scenario& s) -> weight { return s.faults.failing(opcode::reset); }},
    {fault::finish_failed, [](scenario& s) -> weight { return s.faults.failing(opcode::finish); }},
    {fault::report_failed, [](scenario& s) -> weight { return s.faults.failing(opcode::report); }},
    {fault::data_failed, [](scenario& s) -> weight { return s.zone_faults.failed_ppm; }},
    {fault::refused, [](scenario& s) -> weight { return s.zone_faults.others_ppm; }},
    {fault::read_only, [](scenario& s) -> weight { return s.zone_faults.read_only_ppm; }},
    {fault::offline, [](scenario& s) -> weight { return s.zone_faults.offline_ppm; }},
    {fault::full, [](scenario& s) -> weight { return s.zone_faults.full_ppm; }},
    {fault::metadata_read_only, [](scenario& s) -> weight { return s.zone_faults.metadata_read_only_ppm; }},
    {fault::metadata_offline, [](scenario& s) -> weight { return s.zone_faults.metadata_offline_ppm; }},
    {fault::metadata_full, [](scenario& s) -> weight { return s.zone_faults.metadata_full_ppm; }},
    {fault::lost_write, [](scenario& s) -> weight { return s.lies.lost_ppm; }},
    {fault::misdirected, [](scenario& s) -> weight { return s.lies.misdirected_ppm; }},
    {fault::stale_read, [](scenario& s) -> weight { return s.lies.stale_ppm; }},
    {fault::copy_lost, [](scenario& s) -> weight { return s.lies.copy_lost_ppm; }},
    {fault::copy_stale, [](scenario& s) -> weight { return s.lies.copy_stale_ppm; }},
    {fault::rot, [](scenario& s) -> weight { return s.lies.rot_ppm; }},
};

template <class T>
bool has(const std::vector<T>& all, T one) {
  return std::ranges::find(all, one) != all.end();
}

/// With as few operations as still fail.
void cut_operations(reduction& r, const std::function<bool(const reduction&)>& fails) {
  for (std::uint64_t step = r.operations / 2; step > 0; step /= 2) {
    reduction less = r;
    for (less.operations -= step; r.operations > step && fails(less); less.operations -= step) {
      r = less;
      if (less.operations <= step) break;
    }
  }
}

template <class T>
bool cut_kind(reduction& r, std::vector<T> reduction::*list, T one,
              const std::function<bool(const reduction&)>& fails) {
  if (has(r.*list, one)) return false;
  reduction less = r;
  (less.*list).push_back(one);
  if (!fails(less)) return false;
  r = less;
  return true;
}

bool cut_kinds(reduction& r, const std::function<bool(const reduction&)>& fails) {
  bool shorter = false;
  for (std::size_t f = 0; f < fault_count; ++f)
    shorter = cut_kind(r, &reduction::faults, static_cast<fault>(f), fails) || shorter;
  for (std::size_t a = 0; a < action_count; ++a)
    if (may_leave_out(static_cast<action>(a)))
      shorter = cut_kind(r, &reduction::actions, static_cast<action>(a), fails) || shorter;
  return shorter;
}

}  // namespace

bool may_leave_out(action a) { return a != action::create_named && a != action::open_by_name && a != action::remove; }

std::string reduction::names() const {
  std::string all;
  const auto add = [&all](const char* name) { all += (all.empty() ? "" : ",") + std::string{name}; };
  for (const action a : actions) add(name_of(a));
  for (const fault f : faults) add(name_of(f));
  return all;
}

bool leave_out(reduction& r, const std::string& name) {
  for (std::size_t a = 0; a < action_count; ++a)
    if (name == name_of(static_cast<action>(a)) && may_leave_out(static_cast<action>(a))) {
      r.actions.push_back(static_cast<action>(a));
      return true;
    }
  for (std::size_t f = 0; f < fault_count; ++f)
    if (name == name_of(static_cast<fault>(f))) {
      r.faults.push_back(static_cast<fault>(f));
      return true;
    }
  return false;
}

void apply(const reduction& r, scenario& s) {
  for (const action a : r.actions) s.left_out[static_cast<std::size_t>(a)] = true;
  for (const fault_row& row : rows)
    if (has(r.faults, row.which)) row.of(s) = 0;
  const bool power = !has(r.faults, fault::power_loss), process = !has(r.faults, fault::process_end);
  if (!process) s.work.process_end_per_mille = 0;
  if (!power) s.work.process_end_per_mille = 1000;  // a store that wants to be opened anew
  if (!power && !process) s.work.interruptions_per_million = 0;
}

reduction shorten(reduction r, const std::function<bool(const reduction&)>& fails) {
  cut_operations(r, fails);
  while (cut_kinds(r, fails)) cut_operations(r, fails);
  return r;
}

}  // namespace furrow::sim
