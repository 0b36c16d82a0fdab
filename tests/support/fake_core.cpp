// A core without a format, to test the driver alone: objects are strings in memory, and each operation that changes or
// secures something is one flush command; it is done, and answered, when that completes.
//
// What tests can see of it, besides results
//   statistics   appends: those that were done; checkpoints: ticks; objects: handles that are open; records: requests;
//                ordered_extents: appends begun and not yet done
//   a create of "event:N" is preceded by N events
//   a create of "out of memory" throws
//   a scrub ends after 1 MiB; each part finds something
//   a device of one zone holds no store: opening fails
//
// Invariants
//   I1  A request through a handle that was given back is a fault of the driver, as is a command completed twice.
#include <cstring>
#include <deque>
#include <map>
#include <new>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "core/assert.hpp"
#include "core/core.hpp"

namespace furrow::core {
namespace {

constexpr std::uint64_t scrub_bytes = 1 << 20;

struct fake_object {
  object_id id = 0;
  std::string name;
  std::string content;
  attributes attr;
};

/// What waits for the completion of a command.
struct work {
  operation_id id;
  request_body body;
  std::map<std::size_t, object_id> created;
};

}  // namespace

class machine {
 public:
  void handle(request r) {
    ++stats_.records;
    const operation_id id = r.id;
    if (closing_ && !std::holds_alternative<cancel_request>(r.body) &&
        !std::holds_alternative<release_request>(r.body)) {
      return fail(id, errc::closed);
    }
    std::visit([&](auto& body) { begin(id, body); }, r.body);
  }

  void handle(const zoned::completion& c) {
    auto node = works_.extract(c.id.value);
    FURROW_ASSERT(!node.empty());  // I1
    --in_flight_;
    work w = std::move(node.mapped());
    if (c.error) {
      answer({w.id, c.error, {}, {}});
    } else {
      std::visit([&](auto& body) { done(w, body); }, w.body);
    }
    try_to_close();
  }

  bool tick() {
    ++stats_.checkpoints;
    return true;
  }

  bool poll(zoned::command& to) {
    if (commands_.empty()) return false;
    to = commands_.front();
    commands_.pop_front();
    ++in_flight_;
    return true;
  }

  notification* next() { return notifications_.empty() ? nullptr : &notifications_.front(); }
  void pop() {
    if (std::holds_alternative<io_answers>(notifications_.front().result)) lots_.pop_front();
    notifications_.pop_front();
  }

  [[nodiscard]] std::size_t commands_in_flight() const { return in_flight_; }
  std::uint32_t zone_count = 0;

 private:
  void answer(notification n) { notifications_.push_back(std::move(n)); }
  void answer(const io_answer& a) {
    if (notifications_.empty() || !std::holds_alternative<io_answers>(notifications_.back().result)) {
      notifications_.emplace_back();
      lots_.emplace_back();
    }
    lots_.back().push_back(a);
    notifications_.back().result = io_answers{0, lots_.back()};
  }
  template <class T>
  void answer(operation_id id, T result) {
    answer({id, {}, {}, std::move(result)});
  }
  void fail(operation_id id, errc e, error_detail detail = {}) { answer({id, e, std::move(detail), {}}); }

  template <class Body>
  void defer(operation_id id, Body body) {
    const zoned::command_id c{next_++};
    zoned::command flush;
    flush.id = c;
    flush.op = zoned::opcode::flush;
    commands_.push_back(flush);
    works_.emplace(c.value, work{id, std::move(body), {}});
  }

  object_id object_of(handle_id h) const {
    const auto i = handles_.find(h.value);
    FURROW_ASSERT(i != handles_.end());  // I1
    return i->second;
  }
  fake_object* find(collection_id, const std::string& name, object_id id) {
    if (id == 0) {
      const auto i = names_.find(name);
      if (i == names_.end()) return nullptr;
      id = i->second;
    }
    const auto i = objects_.find(id);
    return i == objects_.end() ? nullptr : &i->second;
  }
  opened_object open(object_id id, bool created) {
    const std::uint64_t h = next_++;
    handles_[h] = id;
    return {{h}, id, created};
  }
  object_id make(const create_options& o) {
    const object_id id = next_++;
    objects_[id] = {id, o.name, {}, o.attributes};
    if (!o.name.empty()) names_[o.name] = id;
    return id;
  }

