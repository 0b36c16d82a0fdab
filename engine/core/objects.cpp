#include "core/objects.hpp"

#include "core/apply.hpp"
#include "core/data_writer.hpp"
#include "core/page_reader.hpp"
#include "core/reclaimer.hpp"

namespace furrow::core {

object_state* object_table::find(object_id id) {
  const auto it = objects_.find(id);
  return it == objects_.end() ? nullptr : it->second.get();
}

object_state& object_table::add_new(object_id id, collection_id collection) {
  auto& o = objects_[id];
  FURROW_ASSERT(!o);
  o = std::make_unique<object_state>();
  o->id = id;
  o->value.collection = collection;
  o->account = &c_.collections.of(collection);
  o->unpublished = true;
  o->users = 1;
  return *o;
}

void object_table::use(object_id id, std::function<void(error_code, object_state*)> call) {
  object_state* o = find(id);
  if (o != nullptr && o->loaded) {
    ++o->users;
    return call({}, o);
  }
  if (o != nullptr && o->unpublished) return call(errc::not_found, nullptr);
  const bool fresh = o == nullptr;
  if (fresh) {
    o = &add_new(id, default_collection);
    o->unpublished = false;
    o->users = 0;
  }
  ++o->users;
  o->loading.push_back([this, o, call = std::move(call)](error_code ec) {
    if (!ec) return call({}, o);
    call(ec, nullptr);
    unuse(*o);
  });
  if (fresh) load(*o);
}

void object_table::load(object_state& o) {
  std::optional<format::object_value> v;
  std::vector<std::byte> tail;
  readiness done = c_.apply->load(o.id, v);
  if (done.ready() && v) done = c_.apply->load_tail(o.id, v->bytes, tail);
  if (done.ready() && v) done = c_.apply->load_doomed(o.id, o.doomed);
  bool orphan = false;
  if (done.ready() && v && v->name.empty()) {
    const tree_lookup l = c_.objects->find(format::orphan_key(o.id));
    orphan = l.has_cell() && !o.doomed;
  }
  if (done.need) {
    return c_.pages->wait(*done.need, [this, &o](error_code ec) {
      if (!ec) return load(o);
      for (auto& call : std::exchange(o.loading, {})) call(ec);
    });
  }
  error_code ec;
  if (done.fault != nullptr)
    ec = errc::damaged;
  else if (!v || orphan)
    ec = errc::not_found;
  if (!ec) {
    o.loaded = true;
    o.value = std::move(*v);
    o.account = &c_.collections.of(o.value.collection);
    o.tail = std::move(tail);
    o.reserved = {o.value.bytes, o.value.tail_epoch, o.tail};
    o.reserved_fence = o.value.fence_epoch;
  }
  ++o.users;
  for (auto& call : std::exchange(o.loading, {})) call(ec);
  unuse(o);
}

void object_table::unuse(object_state& o) {
  FURROW_ASSERT(o.users > 0);
  --o.users;
  settle(o);
}

std::uint64_t object_table::promised_blocks() const {
  std::uint64_t blocks = 0;
  for (const auto& [id, o] : objects_) blocks += o->promised_blocks;
  return blocks;
}

void object_table::settle(object_state& o) {
  if (o.users != 0 || o.handles != 0 || o.reads != 0 || !o.queue.empty() || !o.loading.empty()) return;  // O1
  const object_id id = o.id;
  const bool orphan = o.orphan;
  const collection_id collection = o.value.collection;
  objects_.erase(id);
  if (orphan) c_.reclaim->drop_object(id, collection);
}

handle_id object_table::open_handle(object_state& o) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  slots_[index].object = &o;
  ++o.handles;
  ++handle_count_;
  return {std::uint64_t{slots_[index].generation} << 32 | (index + 1)};
}

object_state* object_table::of(handle_id h) {
  const auto index = static_cast<std::uint32_t>(h.value) - 1;
  if (h.value == 0 || index >= slots_.size() || slots_[index].generation != h.value >> 32) return nullptr;
  return slots_[index].object;
}

bool object_table::release(handle_id h) {
  object_state* o = of(h);
  if (o == nullptr) return false;
  const auto index = static_cast<std::uint32_t>(h.value) - 1;
  slots_[index].object = nullptr;
  ++slots_[index].generation;
  free_slots_.push_back(index);
  --handle_count_;
  if (--o->handles == 0) {
    c_.data->release(std::exchange(o->promised_blocks, 0));
    collection_table::unclaim(*o, std::exchange(o->promise_claim_blocks, 0));
  }
  settle(*o);
  return true;
}

}  // namespace furrow::core
