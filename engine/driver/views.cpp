// Of driver.hpp: views of objects, and their fills.
//
//   map        the memory is made on the caller's thread; the core takes the snapshot; plain memory is filled by the helper
//   fill       asked for by a fault, or by populate() on any thread: a note; in a turn a fill_request; its bytes are put
//              into the view by view_memory
//   unmap      when the last copy of the view is gone
//
// A fill keeps the view's memory, and its own buffer, until the core has answered or is gone (I4).
#include <unistd.h>

#include <bit>
#include <cstring>
#include <utility>

#include "driver/start.hpp"
#include "furrow/engine/view.hpp"

namespace furrow::driver {
namespace {

constexpr const char* denied_text =
    "userfaultfd is not permitted here; sysctl vm.unprivileged_userfaultfd=1 permits it, or CAP_SYS_PTRACE, or access "
    "to "
    "/dev/userfaultfd; with copy_where_denied a view is read as a whole instead";

}  // namespace

std::shared_ptr<view_memory> driver::make_view(std::uint64_t bytes, const map_options& options, failed_map& why) {
  if (!thread_) {
    why = {errc::needs_own_thread, "a view needs a store that was opened on own_thread"};
    return nullptr;
  }
  const bool fits = std::has_single_bit(options.fill_bytes) && options.fill_bytes >= view_memory::page_bytes &&
                    options.fill_bytes <= 1 << 20;
  if (bytes == 0 || !fits) {
    why = {errc::invalid_argument,
           bytes == 0 ? "a view has at least one byte" : "fill_bytes is a power of two from 4,096 to 1,048,576"};
    return nullptr;
  }
  std::shared_ptr<fault_watch> watch;
  {
    const std::lock_guard lock(watch_mutex_);
    error_code e;
    if (auto now = fault_watch::open_or(watch_, e)) {
      watch = watch_ = std::move(now);
    } else if (!options.copy_where_denied) {
      why = {errc::unsupported, denied_text};
      return nullptr;
    }
  }
  auto m = view_memory::make(bytes, options.fill_bytes, std::move(watch), view_bytes_left_, why.error);
  if (!m) {
    if (why.error == errc::busy) why.what = "the view is over view_bytes_max together with the others";
    return nullptr;
  }
  m->on_need([this, weak = std::weak_ptr(m)](view_memory::page_range pages) {
    if (auto alive = weak.lock()) static_cast<void>(leave(fill_note{std::move(alive), pages}));
  });
  return m;
}

void driver::mapped(core::operation_id id, std::uint64_t view) {
  const operation* o = table_.find(id);
  FURROW_ASSERT(o != nullptr && o->of_view != nullptr);
  o->of_view->id = view;
  if (!o->of_view->plain()) return end_helped(id, {});
  populate(*o, 0, o->of_view->bytes());
}

void driver::populate(const operation& o, std::uint64_t from, std::uint64_t count) {
  help([memory = o.of_view, id = o.id(), from, count, weak = weak_from_this()]() mutable {
    const error_code e = memory->populate(from, count);
    memory.reset();
    if (auto alive = weak.lock()) leave_from_helper(std::move(alive), fetched_note{id, 0, e, false});
  });
}

void driver::end_helped(core::operation_id id, error_code why) {
  operation_ptr o = withdraw(id);
  ending e;
  e.error = why;
  if (const auto* asked = std::get_if<core::fill_request>(&o->request.body)) {
    const std::uint64_t all = o->of_view->bytes(), from = std::min(asked->offset_bytes, all);
    e.result = core::read_result{std::min<std::uint64_t>(asked->to.size(), all - from)};
  } else {
    e.by = shared_from_this();
    e.memory = std::exchange(o->of_view, nullptr);
    if (why) {
      unmap(e.memory->id);
      e.by = nullptr;
    }
  }
  finish(std::move(o), std::move(e));
}

void driver::take(fill_note& n) {
  if (phase_ == phase::ended) return;
  const std::uint64_t from = n.pages.first * view_memory::page_bytes;
  const std::size_t length = n.pages.count * view_memory::page_bytes;
  const std::size_t count = std::min<std::uint64_t>(length, n.memory->bytes() - from);
  fill f{std::move(n.memory), n.pages, {}};
  std::byte* to = f.memory->data() + from;
  if (!f.memory->plain()) {
    f.buffer.reset(static_cast<std::byte*>(::operator new (length, std::align_val_t{view_memory::page_bytes})));
    to = f.buffer.get();
    std::memset(to + count, 0, length - count);
  }
  const core::operation_id id{next_id().value | filling};
  core::request r{id, now_ns_, core::fill_request{f.memory->id, from, {to, count}}};
  fills_.emplace(id.value, std::move(f));
  to_core(std::move(r));
}

void driver::filled(const core::notification& n) {
  const auto node = fills_.extract(n.id.value);
  FURROW_ASSERT(!node.empty());
  const fill& f = node.mapped();
  f.memory->fill_done(f.pages, {f.buffer.get(), f.pages.count * view_memory::page_bytes}, n.error);
}

void driver::take(const unmap_note& n) {
  if (phase_ != phase::ended) to_core(core::request{unheard_id(), now_ns_, core::unmap_request{n.view}});
}

void driver::unmap(std::uint64_t view) { static_cast<void>(leave(unmap_note{view})); }

void driver::end_views() {
  std::shared_ptr<fault_watch> watch;
  {
    const std::lock_guard lock(watch_mutex_);
    watch = watch_;
  }
  if (watch) watch->end_all();
  for (const auto& [id, f] : fills_) f.memory->end();  // plain memory is not watched
}

}  // namespace furrow::driver