  // -- the store --
  void begin(operation_id id, format_request&) { defer(id, format_request{}); }
  void begin(operation_id id, open_request&) {
    if (zone_count == 1) return fail(id, errc::not_a_store, {.what = "the device was never formatted"});
    defer(id, open_request{});
  }
  void done(work& w, format_request&) { answer(w.id, std::monostate{}); }
  void done(work& w, open_request&) { answer(w.id, open_result{.info = {}, .groups_replayed = 7}); }
  void begin(operation_id id, close_request&) {
    closing_ = id;
    try_to_close();
  }
  void try_to_close() {
    if (!closing_ || !works_.empty()) return;
    for (const auto& [id, s] : waits_) fail(id, errc::closed);
    waits_.clear();
    answer(*std::exchange(closing_, std::nullopt), std::monostate{});
  }

  // -- objects --
  void begin(operation_id id, create_request& r) {
    if (r.options.name.starts_with("event:")) {
      for (int i = 0; i < std::stoi(r.options.name.substr(6)); ++i) {
        answer({{}, {}, {}, event{event::kind::low_space, {.bytes = static_cast<std::uint64_t>(i)}}});
      }
    }
    if (r.options.name == "out of memory") throw std::bad_alloc{};
    if (const fake_object* there = r.options.name.empty() ? nullptr : find(0, r.options.name, 0)) {
      if (r.options.fail_if_exists) return fail(id, errc::exists, {.object = there->id, .what = "it is there"});
      return answer(id, open(there->id, false));
    }
    defer(id, std::move(r));
  }
  void done(work& w, create_request& r) { answer(w.id, open(make(r.options), true)); }
  void begin(operation_id id, open_object_request& r) {
    const fake_object* o = find(r.collection, r.name, r.id);
    if (o == nullptr) return fail(id, errc::not_found, {.what = r.name});
    answer(id, open(o->id, false));
  }
  void begin(operation_id id, release_request& r) {
    FURROW_ASSERT(handles_.erase(r.handle.value) == 1);  // I1
    answer(id, std::monostate{});
  }
  void begin(operation_id id, stat_request& r) {
    const fake_object& o = objects_.at(object_of(r.handle));
    object_status s;
    s.id = o.id;
    s.name = o.name;
    s.bytes = o.content.size();
    s.attributes = o.attr;
    answer(id, s);
  }
  void begin(operation_id id, set_attributes_request& r) { defer(id, std::move(r)); }
  void done(work& w, set_attributes_request& r) {
    objects_.at(object_of(r.handle)).attr = r.to;
    answer(w.id, sequence_result{++stats_.sequence});
  }
  void begin(operation_id id, rename_request& r) { defer(id, std::move(r)); }
  void done(work& w, rename_request& r) {
    fake_object* o = find(r.collection, r.from, r.object);
    if (o == nullptr) return fail(w.id, errc::not_found);
    names_.erase(o->name);
    o->name = r.to;
    names_[r.to] = o->id;
    answer(w.id, sequence_result{++stats_.sequence});
  }
  void begin(operation_id id, remove_request& r) { defer(id, std::move(r)); }
  void done(work& w, remove_request& r) {
    const fake_object* o = find(r.collection, r.name, r.id);
    if (o == nullptr) return fail(w.id, errc::not_found);
    names_.erase(o->name);
    answer(w.id, sequence_result{++stats_.sequence});
  }
  void begin(operation_id id, list_request& r) {
    list_page page;
    for (auto i = names_.lower_bound(r.prefix); i != names_.end() && i->first.starts_with(r.prefix); ++i) {
      if (i->first > r.after) page.entries.push_back({i->first, i->second});
    }
    answer(id, page);
  }

  // -- data --
  append_result append(object_id to, std::span<const zoned::segment> segments) {
    std::string& content = objects_.at(to).content;
    append_result result{content.size(), zoned::total_bytes(segments), ++stats_.sequence};
    for (const zoned::segment& s : segments) {
      content.resize(content.size() + s.bytes);
      std::memcpy(content.data() + content.size() - s.bytes, s.data, s.bytes);
    }
    ++stats_.appends;
    return result;
  }
  void begin(operation_id id, append_request& r) {
    static_cast<void>(object_of(r.handle));
    ++stats_.ordered_extents;
    defer(id, std::move(r));
  }
  void done(work& w, append_request& r) {
    --stats_.ordered_extents;
    answer(io_answer{w.id, append(object_of(r.handle), r.segments), false});
  }
  void begin(operation_id id, read_request& r) {
    const std::string& content = objects_.at(object_of(r.handle)).content;
    read_result result;
    for (const read_range& range : r.ranges) {
      if (range.offset_bytes + range.to.size() > content.size()) {
        return fail(id, errc::out_of_range, {.offset_bytes = range.offset_bytes, .bytes = range.to.size()});
      }
      std::memcpy(range.to.data(), content.data() + range.offset_bytes, range.to.size());
      result.bytes += range.to.size();
    }
    answer(io_answer{id, {0, result.bytes, 0}, true});
  }
  void begin(operation_id id, sync_request& r) { defer(id, r); }
  void done(work& w, sync_request&) {
    stats_.durable_sequence = stats_.sequence;
    answer(w.id, sequence_result{stats_.durable_sequence});
    while (!waits_.empty() && waits_.begin()->second <= stats_.durable_sequence) {
      answer(waits_.begin()->first, sequence_result{stats_.durable_sequence});
      waits_.erase(waits_.begin());
    }
  }
  void begin(operation_id id, wait_durable_request& r) {
    if (r.sequence <= stats_.durable_sequence) return answer(id, sequence_result{stats_.durable_sequence});
    waits_[id] = r.sequence;
  }
  void begin(operation_id id, batch_request& r) { defer(id, std::move(r)); }
  void done(work& w, batch_request& r) {
    batch_result result;
    result.created.resize(r.members.size());
    result.appended.resize(r.members.size());
    for (std::size_t i = 0; i < r.members.size(); ++i) {
      if (auto* c = std::get_if<batch_request::create>(&r.members[i])) result.created[i] = make(c->options);
      if (auto* a = std::get_if<batch_request::append>(&r.members[i])) {
        const object_id to = a->handle.value != 0 ? object_of(a->handle) : result.created[a->created];
        result.appended[i] = append(to, a->segments);
      }
    }
    result.sequence = stats_.sequence;
    answer(w.id, std::move(result));
  }

