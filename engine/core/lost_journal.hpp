// Where a journal goes on behind a zone of it that is lost: tells which publications were in that zone.
//
// The zone behind it in the chain says so in its header (ordinal); the first group in it, with which sequence it begins. Zones
// that may be it are read: those that hold something, and no data that live.
//
// Not here: reading the journal (journal_scan). What is behind a lost zone is not replayed.
#pragma once

#include <functional>
#include <optional>

#include "core/block_reader.hpp"

namespace furrow::core {

class lost_journal {
 public:
  explicit lost_journal(context& c) : c_{c}, blocks_{c} {}

  /// Calls with the first sequence in the zone of that ordinal, if it is found.
  void find(std::uint64_t ordinal, std::function<void(std::optional<std::uint64_t>)> call);

 private:
  void look();
  void look_for_group(zone_state& z, std::uint64_t generation);
  [[nodiscard]] bool may_be(const zone_state& z) const;

  context& c_;
  block_reader blocks_;
  std::function<void(std::optional<std::uint64_t>)> call_;
  std::uint64_t ordinal_ = 0;
  std::uint32_t zone_ = 0;
};

}  // namespace furrow::core
