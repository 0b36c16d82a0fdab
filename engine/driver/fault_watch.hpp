// A thread that learns from userfaultfd which pages of views are touched that are not filled.
//
// Invariants
//   F1  A view's memory is told of faults from add() until remove() has returned, and not on any other thread.
//   F2  The descriptor is open as long as anybody has this.
//
// Not here: filling (view_memory, views.cpp).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <thread>

#include "furrow/engine/error.hpp"

namespace furrow::driver {

class view_memory;

class fault_watch {
 public:
  /// None, and why, if the system does not permit it.
  [[nodiscard]] static std::shared_ptr<fault_watch> open(error_code& why);
  /// The given one, if it is there and nothing is denied.
  [[nodiscard]] static std::shared_ptr<fault_watch> open_or(std::shared_ptr<fault_watch> there, error_code& why);
  /// For tests: as on a system that does not permit it.
  static void deny(bool on);
  fault_watch(int fd, int stop);
  fault_watch(const fault_watch&) = delete;
  fault_watch& operator=(const fault_watch&) = delete;
  ~fault_watch();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] error_code add(view_memory& m);
  void remove(const view_memory& m);
  /// Of the store: no view is filled any more.
  void end_all();

 private:
  void run();

  const int fd_;
  const int stop_;
  std::mutex mutex_;
  std::map<std::uintptr_t, view_memory*> views_;  ///< By their first byte.
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace furrow::driver
