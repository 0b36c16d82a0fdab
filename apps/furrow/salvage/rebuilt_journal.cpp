#include "rebuilt_journal.hpp"

#include <algorithm>
#include <tuple>

namespace furrow::cli {

namespace {

constexpr std::uint64_t block_bytes = zoned::store_block_bytes;

using groups = std::vector<const surveyed_group*>;

groups forward(const groups& all, const format::superblock& s) {
  groups chain;
  std::uint64_t number = s.journal.group, epoch = 0;
  format::checksum_field previous = s.journal.previous;
  for (;;) {
    const surveyed_group* next = nullptr;
    const auto same = std::equal_range(all.begin(), all.end(), number, [](const auto& a, const auto& b) {
      if constexpr (std::is_integral_v<std::decay_t<decltype(a)>>) {
        return a < b->number;
      } else {
        return a->number < b;
      }
    });
    for (auto g = same.first; g != same.second; ++g) {
      const bool fits = (*g)->previous == previous && (*g)->epoch >= epoch;
      if (fits && (next == nullptr || next->epoch < (*g)->epoch)) next = *g;
    }
    if (next == nullptr) return chain;
    chain.push_back(next);
    previous = next->checksum;
    epoch = next->epoch;
    ++number;
  }
}

/// The groups before the one of that number, as far back as they are there.
groups backward(const groups& all, std::uint64_t number, format::checksum_field previous) {
  groups chain;
  for (;;) {
    const auto first = std::lower_bound(all.begin(), all.end(), --number,
                                        [](const surveyed_group* g, std::uint64_t n) { return g->number < n; });
    const auto before = std::find_if(
        first, all.end(), [&](const surveyed_group* g) { return g->number != number || g->checksum == previous; });
    if (before == all.end() || (*before)->number != number) break;
    chain.push_back(*before);
    previous = (*before)->previous;
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

groups chain_of(const groups& all, const std::optional<format::superblock>& s) {
  if (s) {
    groups chain = backward(all, s->journal.group, s->journal.previous);
    const groups behind = forward(all, *s);
    chain.insert(chain.end(), behind.begin(), behind.end());
    return chain;
  }
  if (all.empty()) return {};
  const auto age = [](const surveyed_group* g) { return std::tuple{g->epoch, g->number}; };
  const surveyed_group* last =
      *std::max_element(all.begin(), all.end(), [&](auto a, auto b) { return age(a) < age(b); });
  groups chain = backward(all, last->number, last->previous);
  chain.push_back(last);
  return chain;
}

}  // namespace

journal_told apply_journal(raw_device& device, const survey& from, rebuilt_store& to) {
  groups all;
  for (const surveyed_group& g : from.groups) {
    const bool is_void = from.newest && g.epoch < from.newest->epoch && g.number >= from.newest->epoch_group;  // J1
    if (!is_void) all.push_back(&g);
  }
  std::sort(all.begin(), all.end(), [](auto a, auto b) { return a->number < b->number; });
  const groups chain = chain_of(all, from.newest);
  journal_told told;
  for (const surveyed_group* g : chain) {
    const auto bytes = read_again(device, *g);
    if (!bytes) break;
    for_each_record(*bytes, *from.store, [&](const format::record& r) { to.apply(r.body); });
    ++told.applied;
  }
  const std::uint64_t head = from.newest ? from.newest->journal.group : 0;
  const std::uint64_t behind = told.applied == 0 ? head : std::max(head, chain[told.applied - 1]->number + 1);
  for (const surveyed_group* g : all) {
    if (from.newest && g->number >= behind && g->last_sequence != 0) ++told.left;
  }
  return told;
}

// -- what records say --

struct rebuilt_store::applier {
  rebuilt_store& store;

  void end(entry& e, std::uint64_t bytes, std::uint32_t tail_epoch, std::int64_t modified_ns,
           const std::vector<std::byte>& tail) const {
    e.value.bytes = bytes;
    e.value.tail_epoch = tail_epoch;
    e.value.modified_ns = modified_ns;
    e.tail = tail;
    cut(e, bytes / block_bytes, format::object_blocks_max);
  }
  void name(zoned::device_address address, object_id object, std::uint64_t block) const {
    store.names_.emplace(address.raw(), object, block);
  }
  /// A place is written to: nothing that named it before does.
  void write(zoned::device_address address, const written& w) const {
    store.written_[address.raw()] = w;
    const auto first = store.names_.lower_bound({address.raw(), 0, 0});
    store.names_.erase(first, store.names_.lower_bound({address.raw() + 1, 0, 0}));
  }

  void operator()(const format::publish_record& r) const {
    entry& e = store.changed(r.object);
    end(e, r.object_bytes, r.tail_epoch, r.modified_ns, r.tail);
    std::size_t sum = 0;
    for (const format::object_extent& x : r.extents) {
      put(e, x);
      for (std::uint32_t i = 0; i < x.where.blocks; ++i) {
        write(x.where.address.advanced(i), {r.object, x.object_block + i, r.sums[sum++]});
      }
    }
  }
  void operator()(const format::tail_record& r) const {
    entry& e = store.changed(r.object);
    if (e.value.tail_epoch != r.tail_epoch || e.value.bytes % block_bytes != r.from) return;
    if (e.tail.size() == r.from) e.tail.insert(e.tail.end(), r.bytes.begin(), r.bytes.end());
    e.value.bytes += r.bytes.size();
    e.value.modified_ns = r.modified_ns;
  }
  void operator()(const format::create_record& r) const {
    entry& e = store.changed_[r.object];
    e = {};
    e.known = e.complete = true;
    e.value.collection = r.collection;
    e.value.name = r.name;
    attributes_of(e, r.attributes);
  }
  void operator()(const format::remove_record& r) const { store.changed(r.object).gone = true; }
  void operator()(const format::rename_record& r) const {
    if (r.replaced != 0) store.changed(r.replaced).gone = true;
    entry& e = store.changed(r.object);
    e.value.collection = r.collection;
    e.value.name = r.name;
  }
  void operator()(const format::attributes_record& r) const { attributes_of(store.changed(r.object), r.attributes); }
  void operator()(const format::punch_record& r) const {
    entry& e = store.changed(r.object);
    cut(e, r.first_block, r.end_block);
    end(e, r.object_bytes, r.tail_epoch, r.modified_ns, r.tail);
  }
  void operator()(const format::clone_record& r) const {
    entry& e = store.changed(r.object);
    cut(e, r.first_block, r.first_block + r.blocks);
    end(e, r.object_bytes, r.tail_epoch, r.modified_ns, r.tail);
    for (const format::object_extent& x : r.extents) {
      put(e, x);
      for (std::uint32_t i = 0; i < x.where.blocks; ++i)
        name(x.where.address.advanced(i), r.object, x.object_block + i);
    }
  }
  void operator()(const format::move_record& r) const {
    std::size_t sum = 0;
    for (const format::moved_run& run : r.runs) {
      for (std::uint32_t i = 0; i < run.to.blocks; ++i) {
        const format::object_block& first = run.names.front();
        write(run.to.address.advanced(i), {first.object, first.block + i, r.sums[sum++]});
      }
      for (const format::object_block& n : run.names) moved(run, n);
    }
  }
  /// Only what lies in the old place is moved.
  void moved(const format::moved_run& run, const format::object_block& n) const {
    entry& e = store.changed(n.object);
    for (std::uint32_t i = 0; i < run.to.blocks; ++i) name(run.to.address.advanced(i), n.object, n.block + i);
    for (std::uint64_t i = 0; i < run.to.blocks;) {
      const auto at = e.extents.upper_bound(n.block + i);
      std::uint64_t blocks = 1;
      if (at != e.extents.begin()) {
        const auto& [block, x] = *std::prev(at);
        const std::uint64_t into = n.block + i - block;
        const bool there = into < x.blocks && x.address.advanced(into) == run.from.advanced(i);
        if (there) {
          blocks = std::min(x.blocks - into, run.to.blocks - i);
          put(e, {n.block + i, {run.to.address.advanced(i), static_cast<std::uint32_t>(blocks)}});
        }
      }
      i += blocks;
    }
  }
  // A dropped extent is of an object that is gone, or of a range that was cut.
  void operator()(const format::drop_record&) const {}
  void operator()(const format::zone_role_record&) const {}
  void operator()(const format::zone_free_record&) const {}
  void operator()(const format::batch_begin_record&) const {}
  void operator()(const format::batch_end_record&) const {}
  void operator()(const format::collection_record&) const {}

 private:
  static void attributes_of(entry& e, const format::attribute_set& a) {
    e.value.mode = a.mode;
    e.value.created_ns = a.created_ns;
    e.value.modified_ns = a.modified_ns;
    e.attributes = a;
  }
};

void rebuilt_store::apply(const format::record_body& body) { std::visit(applier{*this}, body); }

std::vector<object_id> rebuilt_store::in_journal() const {
  std::vector<object_id> ids;
  for (const auto& [id, e] : changed_) ids.push_back(id);
  return ids;
}

rebuilt_store::entry& rebuilt_store::changed(object_id id) {
  const auto known = changed_.find(id);
  return known != changed_.end() ? known->second : changed_.emplace(id, load(id)).first->second;
}

}  // namespace furrow::cli
