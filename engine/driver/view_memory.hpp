// The memory of a view, and what is known of its pages.
//
// States of a page
//   missing   not there: touching it is a fault                      -> filling
//   filling   the store was asked for it                             -> filled | failed
//   filled    its bytes are there, verified                          -> missing (given back, if nobody pins it)
//   failed    they cannot be read, or the store has ended: touching it is a SIGBUS
//
// Invariants
//   M1  A page that is not filled never shows bytes: it is missing in memory, or behind the end of an empty file.
//   M2  Pinned pages are filled, and stay.
//   M3  Without a fault_watch it is plain memory, filled before anybody has it.
//   M4  The budget has its length from the beginning to the end.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "driver/fault_watch.hpp"

namespace furrow::driver {

class view_memory {
 public:
  static constexpr std::size_t page_bytes = 4096;
  struct page_range {
    std::size_t first = 0;
    std::size_t count = 0;
  };
  /// Has the store fill these pages; it answers by fill_done(). Called under no lock but this one's.
  using ask = std::function<void(page_range)>;

  /// Takes its length from the budget, or is none. `watch`: or none (M3).
  [[nodiscard]] static std::shared_ptr<view_memory> make(std::uint64_t bytes, std::uint64_t fill_bytes,
                                                         std::shared_ptr<fault_watch> watch,
                                                         std::shared_ptr<std::atomic<std::uint64_t>> budget,
                                                         error_code& why);
  view_memory(std::byte* data, std::uint64_t bytes, std::uint64_t fill_bytes,
              std::shared_ptr<std::atomic<std::uint64_t>> budget);
  view_memory(const view_memory&) = delete;
  view_memory& operator=(const view_memory&) = delete;
  ~view_memory();

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::uintptr_t begin() const { return reinterpret_cast<std::uintptr_t>(data_); }
  [[nodiscard]] std::size_t mapped_bytes() const { return states_.size() * page_bytes; }
  [[nodiscard]] bool plain() const { return !watch_; }

  /// Before anybody touches it.
  void on_need(ask a) { ask_ = std::move(a); }
  std::uint64_t id = 0;  ///< The core's.

  // -- any thread --
  [[nodiscard]] error_code populate(std::uint64_t from, std::uint64_t count);
  [[nodiscard]] std::span<const std::byte> pin(std::uint64_t from, std::uint64_t most);
  void unpin(std::span<const std::byte> held);
  std::uint64_t release(std::uint64_t from, std::uint64_t count);
  [[nodiscard]] std::uint64_t filled_bytes();

  /// By the fault_watch.
  void touched(std::uintptr_t at);
  /// Pages that were asked for are there, or not.
  void fill_done(page_range pages, std::span<const std::byte> from, error_code e);
  /// Nothing is filled any more.
  void end();

 private:
  enum class state : std::uint8_t { missing, filling, filled, failed };

  void need_locked(page_range pages);
  [[nodiscard]] error_code put_locked(page_range pages, const std::byte* from);
  void fail_locked(page_range pages, error_code e);
  void wake(page_range pages) const;

  std::byte* const data_;
  const std::uint64_t bytes_;
  const std::size_t fill_pages_;
  std::shared_ptr<std::atomic<std::uint64_t>> budget_;
  std::shared_ptr<fault_watch> watch_;
  ask ask_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<state> states_;
  std::vector<std::uint32_t> pins_;
  error_code error_;  ///< The last one of a fill.
  bool ended_ = false;
};

}  // namespace furrow::driver
