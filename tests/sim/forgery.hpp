// Damage that passes all checksums: a store's image in which bytes of metadata are others, and everything that states a
// checksum of them states the new one. What it says may be nonsense; that it was written by an engine cannot be denied.
//
// Invariants
//   I1  After forge() all structures that verified before verify again, and the references and chains that held hold.
//   I2  A page is the same in all its copies.
//
// Not here: damage that checksums reveal (hostile_images.cpp), data blocks (their bytes are nobody's structure).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "memory/memory_zones.hpp"

namespace furrow::sim {

class forgery {
 public:
  explicit forgery(zoned::memory_zones& of);

  struct view {
    zoned::place at;
    std::span<const std::byte> bytes;
  };
  [[nodiscard]] std::size_t structures() const { return structures_.size(); }
  /// Until the next forge().
  [[nodiscard]] view at(std::size_t index) const { return {structures_[index].at, structures_[index].bytes}; }
  /// Where the n-th byte of a structure is that is not zero, n taken modulo their number: most of it is padding.
  [[nodiscard]] std::size_t said(std::size_t index, std::size_t n) const;
  /// Bytes of structure `index` from `offset` on (taken modulo its length) become these, as far as it reaches. The
  /// checksum's own field is left to what follows from it.
  void forge(std::size_t index, std::size_t offset, std::span<const std::byte> bytes);

 private:
  struct structure {
    zoned::place at;
    std::size_t field_at = 0;  ///< Of its checksum.
    std::vector<std::byte> bytes;
  };
  using field = std::vector<std::byte>;

  void add(zoned::place at, std::size_t bytes, std::size_t field_at);
  [[nodiscard]] static field field_of(const structure& s);
  void reseal(structure& s);
  void follow(const field& was, const field& is);

  zoned::memory_zones& zones_;
  std::vector<structure> structures_;
};

}  // namespace furrow::sim
