// Finds the journal on the device: the chain of groups from the head that the superblock names, through the zones of the
// chain, before anything of it is replayed.
//
// Decision table for a valid group (`expected`: one more than the last of the chain, `fits`: its previous is the checksum
// of the group before its number in the chain)
//   epoch                        number                fits
//   below the superblock's       epoch_group or later  -      void: left behind by an open that a later one disowned
//   -                            before the head       -      old
//   above the superblock's       -                     -      lost
//   above that of the chain's    in the chain          yes    the chain forked here: what stands from there on is void
//   not above                    in the chain          -      old, or void
//   not below the chain's last   expected              yes    the next
//   below the chain's last       expected or later     -      void: the chain went on without it
//   anything else                                             lost
// A lost group tells of one that is missing. It is void too if the chain then goes on, at its number or before it, with a
// higher epoch; else the journal is damaged behind the chain. So it is if the chain ends before epoch_group: the last open
// had found more.
// Bytes that are no valid group are void: a page, or a torn write. The journal ends where no group follows.
//
// A sequential zone that has no whole header, or another than is looked for, and something behind it, has lost its header if a
// group of the generation that was looked for begins anywhere in it: that is damage. Else the chain ends before it; without a
// whole header what is in it is nobody's, with one it is an earlier use, of which the reset was undone.
// In a conventional zone anything may stand behind what was written last: such zones are looked through to their end.
// Where such a zone has not the header nothing of the journal is in it, for the header was durable before the first
// group; but a group of the generation that was looked for, soon behind it, is damage.
//
// A zone of the chain that is offline ends it. It is told of as lost, unless the zone before it has room left: then the journal
// was not in it yet.
//
// Invariants
//   N1  The chain contains each group that was durable at the end of the last open, or damage is reported.
//   N2  The outcome does not depend on groups that were not in the chain of an open which came after them, even if the
//       device shows them now and did not then.
//   N3  Nothing on the device is changed.
//
// Not here: what the records say (recovery).
#pragma once

#include <functional>
#include <optional>

#include "core/block_reader.hpp"
#include "format/group.hpp"
#include "format/zone_header.hpp"

namespace furrow::core {

class journal_scan {
 public:
  struct entry {
    zoned::zone_index zone;
    std::uint64_t block = 0;
    std::uint32_t blocks = 0;
    std::uint32_t record_bytes = 0;
    std::uint64_t epoch = 0;
    format::checksum_field checksum;
  };
  struct finding {
    std::string what;
    zoned::zone_index zone;
  };

  explicit journal_scan(context& c) : c_{c}, blocks_{c} {}
  /// Reads the zones that the head leads to; the superblock and the zone table are known. An error is one of reading, or of the
  /// place where the journal begins.
  void start(std::function<void(error_code, finding)> call);

  [[nodiscard]] const std::vector<entry>& chain() const { return chain_; }
  /// What is missing behind the chain, or could not be read.
  [[nodiscard]] const std::optional<finding>& damage() const { return damage_; }
  struct lost_zone {
    zoned::zone_index zone;
    std::uint64_t ordinal = 0;
  };
  /// The zone that the chain goes on in, or begins in, if it is offline.
  [[nodiscard]] const std::optional<lost_zone>& lost_zone_behind() const { return lost_zone_; }
  /// The zone behind the last of the chain, if what is in it is nobody's: no header, and no group of the journal.
  [[nodiscard]] std::optional<zoned::zone_index> foreign() const { return foreign_; }
  /// Number and previous checksum of the group to come.
  [[nodiscard]] std::uint64_t next_number() const { return c_.super.journal.group + chain_.size(); }
  [[nodiscard]] const format::checksum_field& previous() const { return before(chain_.size()); }
  /// The last zone of the chain, its header and its place in the chain. None if the first one is lost.
  [[nodiscard]] zone_state* zone() const { return zone_; }
  [[nodiscard]] const format::zone_header& header() const { return header_; }
  [[nodiscard]] std::uint64_t ordinal() const { return ordinal_; }
  /// Tells the zone table which zones the chain runs through, and how far. After the replay: it may free such a zone's
  /// earlier use.
  void claim_zones() const;

 private:
  struct chain_zone {
    zoned::zone_index zone;
    std::uint64_t generation = 0;
    std::uint64_t ordinal = 0;
  };
  struct lost_group {
    std::uint64_t number = 0;
    std::uint64_t epoch = 0;
    zoned::zone_index zone;
  };

  void enter_zone(zoned::zone_index zone, std::uint64_t generation, std::uint64_t ordinal, std::uint64_t block);
  void header_read(zone_state& z, std::uint64_t generation, std::uint64_t ordinal, std::uint64_t block,
                   std::span<const std::byte> bytes);
  void look_behind_header(zone_state& z, std::uint64_t generation, std::uint64_t first, bool headed);
  void read_more();
  void look();
  [[nodiscard]] std::size_t look_at(std::span<const std::byte> bytes);
  void judge(const format::group_header& h);
  void take(const format::group_header& h, std::size_t index);
  void ended();
  [[nodiscard]] const format::checksum_field& before(std::size_t index) const;

  context& c_;
  block_reader blocks_;
  std::function<void(error_code, finding)> call_;
  std::vector<entry> chain_;
  std::vector<chain_zone> zones_;
  std::vector<lost_group> lost_;
  std::optional<finding> damage_;
  std::optional<lost_zone> lost_zone_;
  std::optional<zoned::zone_index> foreign_;

  zone_state* zone_ = nullptr;
  format::zone_header header_;
  std::uint64_t ordinal_ = 0;
  std::uint64_t read_block_ = 0;     ///< The next to be read; what was read before it and not looked at is left_.
  std::span<const std::byte> left_;  ///< Where it was read to, or, if the last read ended in mid-group, in bytes_.
  std::vector<std::byte> bytes_;
};

}  // namespace furrow::core
