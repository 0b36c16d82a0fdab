// Of driver.hpp: writes whose source may not be resident.
//
//   start        what can be held is given to the core with the request
//   source_need  what was held is let go; what can be held from there on is given, else
//   populate     the helper makes it resident; what can then be held is given, else
//   bounce       the helper copies a piece, which is given
//
// The operation may end at any time (cancelled, closed): what the helper then brings is for nobody.
#include <boost/asio/post.hpp>
#include <utility>

#include "core/assert.hpp"
#include "driver/driver.hpp"

namespace furrow::driver {

bool driver::begin_helped(operation& o) {
  if (o.feed) std::get<core::write_request>(o.request.body).segments = o.feed->hold(0);
  const auto* asked = std::get_if<core::fill_request>(&o.request.body);
  if (asked == nullptr) return true;
  populate(o, asked->offset_bytes, asked->to.size());
  return false;
}

void driver::need_source(core::operation_id id, std::uint64_t position) {
  operation* o = table_.find(id);
  FURROW_ASSERT(o != nullptr && o->feed != nullptr);
  segment_list held = o->feed->hold(position);
  if (!held.empty()) return give_source(id, std::move(held), {}, false);
  have_fetched(*o, position, false);
}

void driver::have_fetched(const operation& o, std::uint64_t position, bool copying) {
  help([feed = o.feed, id = o.id(), position, copying, weak = weak_from_this()] {
    const error_code e = copying ? feed->bounce(position) : feed->populate(position);
    if (auto alive = weak.lock()) leave_from_helper(std::move(alive), fetched_note{id, position, e, copying});
  });
}

/// The caller's hold on the driver goes to its executor, or was not the last one: a driver does not end on its helper while it
/// has anything of its executor.
void driver::leave_from_helper(std::shared_ptr<driver> self, note&& n) {
  driver& d = *self;
  std::unique_lock lock(d.mutex_);
  if (!d.executor_) return lock.unlock();
  d.inbox_.push_back(std::move(n));
  if (d.pump_scheduled_ || d.in_turn_) return self.reset();  // who has the turn looks again, and holds the driver
  d.pump_scheduled_ = true;
  asio::post(*d.executor_, [self = std::move(self)] { self->pump(); });
}

void driver::help(std::function<void()> what) {
  if (!helper_) helper_ = std::make_shared<own_thread>();
  asio::post(helper_->executor(), std::move(what));
}

void driver::take(const fetched_note& n) {
  if (phase_ == phase::ended) return;
  operation* o = table_.find(n.id);
  if (o == nullptr) return;
  if (!o->feed) return end_helped(n.id, n.error);
  if (n.error) return give_source(n.id, {}, n.error, false);
  if (n.copied) return give_source(n.id, o->feed->bounced(), {}, true);
  segment_list held = o->feed->hold(n.position);
  if (!held.empty()) return give_source(n.id, std::move(held), {}, false);
  have_fetched(*o, n.position, true);
}

void driver::give_source(core::operation_id id, segment_list held, error_code e, bool copied) {
  to_core(core::request{unheard_id(), now_ns_, core::source_request{id, std::move(held), e, copied}});
}

}  // namespace furrow::driver
