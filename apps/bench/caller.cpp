#include "bench/caller.hpp"

#include <boost/asio/bind_executor.hpp>
#include <cstring>
#include <new>
#include <utility>

namespace furrow::bench {

namespace {

constexpr std::size_t page_bytes = 4096;
constexpr std::size_t huge_page_bytes = 2 << 20;

constexpr std::size_t rounded_up(std::size_t bytes, std::size_t to) { return (bytes + to - 1) / to * to; }

}  // namespace

aligned_memory memory_of(std::size_t bytes, std::uint64_t seed) {
  const std::size_t alignment = bytes < huge_page_bytes ? page_bytes : huge_page_bytes;
  const std::size_t rounded = rounded_up(bytes, alignment);
  auto* const memory = static_cast<std::byte*>(std::aligned_alloc(alignment, rounded));
  if (memory == nullptr) throw std::bad_alloc{};
  std::mt19937_64 content{seed};
  for (std::size_t at = 0; at < rounded; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = content();
    std::memcpy(memory + at, &word, sizeof word);
  }
  return {memory, std::free};
}

/// What the engine is given to call. Its memory is the caller's own; it has no executor: it is called on the store's.
struct caller::on_done {
  using allocator_type = recycling_allocator<void>;

  caller* by;
  std::size_t index;

  [[nodiscard]] allocator_type get_allocator() const noexcept { return allocator_type{by->slots_[index].handlers}; }
  void operator()(error_code e, const append_result&) const { by->done(index, e); }
  void operator()(error_code e, std::uint64_t) const { by->done(index, e); }
};

/// The same, called on the caller's executor.
struct caller::on_done_here : on_done {
  using executor_type = asio::io_context::executor_type;

  [[nodiscard]] executor_type get_executor() const noexcept { return by->context_.get_executor(); }
};

caller::caller(asio::io_context& context, store on, const plan& what, std::size_t number, std::uint64_t share_bytes)
    : context_{context},
      store_{std::move(on)},
      plan_{what},
      prefix_{"bench/" + std::to_string(number) + "/"},
      share_bytes_{share_bytes},
      chance_{what.seed + number},
      slot_bytes_{rounded_up(what.operation_bytes, page_bytes)},
      memory_{memory_of(what.depth * slot_bytes_, what.seed + number)},
      slots_{std::make_unique<slot[]>(what.depth)} {
  append_options_.level = write_options_.level = plan_.level;
  for (std::size_t i = 0; i < plan_.depth; ++i) slots_[i].turn = i % plan_.objects;
}

void caller::run(double seconds) {
  writes_ = reads_ = {};
  began_ = ended_ = clock::now();
  end_ = began_ + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{seconds});
  in_flight_ = plan_.depth;
  for (std::size_t i = 0; i < plan_.depth; ++i) start(i, began_);
  while (in_flight_ > 0) {
    context_.restart();
    context_.run();
  }
}

std::uint64_t caller::heap_allocations() const {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < plan_.depth; ++i) sum += slots_[i].handlers.missed();
  return sum;
}

bool caller::reads_next() {
  switch (plan_.what) {
    case workload::append:
    case workload::write_random:
      return false;
    case workload::read_sequential:
    case workload::read_random:
      return true;
    case workload::mixed:
      return chance_() % 100 < plan_.reads_per_hundred;
  }
  return false;
}

void caller::start(std::size_t index, clock::time_point now) {
  if (failed_ || now >= end_) {
    ended_ = now;
    --in_flight_;
    return;
  }
  slot& s = slots_[index];
  s.began = now;
  s.reads = reads_next();
  const std::size_t turn = std::exchange(s.turn, (s.turn + plan_.depth) % plan_.objects);
  if (s.reads) return read(index, sources_[turn]);
  plan_.what == workload::write_random ? write(index, sources_[turn]) : append(index, sinks_[turn]);
}

void caller::append(std::size_t index, sink& to) {
  to.appended_bytes += plan_.operation_bytes;
  const asio::const_buffer from(memory_.get() + index * slot_bytes_, plan_.operation_bytes);
  if (plan_.threads == 1)
    to.handle.async_append(from, append_options_, on_done{this, index});
  else
    to.handle.async_append(from, append_options_, on_done_here{{this, index}});
  if (to.appended_bytes > share_bytes_ && !to.being_replaced) replace(static_cast<std::size_t>(&to - sinks_.data()));
}

void caller::read(std::size_t index, source& from) {
  const std::uint64_t places = from.bytes / plan_.operation_bytes;
  const std::uint64_t place = (plan_.what == workload::read_sequential ? from.reads++ : chance_()) % places;
  const asio::mutable_buffer to(memory_.get() + index * slot_bytes_, plan_.operation_bytes);
  if (plan_.threads == 1)
    from.handle.async_read(place * plan_.operation_bytes, to, on_done{this, index});
  else
    from.handle.async_read(place * plan_.operation_bytes, to, on_done_here{{this, index}});
}

void caller::write(std::size_t index, source& to) {
  const std::uint64_t offset_bytes = chance_() % (to.bytes / plan_.operation_bytes) * plan_.operation_bytes;
  const asio::const_buffer from(memory_.get() + index * slot_bytes_, plan_.operation_bytes);
  if (plan_.threads == 1)
    to.handle.async_write(offset_bytes, from, write_options_, on_done{this, index});
  else
    to.handle.async_write(offset_bytes, from, write_options_, on_done_here{{this, index}});
}

void caller::done(std::size_t index, error_code e) {
  const auto now = clock::now();
  slot& s = slots_[index];
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(now - s.began).count();
  (s.reads ? reads_ : writes_).add(static_cast<std::uint64_t>(took));
  if (e && !failed_) failed_ = e;
  start(index, now);
}

void caller::replace(std::size_t of) {
  sinks_[of].being_replaced = true;
  ++in_flight_;
  const auto here = context_.get_executor();
  const auto gone = [this](error_code e, sequence) {
    if (e && !failed_) failed_ = e;
    --in_flight_;
  };
  const auto made = [this, of, here, gone](error_code e, object fresh) {
    if (e) {
      failed_ = e;
      --in_flight_;
      return;
    }
    const object_id old = std::exchange(sinks_[of], sink{.handle = std::move(fresh)}).handle.id();
    store_.async_remove(object_key{old}, asio::bind_executor(here, gone));
  };
  store_.async_create(prefix_ + std::to_string(made_++), asio::bind_executor(here, made));
}

}  // namespace furrow::bench
