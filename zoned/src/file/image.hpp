// The file behind `file:`: a header, the state of each zone, the zones' bytes.
//
// Layout (little-endian)
//   0        header, 4096 bytes
//              0  magic "furrowzi"      8  version u32 = 1     12 parameter count u32 = 11
//             16  parameters, u64 each, in the order of struct emulation; then zeros
//            508  CRC32C of bytes 0..507
//            512  session u64: 0 closed cleanly, 1 open or ended without closing (outside the checksum)
//   4096     zone table: for each zone { state u64, flushed u64 }, each condition << 56 | write pointer in bytes
//   data     the next multiple of 4096: zone i at data + i * zone_size, holes where nothing was written
//
// A state word is valid iff its condition is empty with pointer 0, closed with 0 < pointer < capacity, full with
// pointer = capacity, read_only or offline with pointer <= capacity, or not_write_pointer with pointer 0 in a
// conventional zone.
//
// Invariants
//   I1  A word changes by one aligned 8-byte store to a shared mapping: the end of the process, at any moment, tears
//       nothing and loses nothing that was stored.
//   I2  No other process has the file open for writing while it is open, unless it is opened beside a writer; several may
//       have it open for reading.
//   I3  With volatile_cache, a session that ended without closing is taken back to the `flushed` words at the next
//   open.
//
// Not here: IO of zone bytes, queueing (file_device.hpp).
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "emulation.hpp"
#include "furrow/zoned/registry.hpp"
#include "unique_fd.hpp"

namespace furrow::zoned {

/// What the zone table says of a zone.
struct zone_word {
  zone_condition condition = zone_condition::empty;
  std::uint64_t write_pointer_bytes = 0;

  [[nodiscard]] constexpr std::uint64_t raw() const {
    return (std::uint64_t{static_cast<std::uint8_t>(condition)} << 56) | write_pointer_bytes;
  }
  [[nodiscard]] static constexpr zone_word from_raw(std::uint64_t raw) {
    return {static_cast<zone_condition>(raw >> 56), raw & ((std::uint64_t{1} << 56) - 1)};
  }
  friend bool operator==(const zone_word&, const zone_word&) = default;
};

class image {
 public:
  /// Opens the file; creates it if it is absent or has no bytes, and `where` names parameters.
  [[nodiscard]] static boost::system::result<image, failure> open(const uri& where, const open_options& options);

  image(image&& other) noexcept;
  image& operator=(image&& other) = delete;
  /// Closes cleanly, after a sync, if it was open for writing.
  ~image();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const emulation& parameters() const { return parameters_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] bool beside_writer() const { return beside_writer_; }
  [[nodiscard]] bool is_direct() const { return direct_; }
  [[nodiscard]] std::uint64_t file_offset(place at) const;

  /// The zones as they are after power-up: none is open.
  [[nodiscard]] std::vector<zone_info> zones() const;

  [[nodiscard]] zone_word state(zone_index zone) const { return load(zone, 0); }
  void set_state(zone_index zone, zone_word word) { store(zone, 0, word); }
  [[nodiscard]] zone_word flushed(zone_index zone) const { return load(zone, 1); }
  void set_flushed(zone_index zone, zone_word word) { store(zone, 1, word); }

 private:
  image() = default;
  [[nodiscard]] failure damaged(const std::string& why) const;
  [[nodiscard]] error_code create(const emulation& parameters);
  [[nodiscard]] boost::system::result<void, failure> load_header(const uri& where, const emulation& given);
  [[nodiscard]] boost::system::result<void, failure> map(bool read_only);
  [[nodiscard]] boost::system::result<void, failure> check_zones() const;
  void begin_session();
  void choose_direct();
  [[nodiscard]] std::uint64_t* word_at(zone_index zone, std::size_t which) const;
  [[nodiscard]] zone_word load(zone_index zone, std::size_t which) const;
  void store(zone_index zone, std::size_t which, zone_word word);
  [[nodiscard]] std::uint64_t* session() const;
  [[nodiscard]] bool takes_back() const;

  std::string path_;
  emulation parameters_;
  geometry shape_;
  unique_fd fd_;
  bool direct_ = false;
  bool read_only_ = false;
  bool beside_writer_ = false;
  bool is_written_ = false;  ///< Another process had it open for writing when it was opened.
  bool was_interrupted_ = false;
  bool session_begun_ = false;
  std::byte* mapped_ = nullptr;
  std::size_t mapped_bytes_ = 0;
};

}  // namespace furrow::zoned
