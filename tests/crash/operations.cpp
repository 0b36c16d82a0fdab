#include "crash/operations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/random.hpp"

namespace furrow::crash {
namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;
constexpr std::uint64_t small_bytes = 700;

constexpr std::array<const char*, kind_count> names = {
    "append_small",     "append_blocks", "append_many", "append_durable", "write_middle", "write_unaligned",
    "write_zeroes",     "punch",         "truncate",    "trim_front",     "clone",        "remove",
    "rename",           "create",        "batch",       "attributes",     "collection",   "reserve",
    "sync_object",      "sync_store",    "checkpoint",  "clean",          "reopen",       "sync_later",
    "checkpoint_later", "clean_later"};

void put(std::vector<std::byte>& to, std::uint64_t offset, std::span<const std::byte> bytes) {
  if (to.size() < offset + bytes.size()) to.resize(offset + bytes.size());
  std::ranges::copy(bytes, to.begin() + static_cast<std::ptrdiff_t>(offset));
}

}  // namespace

const char* name_of(kind k) { return k < kind::count ? names[static_cast<std::size_t>(k)] : "?"; }

std::optional<kind> kind_named(std::string_view name) {
  const auto at = std::ranges::find(names, name);
  if (at == names.end()) return std::nullopt;
  return static_cast<kind>(at - names.begin());
}

performer::performer(recorder& device, const store_options& options, std::uint64_t seed, contents start)
    : device_{device}, options_{options}, seed_{seed}, states_{std::move(start)} {}

contents& performer::next() { return states_.emplace_back(contents{states_.back()}); }

void performer::all_durable(std::size_t states) {
  if (states - 1 <= durable_) return;
  durable_ = states - 1;
  if (became_durable) became_durable();
}

/// All that there is now, when it is answered.
void performer::all_durable_later(core::request_body body) {
  session_->ask_later(std::move(body), [this, states = states_.size()] { all_durable(states); });
}

