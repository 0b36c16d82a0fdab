// Views: ranges of objects as they were published at one moment, read piece by piece when they are touched.
//
// Invariants
//   V1  What a view is made of is taken in one turn, as a read's (reader R1): extents, tail and end. Later changes of the
//       object are not seen in it, and it outlives the object.
//   V2  Zones of a view's blocks have a reader for each run until it is unmapped and its last fill has ended; so they are not
//       freed, and their sums stay.
//   V3  A fill waits for the device and for pages, and for nothing else: no ordered extent, no range lock, no queue.
//
// Not here: memory, faults (driver).
#pragma once

#include <unordered_map>

#include "core/objects.hpp"
#include "core/reader.hpp"

namespace furrow::core {

class viewer {
 public:
  viewer(context& c, reader& r) : c_{c}, reader_{r} {}

  void map(operation_id id, const map_request& r);
  void fill(operation_id id, const fill_request& r);
  void unmap(std::uint64_t view);

 private:
  struct run {
    std::uint64_t object_block = 0;
    format::block_run where;
  };
  struct state {
    object_id object = 0;
    std::uint64_t first_byte = 0;
    std::uint64_t end_byte = 0;
    std::vector<run> runs;        ///< In the object's order.
    std::vector<std::byte> tail;  ///< The bytes up to end_byte from tail_begin on.
    std::uint64_t tail_begin = 0;
    std::uint32_t fills = 0;
    bool unmapped = false;
  };

  void take(operation_id id, object_state& o, const map_request& r);
  void add_run(state& v, const object_state& o, std::uint64_t first, format::block_run where);
  [[nodiscard]] static std::vector<reader::part> parts_of(const state& v, std::uint64_t from, std::span<std::byte> to);
  void drop_unused(std::uint64_t view);

  context& c_;
  reader& reader_;
  std::unordered_map<std::uint64_t, state> views_;
  std::uint64_t next_ = 0;
};

}  // namespace furrow::core