  // -- others --
  void begin(operation_id id, statistics_request&) {
    stats_.objects = handles_.size();
    answer(id, std::make_shared<const statistics>(stats_));
  }
  void begin(operation_id id, info_request&) { answer(id, store_info{}); }
  void begin(operation_id id, zones_request&) { answer(id, std::vector<zone_status>(3)); }
  void begin(operation_id id, quota_request&) { answer(id, sequence_result{7}); }
  void begin(operation_id id, collections_request&) { answer(id, std::vector<collection_status>{{}}); }
  void begin(operation_id id, collection_request&) { answer(id, opened_object{{}, 5, true}); }
  void begin(operation_id id, repair_request&) { answer(id, repair_result{}); }
  void begin(operation_id id, check_request& r) { answer(id, check_result{.blocks_verified = r.data ? 1u : 0u}); }
  void begin(operation_id id, checkpoint_request& r) { defer(id, r); }
  void begin(operation_id id, scrub_request& r) {
    scrub_result s;
    s.bytes_read = r.bytes_max;
    s.next = r.from;
    s.next.block += r.bytes_max;
    if (s.next.block >= scrub_bytes) s.next = {scrub_position::part::end, 0, 0};
    s.findings.push_back({"a part", {}});
    answer(id, std::move(s));
  }
  void done(work& w, checkpoint_request&) { answer(w.id, sequence_result{stats_.sequence}); }
  void begin(operation_id id, cancel_request& r) {
    if (waits_.erase(r.target) != 0) fail(r.target, r.reason);
    for (auto i = commands_.begin(); i != commands_.end(); ++i) {
      const auto w = works_.find(i->id.value);
      if (w->second.id != r.target) continue;
      if (std::holds_alternative<append_request>(w->second.body)) --stats_.ordered_extents;
      works_.erase(w);
      commands_.erase(i);
      fail(r.target, r.reason);
      break;
    }
    answer(id, std::monostate{});
    try_to_close();
  }
  template <class Body>
  void begin(operation_id id, Body&) {
    fail(id, errc::unsupported);
  }
  template <class Body>
  void done(work&, Body&) {
    FURROW_UNREACHABLE();
  }

  std::uint64_t next_ = 1;
  std::size_t in_flight_ = 0;
  std::deque<zoned::command> commands_;
  std::deque<notification> notifications_;
  std::deque<std::vector<io_answer>> lots_;  ///< Those that notifications name.
  std::unordered_map<std::uint64_t, work> works_;
  std::map<operation_id, sequence> waits_;
  std::map<std::uint64_t, object_id> handles_;
  std::map<object_id, fake_object> objects_;
  std::map<std::string, object_id> names_;
  std::optional<operation_id> closing_;
  statistics stats_;
};

core::core(const zoned::geometry& shape, const zoned::guarantees&, const store_options&)
    : machine_(std::make_unique<machine>()) {
  machine_->zone_count = shape.zone_count;
}
core::~core() = default;
void core::handle(request&& r) { machine_->handle(std::move(r)); }
void core::handle(const zoned::completion& c) { machine_->handle(c); }
bool core::tick() { return machine_->tick(); }
bool core::poll(zoned::command& to) { return machine_->poll(to); }
notification* core::next() { return machine_->next(); }
void core::pop() { machine_->pop(); }
std::size_t core::commands_in_flight() const { return machine_->commands_in_flight(); }

}  // namespace furrow::core
