// Opens zones for data and pages: picks one, writes its header alone, publishes its role. Journal zones are the
// journal's own.
//
// Invariants
//   I1  A zone is ready only after its header landed at offset 0, alone.
//   I2  No zone is opened over the budget: active zones as the device allows, clean zones as the reserve leaves.
//       Conventional zones take no active credit, and nothing but metadata; metadata takes them first.
//   I3  A zone whose header came out short goes back to be reset; one whose header failed is bad; one that the device
//       refused over a limit is clean as before. Another is tried.
//   I4  A zone in which a write failed is taken up again only when there is no clean one to be had; for want of a credit,
//       only if it cannot be finished for one.
//
// Not here: what is written into it (data_writer, checkpoint).
#pragma once

#include <span>

#include "core/context.hpp"

namespace furrow::core {

/// A zone that one stream writes to. `zone` is none until it is asked for.
struct open_zone {
  zone_state* zone = nullptr;
  bool ready = false;
  std::uint64_t generation = 0;  ///< Of the zone when it was opened: the pointer may outlive that use.
  [[nodiscard]] bool usable() const {
    return zone != nullptr && ready && zone->life == zone_life::open && zone->generation == generation;
  }
};

class zone_opener final : public io_client {
 public:
  explicit zone_opener(context& c) : c_{c} {}

  /// Begins to open a zone for `to`; false if the budget does not allow it now. `reserve` clean zones are left alone, of
  /// those that data, or metadata, may take; none of `but` is taken up again.
  [[nodiscard]] bool open(open_zone& to, format::zone_role role, format::zone_class cls, std::uint32_t reserve,
                          std::span<const std::uint32_t> but = {});

  /// No zone may become active: gives one of ours up, or, when there is none and it is others who hold them, lets the
  /// device be asked again. False: that was done often enough, or nothing that is on its way brings one. `awaited`: operations
  /// of users wait for it.
  [[nodiscard]] bool make_credit(bool awaited, bool for_journal = false);
  /// Why, if so many headers in a row failed that one who waits for a zone is to be told, rather than another zone be lost:
  /// one for each call, until one succeeds.
  [[nodiscard]] error_code hopeless();
  /// A header is on its way.
  [[nodiscard]] bool is_opening() const;

  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  struct opening {
    open_zone* to = nullptr;
    format::zone_role role{};
    format::zone_class cls{};
    std::uint32_t reserve = 0;
    buffer header;
  };
  [[nodiscard]] zone_state* pick(format::zone_role role, std::uint32_t reserve);
  void write_header(opening o, zone_state& z);

  void header_failed(zone_state& z, error_code why);

  context& c_;
  std::vector<opening> opening_;  // tag: index
  std::uint32_t failures_ = 0;    // of headers, in a row, but for refusals
  error_code failed_with_;
  std::uint32_t refusals_ = 0;    // in a row, with nothing given up between
  std::uint64_t refused_at_ = 0;  // in commands submitted
};

}  // namespace furrow::core
