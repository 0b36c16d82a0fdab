#include "crash/session.hpp"

#include <fmt/format.h>

#include "sim/failure.hpp"

namespace furrow::crash {
namespace {

constexpr std::uint64_t steps_max = 200'000;

}  // namespace

session::session(recorder& device, const store_options& options, std::int64_t now_ns)
    : device_{device},
      core_{std::make_unique<core::core>(device.shape(), device.promises(), options)},
      now_ns_{now_ns} {}

void session::send(core::operation_id id, core::request_body body) {
  now_ns_ += 1000;
  core_->handle(core::request{id, now_ns_, std::move(body)});
}

void session::deliver(const core::notification& n) {
  if (const auto at = later_.find(n.id.value); at != later_.end()) {
    if (n.error) throw sim::broken_promise{fmt::format("a later answer: {} {}", n.error.message(), n.detail.what)};
    const auto call = std::move(at->second);
    later_.erase(at);
    return call();
  }
  if (n.id.value != 0) throw sim::broken_promise{fmt::format("an answer to {}, which was not asked", n.id.value)};
  const auto* e = std::get_if<core::event>(&n.result);
  if (e != nullptr && e->what == core::event::kind::damage)
    throw sim::broken_promise{"the store finds damage where none was done: " + e->detail.what};
}

void session::ask_later(core::request_body body, std::function<void()> call) {
  const core::operation_id id{++asked_};
  later_.emplace(id.value, std::move(call));
  send(id, std::move(body));
}

bool session::step() {
  bool moved = false;
  for (zoned::command c; core_->poll(c); moved = true) device_.submit(c);
  if (zoned::completion done; device_.complete(done)) {
    core_->handle(done);
    return true;
  }
  return moved;
}

bool session::go_on(bool& ticked) {
  if (step()) {
    ticked = false;
    return true;
  }
  if (ticked && !core_->tick()) return false;
  core_->tick();
  return ticked = true;
}

core::notification session::ask(core::request_body body) {
  const core::operation_id id{++asked_};
  const bool closes = std::holds_alternative<core::close_request>(body);
  send(id, std::move(body));
  bool ticked = false;
  for (std::uint64_t i = 0; i < steps_max; ++i) {
    for (core::notification n; core_->poll(n);) {
      if (n.id != id) {
        deliver(n);
        continue;
      }
      if (closes && !later_.empty()) throw sim::broken_promise{"it has closed, and owes an answer"};
      return n;
    }
    if (!go_on(ticked)) throw sim::broken_promise{"no answer, and nothing on its way"};
  }
  throw sim::broken_promise{"no answer: the store does not come to an end"};
}

core::notification session::must(core::request_body body, const char* what) {
  core::notification n = ask(std::move(body));
  if (n.error) throw sim::broken_promise{fmt::format("{}: {} {}", what, n.error.message(), n.detail.what)};
  return n;
}

void session::settle() {
  bool ticked = false;
  for (std::uint64_t i = 0; i < steps_max; ++i) {
    for (core::notification n; core_->poll(n);) deliver(n);
    if (go_on(ticked)) continue;
    if (!later_.empty()) throw sim::broken_promise{"it is at rest, and owes an answer"};
    return;
  }
  throw sim::broken_promise{"the store does not come to rest"};
}

}  // namespace furrow::crash
