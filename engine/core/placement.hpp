// Which class of zones a block is written to, so that what is in one zone dies together: what is written over is
// sorted by how long its last content lived, what is moved by its age. Sequences in, classes out.
//
// What is known of a block is its place: the zone says when it was filled from its first block to its last, and its
// class how old the block was when it was moved there, at least. Nothing is kept of a block, and nothing at rest but
// what a zone's entry has.
//
//   lifespan L       how long zones of the class short_lived live, in the mean of the latest
//   overwrite        of what lived below L, 4 L, 16 L, or longer: short_lived, medium_lived, long_lived, extreme
//   move             of what is younger than 4 L, 16 L, or older: the cleaner's generations 0, 1, 2
//
// Where few zones may be active at once, classes share a stream: `folded` is the table. What short-lived blocks are
// kept apart from gains most, then what is moved from what is written.
//
// Invariants
//   P1  Equal calls in equal order give equal answers: no clock, no chance.
//   P2  A folded class is its own: folding it again with as many streams changes nothing. With more streams no two
//       classes are put together that fewer keep apart.
//   P3  The longer something has lived, the longer-lived is its class.
//
// Not here: a caller's hint, which goes before an overwrite's class (extent_source), opening zones (data_writer).
#pragma once

#include <cstddef>
#include <cstdint>

#include "format/types.hpp"

namespace furrow::core {

/// Where a block lies, as far as it tells when it was written.
struct written_place {
  format::zone_class cls = format::zone_class::unhinted;  ///< Of the zone, as is all but `block`.
  std::uint64_t fill_sequence = 0;
  std::uint64_t write_sequence = 0;
  std::uint32_t next_block = 0;
  std::uint32_t block = 0;  ///< 1 is the first behind the zone's header.
};

class placement {
 public:
  /// What an open finds: a data zone in use.
  void zone_found(format::zone_class cls, std::uint64_t fill_sequence, std::uint64_t now);
  /// A data zone has nothing live any more, or all that is has been moved.
  void zone_ended(format::zone_class cls, std::uint64_t fill_sequence, std::uint64_t now);

  /// Sequences since its user wrote it, at least, as far as can be told.
  [[nodiscard]] std::uint64_t age_of(const written_place& p, std::uint64_t now) const;
  /// For what is written over the block at that place.
  [[nodiscard]] format::zone_class of_overwrite(const written_place& old, std::uint64_t now) const;
  /// For the block itself, which is to be moved from there.
  [[nodiscard]] format::zone_class of_move(const written_place& from, std::uint64_t now) const;

  /// Streams in use when there is no limit.
  static constexpr std::size_t streams_max = 8;
  /// The class that stands for it where data have so many streams, one at least.
  [[nodiscard]] static format::zone_class folded(format::zone_class cls, std::size_t streams);

  /// 0 as long as nothing is known: then all that is written over is short-lived, and all that is moved of generation 0.
  [[nodiscard]] std::uint64_t lifespan() const { return lifespan_; }

 private:
  [[nodiscard]] std::uint64_t age_at_move(format::zone_class cls) const;

  void set_lifespan(std::uint64_t weighed);

  std::uint64_t lifespan_ = 0;
  std::uint64_t weighed_ = 0;  ///< The mean, times the weight that it has against one more zone.
  std::uint64_t found_sum_ = 0, found_ = 0;
};

}  // namespace furrow::core
