#include "bench/load.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/use_future.hpp>
#include <boost/system/system_error.hpp>
#include <latch>
#include <thread>
#include <utility>

namespace furrow::bench {

namespace {

constexpr std::uint64_t fill_append_bytes = 1 << 20;
/// All objects together take so much of the store: those that follow them grow beside them.
constexpr double share_of_store = 0.4;

cpu_time cpu_used() {
  ::rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const ::timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return {seconds(used.ru_utime), seconds(used.ru_stime)};
}

}  // namespace

load::load(store_thread& thread, store on, const plan& what) : thread_{thread}, store_{std::move(on)}, plan_{what} {}

outcome load::run() {
  const store_info info = thread_.await(store_.async_info(asio::use_future));
  const double bytes = static_cast<double>(info.capacity_bytes) * share_of_store;
  share_bytes_ = static_cast<std::uint64_t>(bytes) / (plan_.threads * plan_.objects);
  for (std::size_t number = 0; number < plan_.threads; ++number) {
    if (plan_.threads > 1) contexts_.push_back(std::make_unique<asio::io_context>(1));
    asio::io_context& context = plan_.threads > 1 ? *contexts_.back() : thread_.context();
    callers_.push_back(std::make_unique<caller>(context, store_, plan_, number, share_bytes_));
    prepare(*callers_.back(), number);
  }
  if (plan_.warm_up_seconds > 0) run_callers(plan_.warm_up_seconds);
  thread_.await(store_.async_sync(asio::use_future));

  outcome o;
  o.before = thread_.await(store_.async_statistics(asio::use_future));
  const cpu_time cpu_before = cpu_used();
  run_callers(plan_.seconds);
  const cpu_time cpu_after = cpu_used();
  o.cpu = {cpu_after.user_seconds - cpu_before.user_seconds, cpu_after.system_seconds - cpu_before.system_seconds};

  auto began = callers_.front()->began(), ended = callers_.front()->ended();
  for (const auto& one : callers_) {
    if (one->failed()) throw boost::system::system_error{one->failed()};
    began = std::min(began, one->began());
    ended = std::max(ended, one->ended());
    o.writes.add(one->writes());
    o.reads.add(one->reads());
    o.heap_allocations += one->heap_allocations();
  }
  o.seconds = std::chrono::duration<double>(ended - began).count();
  o.after = thread_.await(store_.async_statistics(asio::use_future));
  return o;
}

void load::prepare(caller& one, std::size_t number) {
  const std::string prefix = "bench/" + std::to_string(number) + "/";
  for (std::size_t i = 0; i < plan_.objects; ++i) {
    if (plan_.what != workload::append) {
      std::uint64_t bytes = 0;
      object filled = filled_object(prefix + "filled." + std::to_string(i), &bytes);
      one.give_source(std::move(filled), bytes);
    }
    if (plan_.what == workload::append || plan_.what == workload::mixed) {
      one.give_sink(thread_.await(store_.async_create(prefix + "first." + std::to_string(i), asio::use_future)));
    }
  }
}

object load::filled_object(const std::string& name, std::uint64_t* bytes) {
  object made = thread_.await(store_.async_create(name, asio::use_future));
  const std::uint64_t wanted = std::min(plan_.fill_bytes / (plan_.threads * plan_.objects), share_bytes_);
  const auto content = memory_of(fill_append_bytes, plan_.seed);
  while (*bytes + plan_.operation_bytes < wanted || *bytes < plan_.operation_bytes) {
    thread_.await(made.async_append(asio::buffer(content.get(), fill_append_bytes), asio::use_future));
    *bytes += fill_append_bytes;
  }
  return made;
}

void load::run_callers(double seconds) {
  if (plan_.threads == 1) return callers_.front()->run(seconds);
  std::latch ready{static_cast<std::ptrdiff_t>(plan_.threads)};
  std::vector<std::jthread> threads;
  for (const auto& one : callers_) {
    threads.emplace_back([&ready, &one, seconds] {
      ready.arrive_and_wait();
      one->run(seconds);
    });
  }
}

}  // namespace furrow::bench
