// Finds out what has landed of appends that failed: a write that fails says nothing about its length.
//
// States of a failed append
//   waiting    its zone is being drained and reported                       -> reading | settled
//   reading    what lies below the write pointer is read and compared with its sums, front to back, up to the first
//              block that does not agree or cannot be read                  -> settled
//   settled    its first blocks have landed, or none; the rest is sent again (data_writer)
//
// Decision table
//   the device has an append of its own, or the store no sums    nothing landed; but the report tells whose fault it was
//   it is not known where the append was to begin                the same
//   the zone cannot be reported, or its pointer means nothing    nothing landed
//   else                                                         the blocks in [begin, min(end, write pointer)) that agree,
//                                                                up to the first that does not
//
// Invariants
//   S1  A zone with a failed append here is held: it is neither freed nor reset.
//   S2  Each failed append taken is settled once: the report ends, each read ends, and a latch settles all that wait.
//   S3  A block that another append is known to have landed in is not the failed one's, whatever it holds: blocks that are
//       equal have equal sums. What lands in a zone beside other appends on their way is remembered until all have come back.
//
// Not here: why a zone is suspect and what becomes of it (reclaimer, zone_condition.hpp).
#pragma once

#include <deque>
#include <utility>
#include <vector>

#include "core/context.hpp"
#include "core/splitter.hpp"
#include "core/zone_condition.hpp"

namespace furrow::core {

struct failed_append {
  zone_state* zone = nullptr;
  std::size_t stream = 0;  ///< Of the data writer.
  std::vector<bio> bios;
  std::uint64_t blocks = 0;
  std::uint64_t at_block = 0;  ///< In the zone, where it was to begin; 0: not known.
  error_code why;
  bool blameless = false;  ///< It failed by its zone's fault.
};

class salvager final : public io_client {
 public:
  explicit salvager(context& c) : c_{c} {}

  /// False, and nothing is taken, if the zone will not be reported. `at` is what the completion said.
  [[nodiscard]] bool take(failed_append& f, zoned::place at);
  /// An append, or the front of one that failed, has landed there.
  void landed(const zone_state& z, std::uint64_t first_block, std::uint64_t blocks);
  /// The drained zone was reported, or could not be.
  void reported(zone_state& z, const zone_verdict* verdict);
  void step();
  void io_done(std::uint64_t tag, const zoned::completion& c) override;

 private:
  enum class state : std::uint8_t { none, waiting, reading };
  struct entry {
    state now = state::none;
    failed_append what;
    std::uint64_t end_block = 0;  ///< Of what may have landed, counted from the append's begin.
    std::uint64_t agreed = 0;
    std::uint64_t reading = 0;
    buffer bytes;
  };

  /// What has landed in a zone since its generation began, or since it had no append on its way.
  struct landed_zone {
    const zone_state* zone = nullptr;
    std::uint64_t generation = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges{};  ///< [first, end) blocks; none touches another.
  };

  [[nodiscard]] bool has_failed(const zone_state& z) const;
  /// How many blocks from `first` on nobody else is known to have landed in.
  [[nodiscard]] std::uint64_t free_of_others(const zone_state& z, std::uint64_t first, std::uint64_t blocks) const;
  void read_on(std::size_t index);
  /// How many of the blocks just read agree.
  [[nodiscard]] std::uint64_t compare(const entry& e) const;
  void settle(std::size_t index);

  context& c_;
  std::deque<entry> entries_;
  std::vector<landed_zone> landed_;
  std::size_t waiting_ = 0;
};

}  // namespace furrow::core
