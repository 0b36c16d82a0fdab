// The devices that the conformance suite runs on, and a bench that holds one of them for one case.
//
//   FURROW_TEST_DEVICE unset     every emulated device of the list in subjects.cpp
//   FURROW_TEST_SUBJECT=N        the Nth of these alone, counted from 0; status 77 if there are not so many
//   FURROW_TEST_DEVICE=URI       that device alone. ALL ITS DATA IS LOST, so FURROW_TEST_DEVICE_DESTROY=1 must be set
//   too
//
// A case that a device cannot be put to says why by skip(); ci/conformance-table reads it.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "furrow/zoned/registry.hpp"
#include "support/zoned_client.hpp"

namespace furrow::test {

struct subject {
  std::string uri;
  bool persists = false;  ///< Closing and opening again keeps the bytes.
  bool is_real = false;   ///< Its refusals of zone commands are its own; its zones are as somebody left them.
};

[[nodiscard]] std::vector<subject> all_subjects();

/// One open device, its sequential zones empty.
class bench {
 public:
  explicit bench(subject s);
  ~bench();
  bench(const bench&) = delete;
  bench& operator=(const bench&) = delete;

  [[nodiscard]] const subject& what() const { return subject_; }
  [[nodiscard]] zoned_client& client() { return *client_; }
  [[nodiscard]] const zoned::geometry& shape() const { return device_->shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const { return device_->promises(); }
  [[nodiscard]] const std::vector<zoned::zone_info>& sequential() const { return sequential_; }
  [[nodiscard]] const std::vector<zoned::zone_info>& conventional() const { return conventional_; }

  /// A few bytes that every device takes as one command.
  [[nodiscard]] std::uint64_t unit() const { return zoned::store_block_bytes; }
  /// How many zones may hold unfinished data at a time, at most `wanted`.
  [[nodiscard]] std::size_t active_zones(std::size_t wanted) const;
  /// Appends the pattern `seed` until `bytes` of the zone are written.
  void fill(zoned::zone_index zone, std::uint64_t bytes, std::uint64_t seed);
  /// Whether [0, bytes) of the zone holds what fill() wrote.
  [[nodiscard]] bool is_filled(zoned::zone_index zone, std::uint64_t bytes, std::uint64_t seed);
  void reopen(const zoned::open_options& options = {});

 private:
  void open(const zoned::open_options& options);
  void close();

  subject subject_;
  std::unique_ptr<zoned::device> device_;
  std::unique_ptr<zoned_client> client_;
  std::vector<zoned::zone_info> sequential_;
  std::vector<zoned::zone_info> conventional_;
};

/// Notes that this case says nothing of this device, and why.
void skip(const bench& b, const std::string& why);

/// Runs `body` on each subject; a failure names it.
void on_each_device(const std::function<void(bench&)>& body);

}  // namespace furrow::test
