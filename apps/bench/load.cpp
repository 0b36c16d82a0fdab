#include "bench/load.hpp"

#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace furrow::bench {

namespace {

constexpr std::size_t alignment_bytes = 4096;
constexpr std::uint64_t fill_append_bytes = 1 << 20;

std::unique_ptr<std::byte[], void (*)(void*)> memory_of(std::size_t bytes, std::uint64_t seed) {
  const std::size_t rounded = (bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
  auto* const memory = static_cast<std::byte*>(std::aligned_alloc(alignment_bytes, rounded));
  if (memory == nullptr) throw std::bad_alloc{};
  std::mt19937_64 content{seed};
  for (std::size_t at = 0; at < rounded; at += sizeof(std::uint64_t)) {
    const std::uint64_t word = content();
    std::memcpy(memory + at, &word, sizeof word);
  }
  return {memory, std::free};
}

}  // namespace

load::load(asio::io_context& context, store on, const plan& what)
    : context_{context}, store_{std::move(on)}, plan_{what}, chance_{what.seed}, targets_(what.objects) {
  for (std::size_t i = 0; i < plan_.depth; ++i) {
    slots_.push_back({.memory = memory_of(plan_.operation_bytes, plan_.seed + i), .began = {}, .reads = false});
  }
}

outcome load::run() {
  prepare();
  outcome_.before = await(context_, store_.async_statistics(asio::use_future));
  const auto began = clock::now();
  end_ = began + std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>{plan_.seconds});
  in_flight_ = slots_.size();
  for (std::size_t i = 0; i < slots_.size(); ++i) next(i);
  while (in_flight_ > 0) {
    if (context_.stopped()) context_.restart();
    context_.run_one();
  }
  outcome_.seconds = std::chrono::duration<double>(clock::now() - began).count();
  if (failed_) throw boost::system::system_error{failed_};
  outcome_.after = await(context_, store_.async_statistics(asio::use_future));
  return std::move(outcome_);
}

object load::create(std::size_t of) {
  return await(context_,
               store_.async_create("bench/" + std::to_string(of) + "." + std::to_string(made_++), asio::use_future));
}

void load::prepare() {
  const store_info info = await(context_, store_.async_info(asio::use_future));
  share_bytes_ = info.capacity_bytes / 4 / targets_.size();
  for (std::size_t i = 0; i < targets_.size(); ++i) targets_[i].handle = create(i);
  if (plan_.what == workload::append || plan_.what == workload::durable) return;
  const std::uint64_t each = std::min(plan_.fill_bytes / targets_.size(), share_bytes_);
  const auto content = memory_of(fill_append_bytes, plan_.seed);
  for (target& t : targets_) {
    while (t.appended_bytes + plan_.operation_bytes < each || t.appended_bytes < plan_.operation_bytes) {
      await(context_, t.handle.async_append(asio::buffer(content.get(), fill_append_bytes), asio::use_future));
      t.appended_bytes += fill_append_bytes;
    }
    t.filled_bytes = t.appended_bytes;
  }
  await(context_, store_.async_sync(asio::use_future));
}

bool load::reads_next() {
  switch (plan_.what) {
    case workload::append:
    case workload::durable:
      return false;
    case workload::read_sequential:
    case workload::read_random:
      return true;
    case workload::mixed:
      return chance_() % 100 < plan_.reads_per_hundred;
  }
  return false;
}

void load::next(std::size_t index) {
  slot& s = slots_[index];
  s.began = clock::now();
  if (failed_ || s.began >= end_) {
    --in_flight_;
    return;
  }
  target& t = targets_[turn_++ % targets_.size()];
  s.reads = reads_next();
  s.reads ? read(s, index, t) : append(s, index, t);
}

void load::append(slot& s, std::size_t index, target& to) {
  append_options options;
  options.level = plan_.what == workload::durable ? durability::durable : durability::written;
  to.appended_bytes += plan_.operation_bytes;
  to.handle.async_append(asio::buffer(s.memory.get(), plan_.operation_bytes), options,
                         [this, index](error_code e, const append_result&) { done(index, e); });
  const bool only_grows = plan_.what == workload::append || plan_.what == workload::durable;
  if (only_grows && to.appended_bytes > share_bytes_ && !to.being_replaced) {
    replace(static_cast<std::size_t>(&to - targets_.data()));
  }
}

void load::read(slot& s, std::size_t index, target& from) {
  const std::uint64_t places = from.filled_bytes / plan_.operation_bytes;
  const std::uint64_t place = (plan_.what == workload::read_sequential ? from.reads++ : chance_()) % places;
  from.handle.async_read(place * plan_.operation_bytes, asio::buffer(s.memory.get(), plan_.operation_bytes),
                         [this, index](error_code e, std::uint64_t) { done(index, e); });
}

void load::done(std::size_t index, error_code e) {
  slot& s = slots_[index];
  const auto took = std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - s.began).count();
  (s.reads ? outcome_.reads : outcome_.writes).add(static_cast<std::uint64_t>(took));
  if (e && !failed_) failed_ = e;
  next(index);
}

void load::replace(std::size_t of) {
  targets_[of].being_replaced = true;
  ++in_flight_;
  const std::string name = "bench/" + std::to_string(of) + "." + std::to_string(made_++);
  store_.async_create(name, [this, of](error_code e, object fresh) {
    if (e) {
      failed_ = e;
      --in_flight_;
      return;
    }
    const object_id old = std::exchange(targets_[of], target{.handle = std::move(fresh)}).handle.id();
    store_.async_remove(object_key{old}, [this](error_code why, sequence) {
      if (why && !failed_) failed_ = why;
      --in_flight_;
    });
  });
}

}  // namespace furrow::bench
