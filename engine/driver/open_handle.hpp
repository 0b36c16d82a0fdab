// What the public handles share: an open object, an opened store, the members of a batch.
#pragma once

#include <memory>
#include <vector>

#include "core/messages.hpp"
#include "driver/driver.hpp"

namespace furrow::driver {

/// Gives the object back when the last handle and the last operation of it are gone.
struct open_handle {
  open_handle(std::shared_ptr<driver> of, const core::opened_object& o) : by(std::move(of)), opened(o) {}
  open_handle(const open_handle&) = delete;
  open_handle& operator=(const open_handle&) = delete;
  ~open_handle() { by->release(opened.handle); }

  std::shared_ptr<driver> by;
  core::opened_object opened;
};

/// Stops the store when the last copy of it is gone.
class opened_store {
 public:
  opened_store(std::shared_ptr<driver> of, open_result r) : by(std::move(of)), result(std::move(r)) {}
  opened_store(const opened_store&) = delete;
  opened_store& operator=(const opened_store&) = delete;
  ~opened_store() { by->stop(); }

  std::shared_ptr<driver> by;
  open_result result;
};

struct batch_members {
  core::batch_request request;
  std::vector<std::shared_ptr<const open_handle>> handles;
  std::uint64_t append_bytes = 0;
  bool valid = true;  ///< false: a member names a handle that is none.
};

}  // namespace furrow::driver