namespace furrow {

view::view(std::shared_ptr<driver::driver> by, std::shared_ptr<driver::view_memory> memory)
    : by_(std::move(by)), memory_(std::move(memory)) {}

view::~view() {
  by_->unmap(memory_->id);
  memory_.reset();
}

const std::byte* view::data() const { return memory_->data(); }
std::uint64_t view::bytes() const { return memory_->bytes(); }
bool view::copied() const { return memory_->plain(); }
std::uint64_t view::filled_bytes() const { return memory_->filled_bytes(); }
error_code view::populate(std::uint64_t from_bytes, std::uint64_t count) {
  return memory_->populate(from_bytes, count);
}
std::uint64_t view::release_pages(std::uint64_t from_bytes, std::uint64_t count) {
  return memory_->release(from_bytes, count);
}
std::span<const std::byte> view::acquire(std::uint64_t from_bytes, std::uint64_t bytes_max) {
  return memory_->pin(from_bytes, bytes_max);
}
void view::release(std::span<const std::byte> held) { memory_->unpin(held); }

error_code view::copy(std::uint64_t from_bytes, std::span<std::byte> to) {
  if (from_bytes > bytes() || to.size() > bytes() - from_bytes) return errc::out_of_range;
  while (!to.empty()) {  // what is filled may be given back before it is pinned
    const auto held = acquire(from_bytes, to.size());
    if (held.empty()) {
      if (const error_code e = populate(from_bytes, to.size())) return e;
      continue;
    }
    std::memcpy(to.data(), held.data(), held.size());
    release(held);
    from_bytes += held.size();
    to = to.subspan(held.size());
  }
  return {};
}

asio::any_io_executor view::populating::get_executor() const { return by->handler_executor(); }

void view::populating::start(detail::handler_of<void(error_code, std::uint64_t)> h, std::uint64_t from_bytes,
                             std::uint64_t count) const {
  // The core sees none of this request; where its bytes would go says how many they are.
  const std::span<std::byte> where(memory->data(), static_cast<std::size_t>(count));
  auto o = driver::make_operation(std::move(h), core::fill_request{memory->id, from_bytes, where}, {});
  o->of_view = memory;
  driver::start(by, std::move(o));
}

void object::start_map(driver::handler_for<std::shared_ptr<view>> h, std::uint64_t offset_bytes, std::uint64_t bytes,
                       map_options options) const {
  auto o = driver::make_operation(
      std::move(h), core::map_request{handle_ ? handle_->opened.handle : core::handle_id{}, offset_bytes, bytes},
      call_);
  if (!handle_) return driver::start(std::shared_ptr<driver::driver>{}, std::move(o));
  driver::failed_map why;
  o->of_view = handle_->by->make_view(bytes, options, why);
  o->handle = handle_;
  if (!o->of_view) {
    if (call_.detail != nullptr) call_.detail->object = id();
    return driver::refuse(std::move(o), get_executor(), why.error, why.what);
  }
  driver::start(handle_->by, std::move(o));
}

}  // namespace furrow
