#include "furrow_wa/measured_store.hpp"

#include <algorithm>
#include <stdexcept>

namespace furrow::wa {

namespace {
constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint32_t write_blocks_max = 1024;
constexpr std::uint64_t ticks_every = 64;  // requests

store_options all_pages_resident() {
  store_options o;
  o.page_cache_bytes = std::uint64_t{1} << 30;
  return o;
}

}  // namespace

measured_store::measured_store(const payload_free_device::plan& p)
    : measured_store{p, {.force = false, .page_copies = 1, .checksums = false}, all_pages_resident()} {}

measured_store::measured_store(const payload_free_device::plan& p, const format_options& format,
                               const store_options& options)
    : plan_{p}, options_{options}, device_{p}, memory_(std::min(p.zone_blocks, write_blocks_max) * block_bytes) {
  start();
  uuid id{};
  id[0] = std::byte{1};
  ask(core::format_request{format, id});
  static_cast<void>(open());
}

void measured_store::start() {
  core_ = std::make_unique<core::core>(payload_free_device::shape_of(plan_), payload_free_device::promises(), options_);
}

void measured_store::kill() { core_.reset(); }

core::open_result measured_store::open() {
  start();
  return std::get<core::open_result>(ask(core::open_request{}));
}

core::result_body measured_store::ask(core::request_body body) {
  core_->handle(core::request{{++last_}, static_cast<std::int64_t>(last_), std::move(body)});
  for (std::uint32_t rounds = 0;; ++rounds) {
    core::notification n;
    while (core_->poll(n)) {
      look_at(n);
      if (n.id.value == last_) {
        if (n.error) throw std::runtime_error(n.error.message() + ": " + n.detail.what + ended_for_);
        core::result_body result = std::move(n.result);
        settle();
        return result;
      }
    }
    zoned::command c;
    if (core_->poll(c))
      core_->handle(device_.execute(c));
    else if (rounds < 1'000'000)
      core_->tick();
    else
      throw std::runtime_error("the store does not answer");
  }
}

void measured_store::look_at(const core::notification& n) {
  const auto* e = std::get_if<event>(&n.result);
  if (e != nullptr && e->what == event::kind::needs_reopen) ended_for_ = e->detail.what;
}

/// What goes on behind the answer is done before the next request.
void measured_store::settle() {
  zoned::command c;
  core::notification n;
  for (bool ticked = last_ % ticks_every != 0;;) {
    while (core_->poll(n)) look_at(n);
    if (core_->poll(c))
      core_->handle(device_.execute(c));
    else if (!std::exchange(ticked, true))
      core_->tick();
    else
      return;
  }
}

core::handle_id measured_store::create(const std::string& name) {
  create_options o;
  o.name = name;
  return std::get<core::opened_object>(ask(core::create_request{o})).handle;
}

void measured_store::checkpoint() { ask(core::checkpoint_request{}); }

void measured_store::write(core::handle_id to, std::uint64_t first_block, std::uint32_t blocks) {
  const std::uint64_t bytes = blocks * block_bytes;
  ask(core::write_request{to, first_block * block_bytes, bytes, {{memory_.data(), bytes}}, {}});
}

void measured_store::release(core::handle_id h) { ask(core::release_request{h}); }

void measured_store::remove(const std::string& name) {
  core::remove_request r;
  r.name = name;
  ask(std::move(r));
}

statistics measured_store::counters() { return *std::get<core::statistics_ptr>(ask(core::statistics_request{})); }

}  // namespace furrow::wa