void performer::open() {
  session_ = std::make_unique<session>(device_, options_, now_ns_ += 1'000'000'000);
  session_->must(core::open_request{}, "open");
}

std::vector<std::byte> performer::payload(object_id id, std::uint64_t offset_bytes, std::size_t bytes) const {
  std::vector<std::byte> to(bytes);
  sim::fill_content(to, sim::mix(seed_ + place_ * 0x1'0001) ^ sim::mix(id), offset_bytes);
  return to;
}

core::handle_id performer::handle_of(object_id id) {
  const core::notification n =
      session_->must(core::open_object_request{.collection = default_collection, .name = {}, .id = id}, "open object");
  return std::get<core::opened_object>(n.result).handle;
}

/// False if there is no space for it.
bool performer::must(core::request_body body, const char* what) {
  const core::notification n = session_->ask(std::move(body));
  if (n.error == errc::no_space) {
    ++refused_;
    return false;
  }
  if (n.error) throw sim::broken_promise{fmt::format("{}: {} {}", what, n.error.message(), n.detail.what)};
  return true;
}

object_id performer::make(const std::string& name, collection_id in) {
  core::create_request r;
  r.options.name = name;
  r.options.collection = in;
  r.options.attributes.mode = 0100644;
  const core::notification n = session_->ask(std::move(r));
  if (n.error == errc::no_space) {
    ++refused_;
    return 0;
  }
  if (n.error) throw sim::broken_promise{fmt::format("create: {} {}", n.error.message(), n.detail.what)};
  const auto& made = std::get<core::opened_object>(n.result);
  next().objects[made.id] = {name, in, 0100644, 0, {}};
  session_->must(core::release_request{made.handle}, "release");
  return made.id;
}

object_id performer::find_or_make(const std::string& name) {
  const object_id found = now().id_of(name);
  return found != 0 ? found : make(name);
}

// Ordered extents of whole blocks, the first with the old tail, the last with the new one; a publication of each.
void performer::append_to(object_id id, std::uint64_t bytes, durability level) {
  if (id == 0) return;
  const std::uint64_t old_bytes = now().objects.at(id).bytes.size();
  std::vector<std::byte> from = payload(id, old_bytes, bytes);
  core::append_request r;
  r.handle = handle_of(id);
  r.segments = {{from.data(), from.size()}};
  r.options.level = level;
  const core::handle_id handle = r.handle;
  if (must(std::move(r), "append")) {
    const std::uint64_t end = old_bytes + bytes;
    std::uint64_t at = old_bytes;
    for (std::uint64_t edge = old_bytes / block_bytes * block_bytes; at < end;) {
      edge += options_.ordered_extent_bytes_max;
      const std::uint64_t until = edge < end / block_bytes * block_bytes ? edge : end;
      held_object& o = next().objects.at(id);
      put(o.bytes, at, std::span{from}.subspan(at - old_bytes, until - at));
      at = until;
    }
    if (level == durability::durable) all_durable(states_.size());
  }
  session_->must(core::release_request{handle}, "release");
}

void performer::write_to(object_id id, std::uint64_t offset_bytes, std::uint64_t bytes) {
  if (id == 0) return;
  std::vector<std::byte> from = payload(id, offset_bytes, bytes);
  core::write_request r;
  r.handle = handle_of(id);
  r.offset_bytes = offset_bytes;
  r.bytes = bytes;
  r.segments = {{from.data(), from.size()}};
  const core::handle_id handle = r.handle;
  if (must(std::move(r), "write")) {
    const std::uint64_t end = offset_bytes + bytes;
    for (std::uint64_t at = offset_bytes; at < end;) {
      const std::uint64_t until = std::min(end, at / block_bytes * block_bytes + options_.ordered_extent_bytes_max);
      put(next().objects.at(id).bytes, at, std::span{from}.subspan(at - offset_bytes, until - at));
      at = until;
    }
  }
  session_->must(core::release_request{handle}, "release");
}

void performer::zero(std::uint64_t offset_bytes, std::uint64_t bytes, bool extends) {
  const object_id id = target();
  if (id == 0) return;
  const core::handle_id handle = handle_of(id);
  if (must(core::zero_request{handle, offset_bytes, bytes, extends, {}}, "zero")) {
    std::vector<std::byte>& to = next().objects.at(id).bytes;
    const std::uint64_t end = extends ? offset_bytes + bytes : std::min(offset_bytes + bytes, to.size() + 0UL);
    if (offset_bytes < end) put(to, offset_bytes, std::vector<std::byte>(end - offset_bytes));
  }
  session_->must(core::release_request{handle}, "release");
}

void performer::truncate() {
  const object_id id = target();
  if (id == 0) return;
  const core::handle_id handle = handle_of(id);
  const std::uint64_t to = now().objects.at(id).bytes.size() / 2;
  if (must(core::truncate_request{handle, to, {}}, "truncate")) next().objects.at(id).bytes.resize(to);
  session_->must(core::release_request{handle}, "release");
}

/// Two blocks from the second on, or what there is, over the first ones of "b".
void performer::clone() {
  const object_id from = target();
  const object_id id = from == 0 ? 0 : find_or_make("b");
  if (id == 0) return;
  const std::vector<std::byte> source = now().objects.at(from).bytes;
  const std::uint64_t begin = source.size() >= 2 * block_bytes ? block_bytes : 0;
  const std::uint64_t bytes =
      std::min<std::uint64_t>(2 * block_bytes, (source.size() - begin) / block_bytes * block_bytes);
  if (bytes == 0) return;
  const core::handle_id handle = handle_of(id), source_handle = handle_of(from);
  if (must(core::clone_request{handle, 0, source_handle, begin, bytes, {}}, "clone"))
    put(next().objects.at(id).bytes, 0, std::span{source}.subspan(begin, bytes));
  session_->must(core::release_request{handle}, "release");
  session_->must(core::release_request{source_handle}, "release");
}

void performer::remove(const std::string& name) {
  const object_id id = now().id_of(name);
  if (id == 0) return;
  if (must(core::remove_request{.collection = default_collection, .name = name, .id = 0}, "remove"))
    next().objects.erase(id);
}

/// Over "c", if it is there.
void performer::rename() {
  const object_id id = target();
  if (id == 0) return;
  core::rename_request r;
  r.from = "a";
  r.to = "c";
  const object_id replaced = now().id_of("c");
  if (!must(std::move(r), "rename")) return;
  contents& after = next();
  if (replaced != 0) after.objects.erase(replaced);
  after.objects.at(id).name = "c";
}

void performer::create() { static_cast<void>(make(fmt::format("new{}", place_))); }

/// Makes an object with content, removes "b", if it is there, and appends to "a": all or nothing.
void performer::batch() {
  const object_id id = target();
  if (id == 0) return;
  core::batch_request r;
  core::batch_request::create make;
  make.options.name = fmt::format("batch{}", place_);
  make.options.attributes.mode = 0100600;
  const std::string name = make.options.name;
  std::vector<std::byte> of_new = payload(1000, 0, block_bytes + 100);
  const std::uint64_t old_bytes = now().objects.at(id).bytes.size();
  std::vector<std::byte> of_old = payload(id, old_bytes, 5000);
  const core::handle_id handle = handle_of(id);
  r.members.emplace_back(std::move(make));
  r.members.emplace_back(core::batch_request::append{{}, 0, {{of_new.data(), of_new.size()}}, {}});
  const object_id removed = now().id_of("b");
  if (removed != 0)
    r.members.emplace_back(core::remove_request{.collection = default_collection, .name = "b", .id = 0});
  r.members.emplace_back(core::batch_request::append{handle, 0, {{of_old.data(), of_old.size()}}, {}});
  const core::notification n = session_->ask(std::move(r));
  if (n.error == errc::no_space) {
    ++refused_;
  } else if (n.error) {
    throw sim::broken_promise{fmt::format("batch: {} {}", n.error.message(), n.detail.what)};
  } else {
    contents& after = next();
    after.objects[std::get<core::batch_result>(n.result).created.front()] = {name, default_collection, 0100600, 0,
                                                                             of_new};
    if (removed != 0) after.objects.erase(removed);
    put(after.objects.at(id).bytes, old_bytes, of_old);
  }
  session_->must(core::release_request{handle}, "release");
}

void performer::set_attributes() {
  const object_id id = target();
  if (id == 0) return;
  const core::handle_id handle = handle_of(id);
  attributes to;
  to.mode = 0100700 + static_cast<std::uint32_t>(place_);
  to.user.resize(900);
  if (must(core::set_attributes_request{handle, to}, "attributes")) next().objects.at(id).mode = to.mode;
  session_->must(core::release_request{handle}, "release");
}

/// And an object in it.
void performer::make_collection() {
  const core::notification n = session_->ask(core::collection_request{fmt::format("of{}", place_), 1 << 20});
  if (n.error) throw sim::broken_promise{fmt::format("collection: {} {}", n.error.message(), n.detail.what)};
  const auto fresh = static_cast<collection_id>(std::get<core::opened_object>(n.result).id);
  static_cast<void>(make("inside", fresh));
}

/// Room is kept, and two blocks of it are used.
void performer::reserve() {
  const object_id id = target();
  if (id == 0) return;
  const core::handle_id handle = handle_of(id);
  if (must(core::reserve_request{handle, 4 * block_bytes}, "reserve"))
    append_to(id, 2 * block_bytes, durability::written);
  session_->must(core::release_request{handle}, "release");
}

void performer::clean() {
  cleaning_ = true;
  session_->must(core::clean_request{1.0}, "clean");
  session_->settle();
  cleaning_ = false;
}

void performer::reopen() {
  const std::size_t states = states_.size();
  session_->must(core::close_request{}, "close");
  all_durable(states);
  open();
}

void performer::sync_object() {
  const object_id id = target();
  if (id == 0) return;
  const core::handle_id handle = handle_of(id);
  const std::size_t states = states_.size();
  session_->must(core::sync_request{handle}, "sync");
  all_durable(states);
  session_->must(core::release_request{handle}, "release");
}

void performer::sync() {
  const std::size_t states = states_.size();
  session_->must(core::sync_request{}, "sync");
  all_durable(states);
}

statistics performer::count() {
  return *std::get<core::statistics_ptr>(session_->must(core::statistics_request{}, "statistics").result);
}

void performer::perform(kind k, std::uint64_t place) {
  place_ = place + 1;
  const std::size_t states = states_.size();
  switch (k) {
    case kind::append_small:
      return append_to(target(), small_bytes, durability::written);
    case kind::append_blocks:
      return append_to(target(), 2 * block_bytes, durability::written);
    case kind::append_many:
      return append_to(target(), 2 * options_.ordered_extent_bytes_max + block_bytes + 100, durability::written);
    case kind::append_durable:
      return append_to(target(), small_bytes / 2, durability::durable);
    case kind::write_middle:
      return write_to(target(), block_bytes, 2 * block_bytes);
    case kind::write_unaligned:
      return write_to(target(), block_bytes - 600, block_bytes + 1200);
    case kind::write_zeroes:
      return zero(block_bytes / 2, 2 * block_bytes, true);
    case kind::punch:
      return zero(block_bytes, block_bytes + 100, false);
    case kind::truncate:
      return truncate();
    case kind::trim_front:
      return zero(0, 2 * block_bytes, false);
    case kind::clone:
      return clone();
    case kind::remove:
      static_cast<void>(target());
      return remove("a");
    case kind::rename:
      return rename();
    case kind::create:
      return create();
    case kind::batch:
      return batch();
    case kind::attributes:
      return set_attributes();
    case kind::collection:
      return make_collection();
    case kind::reserve:
      return reserve();
    case kind::sync_object:
      return sync_object();
    case kind::sync_store:
      return sync();
    case kind::checkpoint:
      session_->must(core::checkpoint_request{}, "checkpoint");
      return all_durable(states);
    case kind::clean:
      return clean();
    case kind::reopen:
      return reopen();
    case kind::sync_later:
      return all_durable_later(core::sync_request{});
    case kind::checkpoint_later:
      return all_durable_later(core::checkpoint_request{});
    case kind::clean_later:
      return session_->ask_later(core::clean_request{1.0}, [] {});
    case kind::count:
      break;
  }
}

}  // namespace furrow::crash
