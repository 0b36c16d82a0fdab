// The engine's core on a payload-free device: asks it one thing at a time, and lets it do all that follows from it.
//
// Not here: what is asked (furrow_wa.cpp).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/core.hpp"
#include "furrow_wa/payload_free_device.hpp"

namespace furrow::wa {

class measured_store {
 public:
  /// Formatted and open. Throws if it cannot be, as all calls do if the store refuses.
  explicit measured_store(const payload_free_device::plan& p);
  measured_store(const payload_free_device::plan& p, const format_options& format, const store_options& options);

  /// Or opened, if there is one.
  [[nodiscard]] core::handle_id create(const std::string& name);
  /// At most 1,024 blocks.
  void write(core::handle_id to, std::uint64_t first_block, std::uint32_t blocks);
  void release(core::handle_id h);
  void remove(const std::string& name);
  void checkpoint();
  [[nodiscard]] statistics counters();
  /// The process ends where it stands. What was asked for is forgotten but for what lies on the device.
  void kill();
  core::open_result open();
  [[nodiscard]] const payload_free_device& device() const { return device_; }

 private:
  void start();
  core::result_body ask(core::request_body body);
  void settle();
  void look_at(const core::notification& n);

  payload_free_device::plan plan_;
  store_options options_;
  payload_free_device device_;
  std::unique_ptr<core::core> core_;
  std::vector<std::byte> memory_;
  std::uint64_t last_ = 0;
  std::string ended_for_;  ///< Why writing has ended.
};

}  // namespace furrow::wa
