// Atomic groups, and requests that must be refused.
#include <fmt/format.h>

#include <algorithm>

#include "sim/content.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {
namespace {

constexpr std::size_t members_max = 5;
constexpr std::uint64_t member_append_bytes_max = 20'000;

}  // namespace

void workload::add_create(operation& op, core::batch_request& to) {
  const publication_id p = op.publications[0];
  core::batch_request::create member;
  batch_part part;
  part.what = action::create_named;
  const name_index name = chance_.chance(700) ? pick_free_name() : none;
  if (name != none && truth_.entry(name).holder == none) {
    part.name = name;
    truth_.entry(name).busy = true;
    member.options.name = truth_.name(name);
  }
  member.options.collection = member.options.name.empty() ? draw_collection() : truth_.collection_of(name);
  part.object = truth_.add_object();
  part.version = ++versions_;
  model_object& o = truth_.at(part.object);
  ++o.other_users;
  o.collection = member.options.collection;
  o.created_by = p;
  o.names.push_back({p, part.name});
  o.attributes.push_back({p, part.version});
  member.options.fail_if_exists = true;
  member.options.attributes = make_attributes(o.tag, part.version);
  part.member = to.members.size();
  op.parts.push_back(part);
  to.members.emplace_back(std::move(member));
}

// Its memory is given by give_memory(), when the whole length is known.
void workload::add_append(operation& op, core::batch_request& to) {
  core::batch_request::append member;
  batch_part part;
  part.what = action::append;
  const auto is_create = [](const batch_part& b) { return b.what == action::create_named; };
  const auto created = std::ranges::find_if(op.parts, is_create);
  if (created != op.parts.end() && chance_.chance(600)) {
    part.object = created->object;
    member.created = created->member;
  } else {
    const std::size_t at = pick_handle(true);
    if (at == none || truth_.at(handles_[at].object).appends > 0) return;
    part.object = handles_[at].object;
    if (std::ranges::any_of(op.parts, [&](const batch_part& b) { return b.object == part.object; })) return;
    member.handle = handles_[at].id;
  }
  model_object& o = truth_.at(part.object);
  if (o.exclusive) return;
  o.exclusive = true;
  ++o.other_users;
  const std::uint64_t most = std::min(member_append_bytes_max, scenario_.extent_bytes_max() / 2);
  part.version = static_cast<std::uint32_t>(chance_.scaled(1, most));
  plan_append(op, part.object, part.version, op.publications[0]);
  op.bytes += part.version;
  part.member = to.members.size();
  op.parts.push_back(part);
  to.members.emplace_back(std::move(member));
}

object_index workload::pick_for_batch(const operation& op) {
  const object_index i = pick_object(true);
  const bool used = std::ranges::any_of(op.parts, [&](const batch_part& b) { return b.object == i; });
  return used ? none : i;
}

// The name that an object is to lose.
void workload::keep_name_busy(operation& op, object_index i) {
  const name_index name = truth_.at(i).now.name;
  if (name == none) return;
  truth_.entry(name).busy = true;
  batch_part part;
  part.what = action::list;
  part.name = name;
  op.parts.push_back(part);
}

void workload::add_removal(operation& op, core::batch_request& to) {
  const object_index i = pick_for_batch(op);
  if (i == none) return;
  model_object& o = truth_.at(i);
  o.removing = o.name_busy = true;
  o.removed_by = op.publications[0];
  ++o.other_users;
  batch_part part;
  part.what = action::remove;
  part.object = i;
  part.member = to.members.size();
  op.parts.push_back(part);
  core::remove_request member;
  member.id = o.id;
  to.members.emplace_back(std::move(member));
  keep_name_busy(op, i);
}

void workload::add_renaming(operation& op, core::batch_request& to) {
  const object_index i = pick_for_batch(op);
  const name_index name = pick_free_name();
  if (i == none || name == none || truth_.entry(name).holder != none) return;
  model_object& o = truth_.at(i);
  o.name_busy = true;
  o.names.push_back({op.publications[0], name});
  ++o.other_users;
  truth_.entry(name).busy = true;
  batch_part part;
  part.what = action::rename;
  part.object = i;
  part.name = name;
  part.member = to.members.size();
  op.parts.push_back(part);
  core::rename_request member;
  member.object = o.id;
  member.to = truth_.name(name);
  member.to_collection = truth_.collection_of(name);
  to.members.emplace_back(std::move(member));
  keep_name_busy(op, i);
}

void workload::give_memory(operation& op, core::batch_request& to) {
  op.memory.resize(op.bytes);
  std::span<std::byte> rest = op.memory;
  for (const batch_part& part : op.parts) {
    if (part.what != action::append) continue;
    const std::span<std::byte> mine = rest.first(part.version);
    rest = rest.subspan(mine.size());
    const auto step = std::ranges::find(truth_.at(part.object).steps, op.serial, &content_step::operation);
    fill_content(mine, step->holds[0].tag, step->holds[0].stream);
    std::get<core::batch_request::append>(to.members[part.member]).segments = cut_memory(mine);
  }
}

