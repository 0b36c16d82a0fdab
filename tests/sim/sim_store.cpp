// Carrying commands and completions between the core and the device.
#include "sim/sim_store.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/failure.hpp"

namespace furrow::sim {
namespace {

constexpr std::uint64_t steps_per_answer_max = 5'000'000;
constexpr std::size_t completions_at_a_time = 16;

/// While one is alive the core is being called.
class call_of_core {
 public:
  call_of_core() { core_is_called = true; }
  call_of_core(const call_of_core&) = delete;
  call_of_core& operator=(const call_of_core&) = delete;
  ~call_of_core() { core_is_called = false; }
};

}  // namespace

sim_store::sim_store(sim_device& device, const store_options& options, std::uint64_t seed)
    : device_{device}, options_{options}, chance_{seed}, completions_(completions_at_a_time) {}

void sim_store::start(bool for_repair, bool for_reading) {
  const call_of_core now;
  store_options options = options_;
  options.for_repair = options.for_repair || for_repair;
  options.read_only = options.read_only || for_reading;
  stirred_ = true;
  core_ = std::make_unique<core::core>(device_.shape(), device_.promises(), options);
}

void sim_store::interrupt(interruption how) {
  device_.interrupt(how);
  waiting_.clear();
  core_.reset();
}

void sim_store::end() {
  if (!idle() || core_->commands_in_flight() != 0) {
    throw broken_promise{fmt::format("a closed store has {} commands in flight, {} of them given to the device",
                                     core_->commands_in_flight(), device_.in_flight())};
  }
  core_.reset();
}

core::operation_id sim_store::send(core::request_body body) {
  const core::operation_id id{++requests_};
  const auto thought_ns = static_cast<std::int64_t>(chance_.below(1'000'000));
  now_ns_ = device_.clock().keeps_time()
                ? std::max(now_ns_, begin_ns + static_cast<std::int64_t>(device_.clock().now()))
                : now_ns_ + thought_ns;
  const call_of_core now;
  stirred_ = true;
  core_->handle(core::request{id, now_ns_, std::move(body)});
  return id;
}

void sim_store::forward() {
  zoned::command c;
  const auto next = [&] {
    const call_of_core now;
    return core_->poll(c);
  };
  if (stirred_)
    while (next()) waiting_.push_back(c);
  stirred_ = false;
  if (waiting_.empty()) return;
  const std::size_t taken = device_.submit(waiting_);
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
}

bool sim_store::poll(core::notification& to) {
  forward();
  const call_of_core now;
  return core_->poll(to);
}

void sim_store::step() {
  ++steps_;
  forward();
  const std::size_t count = device_.reap(completions_);
  const bool ticks = idle() || chance_.chance(5);
  {
    const call_of_core now;
    stirred_ = stirred_ || count > 0;
    for (std::size_t i = 0; i < count; ++i) core_->handle(completions_[i]);
    if (ticks && core_->tick()) stirred_ = true;
  }
  forward();
  if (const auto& complaint = device_.complaint()) throw broken_promise{"the device: " + *complaint};
}

core::notification sim_store::ask(core::request_body body) {
  const core::operation_id id = send(std::move(body));
  core::notification n;
  for (std::uint64_t i = 0; i < steps_per_answer_max; ++i) {
    while (poll(n)) {
      if (n.id == id) {
        if (std::FILE* file = device_.trace().file())
          fmt::print(file, "verify: {}\n", n.error ? n.error.message() : "ok");
        return n;
      }
      if (n.id.value != 0) throw broken_promise{fmt::format("an answer to {}, which was not asked", n.id.value)};
    }
    step();
  }
  throw broken_promise{"no answer: the store hangs"};
}

}  // namespace furrow::sim
