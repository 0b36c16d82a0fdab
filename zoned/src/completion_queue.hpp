// What every device keeps between submit and reap: slots for commands at work, completions that nobody took yet, how many
// commands there are in all, and the descriptor that tells of them.
//
// The descriptor becomes readable when something is ready, and stays so until a reap that finds nothing. So a device
// that is kept busy makes no system call for it, neither for a submission nor for a reap.
//   signalled by us           announce() alone makes it readable: a reap that finds nothing clears it if it is set
//   signalled by others too   the kernel or a helper sets it as well: a reap that finds nothing clears it, and looks again,
//                             for what became ready in between has lost its signal
//
// Invariants
//   I1  Commands accepted and not reaped <= in_flight_max.
//   I2  Nothing allocates after construction.
//   I3  Something is ready => the descriptor is readable, once submit, reap or cancel has returned. With a ring: what has
//       completed is signalled if the last reap found nothing.
//
// Not here: what completes, and when.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ensure.hpp"
#include "event_fd.hpp"
#include "furrow/zoned/command.hpp"

namespace furrow::zoned {

/// First in, first out, with room for a number fixed at construction.
template <class Item>
class fixed_queue {
 public:
  explicit fixed_queue(std::size_t room) : items_(std::bit_ceil(std::max<std::size_t>(room, 1))) {}

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  [[nodiscard]] Item& front() { return items_[first_]; }
  /// The item `position` places behind the front.
  [[nodiscard]] Item& operator[](std::size_t position) { return items_[(first_ + position) & (items_.size() - 1)]; }
  void push(const Item& item) {
    ensure(count_ < items_.size());
    items_[(first_ + count_++) & (items_.size() - 1)] = item;
  }
  void pop() {
    first_ = (first_ + 1) & (items_.size() - 1);
    --count_;
  }

 private:
  std::vector<Item> items_;
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

/// A number of records, each free or taken; a taken one's index is the tag of what is at work for it.
template <class Record>
class slot_table {
 public:
  explicit slot_table(std::size_t count) : records_(count) {
    free_.reserve(count);
    for (std::size_t i = count; i > 0; --i) free_.push_back(static_cast<std::uint32_t>(i - 1));
  }

  [[nodiscard]] std::uint32_t take() {
    ensure(!free_.empty());
    const std::uint32_t index = free_.back();
    free_.pop_back();
    return index;
  }
  void give_back(std::uint64_t index) { free_.push_back(static_cast<std::uint32_t>(index)); }
  [[nodiscard]] Record& operator[](std::uint64_t index) { return records_[index]; }
  [[nodiscard]] const Record& operator[](std::uint64_t index) const { return records_[index]; }
  [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
  [[nodiscard]] std::size_t taken() const noexcept { return records_.size() - free_.size(); }
  [[nodiscard]] std::uint64_t index_of(const Record& r) const {
    return static_cast<std::uint64_t>(&r - records_.data());
  }

 private:
  std::vector<Record> records_;
  std::vector<std::uint32_t> free_;
};

class completion_queue {
 public:
  enum class signalled : std::uint8_t { by_us, by_others_too };

  completion_queue(std::uint32_t in_flight_max, signalled who)
      : in_flight_max_{in_flight_max}, signalled_{who}, ready_{in_flight_max} {}

  [[nodiscard]] int fd() const noexcept { return event_.get(); }
  /// For those others.
  [[nodiscard]] event_fd& event() noexcept { return event_; }

  /// Of so many commands, how many there is room for; they count as in flight from now on.
  [[nodiscard]] std::size_t accept(std::size_t offered) {
    const std::size_t count = std::min(offered, in_flight_max_ - in_flight_);
    in_flight_ += count;
    return count;
  }
  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

  [[nodiscard]] bool empty() const noexcept { return ready_.empty(); }
  void push(const completion& c) { ready_.push(c); }
  void push(command_id id, error_code error, place at = {}, std::uint64_t bytes = 0) {
    ready_.push({.id = id, .error = error, .at = at, .bytes = bytes});
  }
  /// Makes the descriptor readable.
  void announce() {
    if (announced_) return;
    announced_ = true;
    event_.set();
  }
  void announce_if_ready() {
    if (!ready_.empty()) announce();
  }

  /// Takes what is ready; `gather` pushes what has completed since it was called last.
  template <class Gather>
  [[nodiscard]] std::size_t reap(std::span<completion> out, const Gather& gather) {
    if (out.empty()) return 0;
    gather();
    if (ready_.empty() && take_signal_back()) gather();
    return take(out);
  }
  /// The same of a device with a ring: it signals only while reaps find nothing, which is when somebody may wait.
  template <class Ring, class Gather>
  [[nodiscard]] std::size_t reap(std::span<completion> out, Ring& ring, const Gather& gather) {
    if (out.empty()) return 0;
    gather();
    if (ready_.empty()) {
      ring.signal(true);  // what completes from now on is signalled; what did before, is gathered now
      if (take_signal_back()) gather();
    }
    const std::size_t count = take(out);
    if (count > 0) ring.signal(false);
    return count;
  }

 private:
  [[nodiscard]] std::size_t take(std::span<completion> out) {
    const std::size_t count = std::min(out.size(), ready_.size());
    for (std::size_t i = 0; i < count; ++i) {
      out[i] = ready_.front();
      ready_.pop();
    }
    in_flight_ -= count;
    announce_if_ready();
    return count;
  }
  /// True if somebody may have signalled in vain.
  [[nodiscard]] bool take_signal_back() {
    if (!announced_ && signalled_ == signalled::by_us) return false;
    event_.clear();
    announced_ = false;
    return signalled_ == signalled::by_others_too;
  }

  event_fd event_;
  std::size_t in_flight_max_;
  std::size_t in_flight_ = 0;
  signalled signalled_;
  bool announced_ = false;
  fixed_queue<completion> ready_;
};

}  // namespace furrow::zoned