bool workload::ask_batch() {
  operation_ptr op = make(action::batch);
  core::batch_request request;
  op->publications = {truth_.ask()};
  for (std::uint64_t tries = chance_.within(1, members_max); tries > 0; --tries) {
    switch (chance_.below(8)) {
      case 0:
      case 1:
        add_create(*op, request);
        break;
      case 2:
      case 3:
      case 4:
      case 5:
        add_append(*op, request);
        break;
      case 6:
        add_removal(*op, request);
        break;
      default:
        add_renaming(*op, request);
        break;
    }
  }
  if (request.members.empty()) {
    truth_.make_void(op->publications[0]);
    return false;
  }
  give_memory(*op, request);
  op->durable = chance_.chance(scenario_.work.durable_per_mille);
  request.level = op->durable ? durability::durable : durability::written;
  send(std::move(op), std::move(request));
  return true;
}

void workload::batch_done(operation& op, const core::batch_result& result) {
  if (result.sequence == 0) broken(op, "no sequence");
  published(op, op.publications[0], result.sequence);
  for (const batch_part& part : op.parts) {
    if (part.member == none) continue;
    if (part.member >= result.created.size() || part.member >= result.appended.size()) {
      broken(op, "results of members are missing");
    }
    model_object& o = truth_.at(part.object);
    if (part.what == action::create_named) {
      o.id = result.created[part.member];
      if (o.id == 0) broken(op, "no id of a created object");
      truth_.created(part.object);
    } else if (part.what == action::append) {
      const append_result& appended = result.appended[part.member];
      const auto step = std::ranges::find(o.steps, op.serial, &content_step::operation);
      if (appended.offset_bytes != step->begin_bytes || appended.bytes != part.version) {
        broken(op, fmt::format("a member has {} bytes at {}, not {} at {}", appended.bytes, appended.offset_bytes,
                               part.version, step->begin_bytes));
      }
      truth_.changed(part.object, op.serial);
    } else if (part.what == action::remove) {
      truth_.removed(part.object);
    } else {
      truth_.renamed(part.object, part.name);
    }
  }
}

void workload::batch_undone(operation& op) {
  const publication_id p = op.publications[0];
  for (const batch_part& part : op.parts) {
    if (part.object == none) continue;
    model_object& o = truth_.at(part.object);
    if (part.what == action::append) drop_steps(op, part.object);
    if (o.created_by == p) o.created_by = 0;
    if (o.removed_by == p) o.removed_by = 0;
    std::erase_if(o.names, [&](const name_step& s) { return s.by == p; });
    std::erase_if(o.attributes, [&](const attributes_step& s) { return s.by == p; });
  }
}

bool workload::ask_misuse() {
  operation_ptr op = make(action::misuse);
  const std::size_t at = pick_handle(true);
  const core::handle_id bogus{0x7fff'ffff'0000};
  switch (chance_.below(at == none ? 6 : 9)) {
    case 0: {
      core::create_request request;
      request.options.name.assign(1025, 'n');
      op->foretold = {errc::name_too_long};
      send(std::move(op), std::move(request));
      return true;
    }
    case 1: {
      core::create_request request;
      request.options.attributes.user.resize(1025);
      op->foretold = {errc::attributes_too_large};
      send(std::move(op), std::move(request));
      return true;
    }
    case 2:
      op->foretold = {errc::closed, errc::invalid_argument};
      send(std::move(op), core::stat_request{bogus});
      return true;
    case 3:
      op->foretold = {errc::not_found};
      send(std::move(op), core::remove_request{.collection = default_collection, .name = "nobody's name", .id = 0});
      return true;
    case 4:
      op->foretold = {errc::not_found};
      send(std::move(op),
           core::open_object_request{.collection = default_collection, .name = {}, .id = ~object_id{0} >> 1});
      return true;
    case 5: {
      const object_index i = pick_object(false);
      if (i == none) return false;
      core::rename_request request;
      request.object = truth_.at(i).id;
      op->foretold = {errc::name_empty};
      lock_object(*op, i);
      send(std::move(op), std::move(request));
      return true;
    }
    default:
      break;
  }
  const object_index i = handles_[at].object;
  const model_object& o = truth_.at(i);
  if (o.appends > 0 || !o.edits.empty()) return false;
  core::append_request request;
  request.handle = handles_[at].id;
  op->memory.resize(10);
  request.segments = {{op->memory.data(), 10}};
  if (o.now.fence_epoch > 0 && chance_.chance(500)) {
    request.options.fence_epoch = o.now.fence_epoch - 1;
    op->foretold = {errc::fenced};
  } else {
    request.options.expected_offset_bytes = chance_.chance(500) ? o.asked_end + 1 : o.asked_end + (1u << 20);
    op->foretold = {errc::offset_mismatch};
  }
  lock_object(*op, i);
  op->handle = at;
  ++handles_[at].users;
  send(std::move(op), std::move(request));
  return true;
}

}  // namespace furrow::sim
