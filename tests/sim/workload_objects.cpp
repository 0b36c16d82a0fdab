// Operations on objects as wholes: their being, names and attributes.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <tuple>

#include "format/codec.hpp"
#include "sim/workload.hpp"

namespace furrow::sim {
namespace {

constexpr std::size_t tag_bytes = 8;

}  // namespace

attributes make_attributes(std::uint64_t tag, std::uint32_t version) {
  prng chance{tag + version};
  attributes a;
  a.mode = version;
  a.created_ns = static_cast<std::int64_t>(tag >> 2);
  a.modified_ns = static_cast<std::int64_t>(version);
  if (chance.chance(200)) a.link_target.assign(chance.chance(100) ? 4095 : chance.within(1, 200), 'l');
  a.user.resize(chance.chance(50) ? 1024 : tag_bytes + chance.below(40));
  for (std::span<std::byte> left{a.user}; !left.empty();) {
    const std::uint64_t word = chance.next();
    const std::size_t part = std::min(left.size(), sizeof word);
    std::memcpy(left.data(), &word, part);
    left = left.subspan(part);
  }
  format::store_le(a.user.data(), tag);
  return a;
}

std::uint64_t tag_of(const attributes& a) {
  return a.user.size() < tag_bytes ? 0 : format::load_le<std::uint64_t>(a.user.data());
}

bool same_but_times(const attributes& a, const attributes& b) {
  const bool same = a.mode == b.mode && a.link_target == b.link_target && a.user.size() == b.user.size();
  return same && (a.user.empty() || std::memcmp(a.user.data(), b.user.data(), a.user.size()) == 0);
}

bool workload::ask_create(action kind) {
  const auto alive =
      std::ranges::count_if(truth_.remembered(), [&](object_index i) { return truth_.at(i).now.exists; });
  if (static_cast<std::uint64_t>(alive) >= scenario_.work.objects_max) return false;
  operation_ptr op = make(kind);
  core::create_request request;
  if (kind == action::create_named) {
    op->name = pick_free_name();
    if (op->name == none) return false;
    request.options.name = truth_.name(op->name);
  }
  request.options.collection = op->name != none ? truth_.collection_of(op->name) : draw_collection();
  const object_index holder = op->name == none ? none : truth_.entry(op->name).holder;
  op->fails_if_exists = chance_.chance(500);
  request.options.fail_if_exists = op->fails_if_exists;
  if (holder != none) {
    if (truth_.at(holder).name_busy) return false;
    lock_object(*op, holder);
    if (op->fails_if_exists) op->foretold = {errc::exists};
    request.options.attributes = make_attributes(0, 0);
  } else {
    const object_index i = truth_.add_object();
    lock_object(*op, i);
    model_object& o = truth_.at(i);
    const publication_id p = truth_.ask();
    op->publications = {p};
    op->version = ++versions_;
    o.collection = request.options.collection;
    o.created_by = p;
    o.names.push_back({p, op->name});
    o.attributes.push_back({p, op->version});
    request.options.attributes = make_attributes(o.tag, op->version);
  }
  if (op->name != none) truth_.entry(op->name).busy = true;
  send(std::move(op), std::move(request));
  return true;
}

bool workload::ask_open(action kind) {
  operation_ptr op = make(kind);
  core::open_object_request request;
  if (kind == action::open_by_name) {
    op->name = pick_free_name();
    if (op->name == none) return false;
    request.name = truth_.name(op->name);
    request.collection = truth_.collection_of(op->name);
    const object_index holder = truth_.entry(op->name).holder;
    if (holder == none) {
      op->foretold = {errc::not_found};
    } else {
      if (truth_.at(holder).name_busy) return false;
      lock_object(*op, holder);
    }
    truth_.entry(op->name).busy = true;
  } else {
    const std::vector<object_index>& all = truth_.remembered();
    if (all.empty()) return false;
    const object_index i = all[chance_.below(all.size())];
    const model_object& o = truth_.at(i);
    if (o.id == 0 || o.removing) return false;
    if (!o.now.exists) op->foretold = {errc::not_found};
    lock_object(*op, i);
    request.id = o.id;
  }
  send(std::move(op), std::move(request));
  return true;
}

void workload::opened(operation& op, const core::opened_object& result) {
  if (op.object == none) broken(op, "opened what does not exist");
  model_object& o = truth_.at(op.object);
  const bool is_new = !op.publications.empty();
  if (result.created != is_new) broken(op, is_new ? "not created" : "created although the name was taken");
  if (result.id == 0 || result.handle.value == 0) broken(op, "no id or no handle");
  if (is_new) {
    for (const object_index i : truth_.remembered()) {
      if (truth_.at(i).id == result.id) broken(op, fmt::format("the id {} is in use", result.id));
    }
    o.id = result.id;
    published(op, op.publications[0], 0);
    truth_.created(op.object);
  } else if (result.id != o.id) {
    broken(op, fmt::format("opened the object {}", result.id));
  }
  ++o.handles;
  const auto unused = std::ranges::find_if(handles_, [](const open_handle& h) { return !h.in_use && h.users == 0; });
  open_handle& h = unused == handles_.end() ? handles_.emplace_back() : *unused;
  h = {result.handle, op.object, 0, true};
}

bool workload::ask_release() {
  const std::size_t at = pick_handle(false);
  if (at == none) return false;
  open_handle& h = handles_[at];
  operation_ptr op = make(action::release);
  lock_object(*op, h.object);
  op->handle = at;
  ++h.users;
  h.in_use = false;
  if (--truth_.at(h.object).handles == 0) drop_promise(h.object);
  send(std::move(op), core::release_request{h.id});
  return true;
}

bool workload::ask_stat() {
  const std::size_t at = pick_handle(false);
  if (at == none) return false;
  operation_ptr op = make(action::stat);
  lock_object(*op, handles_[at].object);
  op->handle = at;
  ++handles_[at].users;
  std::tie(op->least_end, op->most_end) = truth_.ends_of(op->object);
  send(std::move(op), core::stat_request{handles_[at].id});
  return true;
}

void workload::check_status(const operation& op, const object_status& status) {
  model_object& o = truth_.at(op.object);
  if (status.id != o.id) broken(op, fmt::format("the status of object {}", status.id));
  if (!o.name_busy && o.name_changed < op.asked && status.collection != o.collection)
    broken(op, fmt::format("in collection {}, not {}", status.collection, o.collection));
  if (status.bytes > op.most_end || (status.bytes < op.least_end && o.failed_at < op.asked)) {
    broken(op, fmt::format("{} bytes; not between {} and {}", status.bytes, op.least_end, op.most_end));
  }
  if (op.looks) look_closer(op, status);
  // What is in front of the append may be published, and not answered yet: then the end is looked at later.
  const bool edited =
      std::ranges::any_of(o.steps, [](const content_step& s) { return s.sets_end && !s.is_append && s.answered == 0; });
  if (o.unresolved && !o.must_look && o.appends == 0 && !edited) {
    if (!truth_.resolve_end(op.object, status.bytes)) {
      broken(op, fmt::format("{} bytes after an append failed: no end of an ordered extent", status.bytes));
    }
  }
  const std::uint64_t whole = status.bytes / zoned::store_block_bytes;
  if (status.blocks > whole + 1) broken(op, fmt::format("{} blocks for {} bytes", status.blocks, status.bytes));
  if (!o.attributes_busy && o.attributes_changed < op.asked) {
    if (!same_but_times(status.attributes, make_attributes(o.tag, o.now.version))) {
      broken(op, fmt::format("attributes of version {}, not {}", status.attributes.mode, o.now.version));
    }
  }
  if (o.name_busy || o.name_changed >= op.asked) return;
  const std::string& name = o.now.name == none ? std::string{} : truth_.name(o.now.name);
  if (status.name != name) broken(op, fmt::format("named '{}', not '{}'", status.name, name));
}

bool workload::ask_attributes() {
  const std::size_t at = pick_handle(false);
  if (at == none) return false;
  model_object& o = truth_.at(handles_[at].object);
  if (!o.now.exists || o.attributes_busy || o.removing) return false;
  operation_ptr op = make(action::set_attributes);
  lock_object(*op, handles_[at].object);
  op->handle = at;
  ++handles_[at].users;
  o.attributes_busy = true;
  op->publications = {truth_.ask()};
  op->version = ++versions_;
  o.attributes.push_back({op->publications[0], op->version});
  send(std::move(op), core::set_attributes_request{handles_[at].id, make_attributes(o.tag, versions_)});
  return true;
}

bool workload::ask_rename() {
  const object_index i = pick_object(false);
  const name_index to = pick_free_name();
  if (i == none || to == none || truth_.at(i).now.name == to) return false;
  const object_index holder = truth_.entry(to).holder;
  model_object& o = truth_.at(i);
  if (holder != none) {
    const model_object& h = truth_.at(holder);
    if (h.name_busy || h.removing || h.exclusive || h.attributes_busy) return false;
  }
  operation_ptr op = make(action::rename);
  core::rename_request request;
  request.to = truth_.name(to);
  request.to_collection = truth_.collection_of(to);
  request.replace = chance_.chance(700);
  lock_object(*op, i);
  o.name_busy = true;
  op->to = to;
  truth_.entry(to).busy = true;
  op->name = o.now.name;
  if (op->name != none) truth_.entry(op->name).busy = true;
  if (op->name != none && chance_.chance(600)) {
    request.from = truth_.name(op->name);
    request.collection = truth_.collection_of(op->name);
  } else {
    request.object = o.id;
  }
  if (holder != none && !request.replace) {
    op->foretold = {errc::exists};
  } else {
    const publication_id p = truth_.ask();
    op->publications = {p};
    o.names.push_back({p, to});
    if (holder != none) {
      op->replaced = holder;
      model_object& h = truth_.at(holder);
      ++h.other_users;
      h.name_busy = h.removing = true;
      h.removed_by = p;
    }
  }
  send(std::move(op), std::move(request));
  return true;
}

bool workload::ask_remove() {
  const object_index i = pick_object(true);
  if (i == none) return false;
  model_object& o = truth_.at(i);
  operation_ptr op = make(action::remove);
  core::remove_request request;
  lock_object(*op, i);
  o.name_busy = o.removing = true;
  op->name = o.now.name;
  if (op->name != none) truth_.entry(op->name).busy = true;
  if (op->name != none && chance_.chance(700)) {
    request.name = truth_.name(op->name);
    request.collection = truth_.collection_of(op->name);
  } else {
    request.id = o.id;
  }
  op->publications = {truth_.ask()};
  o.removed_by = op->publications[0];
  send(std::move(op), std::move(request));
  return true;
}

bool workload::ask_list() {
  operation_ptr op = make(action::list);
  core::list_request& request = op->listing;
  const std::string& some = truth_.name(chance_.below(truth_.name_count()));
  switch (chance_.below(4)) {
    case 0:
      request.prefix = "log/";
      break;
    case 1:
      request.prefix = some.substr(0, chance_.within(1, some.size()));
      break;
    default:
      break;
  }
  if (chance_.chance(500)) request.after = truth_.name(chance_.below(truth_.name_count()));
  request.entries_max = static_cast<std::uint32_t>(chance_.within(1, truth_.name_count() + 2));
  request.collection = draw_collection();
  core::list_request copy = request;
  send(std::move(op), std::move(copy));
  return true;
}

void workload::check_list(const operation& op, const list_page& page) const {
  const core::list_request& asked = op.listing;
  if (page.entries.size() > asked.entries_max) broken(op, "more entries than were asked for");
  std::string_view last = asked.after;
  for (const list_entry& e : page.entries) {
    if (!e.name.starts_with(asked.prefix) || e.name <= last) broken(op, fmt::format("'{}' is out of place", e.name));
    if (truth_.find_name(e.name) == none) broken(op, fmt::format("'{}' was never given", e.name));
    last = e.name;
  }
  std::size_t next = 0;
  for (name_index i = 0; i < truth_.name_count(); ++i) {
    const auto& entry = const_cast<model&>(truth_).entry(i);
    if (truth_.collection_of(i) != asked.collection) continue;
    if (!entry.text.starts_with(asked.prefix) || entry.text <= asked.after) continue;
    if (page.more && (page.entries.empty() || entry.text > page.entries.back().name)) break;
    const bool listed = next < page.entries.size() && page.entries[next].name == entry.text;
    const object_id id = listed ? page.entries[next].id : 0;
    if (listed) ++next;
    if (entry.busy || entry.changed >= op.asked) continue;  // it may have been seen either way
    if (listed != (entry.holder != none)) {
      broken(op, fmt::format("'{}' is {} listed", entry.text, listed ? "wrongly" : "not"));
    }
    if (listed && id != truth_.at(entry.holder).id) broken(op, fmt::format("'{}' names {}", entry.text, id));
  }
}

}  // namespace furrow::sim
