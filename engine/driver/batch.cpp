#include "furrow/engine/batch.hpp"

#include <utility>

#include "driver/open_handle.hpp"

namespace furrow {
namespace {

core::rename_request rename_of(object_key from, std::string to, collection_id to_collection, bool replace) {
  core::rename_request r;
  r.object = from.id;
  r.collection = from.collection;
  r.from = std::move(from.name);
  r.to = std::move(to);
  r.to_collection = to_collection;
  r.replace = replace;
  return r;
}

template <class Member>
batch::index add(driver::batch_members& to, Member m) {
  to.request.members.emplace_back(std::move(m));
  return to.request.members.size() - 1;
}

/// Its number, and a hold on it until the commit has ended.
core::handle_id hold(driver::batch_members& in, const object& o) {
  if (!o) {
    in.valid = false;
    return {};
  }
  in.handles.push_back(o.handle());
  return o.handle()->opened.handle;
}

}  // namespace

batch::batch() : members_(std::make_shared<driver::batch_members>()) {}
batch::batch(batch&& from) noexcept = default;
batch& batch::operator=(batch&& from) noexcept = default;
batch::~batch() = default;

batch::index batch::create(create_options options) {
  return add(*members_, core::batch_request::create{std::move(options)});
}

batch::index batch::rename(object_key from, std::string to, bool replace) {
  const collection_id same = from.collection;
  return rename(std::move(from), std::move(to), same, replace);
}

batch::index batch::rename(object_key from, std::string to, collection_id to_collection, bool replace) {
  return add(*members_, rename_of(std::move(from), std::move(to), to_collection, replace));
}

batch::index batch::remove(object_key which) {
  return add(*members_, core::remove_request{which.collection, std::move(which.name), which.id});
}

batch::index batch::set_attributes(const object& of, attributes to) {
  return add(*members_, core::set_attributes_request{hold(*members_, of), std::move(to)});
}

batch::index batch::add_append(const object& to, segment_list segments, append_options options) {
  members_->append_bytes += zoned::total_bytes(segments);
  return add(*members_, core::batch_request::append{hold(*members_, to), 0, std::move(segments), options});
}

batch::index batch::add_append_to_created(index created, segment_list segments, append_options options) {
  const auto& all = members_->request.members;
  if (created >= all.size() || !std::holds_alternative<core::batch_request::create>(all[created])) {
    members_->valid = false;
  }
  members_->append_bytes += zoned::total_bytes(segments);
  return add(*members_, core::batch_request::append{{}, created, std::move(segments), options});
}

std::size_t batch::members() const { return members_ ? members_->request.members.size() : 0; }

std::shared_ptr<driver::batch_members> batch::release() { return std::exchange(members_, nullptr); }

}  // namespace furrow
