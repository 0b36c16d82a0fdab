#include "rebuilt_journal.hpp"

#include <algorithm>
#include <span>
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

  /// A record's sums, in the order of its blocks.
  struct sums_of {
    std::span<const std::uint32_t> left;
    std::vector<std::uint32_t> next(std::size_t blocks) {
      const auto front = left.first(std::min(blocks, left.size()));
      left = left.subspan(front.size());
      return {front.begin(), front.end()};
    }
  };
  void write(const format::block_run& where, const format::object_block& of, sums_of& from) const {
    store.write(where.address, {where.blocks, of.object, of.block, store.turn_, from.next(where.blocks)});
  }

  void end(entry& e, std::uint64_t bytes, std::uint32_t tail_epoch, std::int64_t modified_ns,
           const std::vector<std::byte>& tail) const {
    e.value.bytes = bytes;
    e.value.tail_epoch = tail_epoch;
    e.value.modified_ns = modified_ns;
    e.tail = tail;
    cut(e, bytes / block_bytes, format::object_blocks_max);
  }
  void operator()(const format::publish_record& r) const {
    entry& e = store.changed(r.object);
    end(e, r.object_bytes, r.tail_epoch, r.modified_ns, r.tail);
    sums_of from{r.sums};
    for (const format::object_extent& x : r.extents) {
      put(e, x);
      write(x.where, {r.object, x.object_block}, from);
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
    for (const format::object_extent& x : r.extents) put(e, x, store.turn_);
  }
  void operator()(const format::move_record& r) const {
    sums_of from{r.sums};
    for (const format::moved_run& run : r.runs) {
      write(run.to, run.names.front(), from);
      for (const format::object_block& n : run.names) moved(run, n);
    }
  }
  /// Only what lies in the old place is moved; what the trees have moved already is named anew.
  void moved(const format::moved_run& run, const format::object_block& n) const {
    entry& e = store.changed(n.object);
    const std::uint64_t end = n.block + run.to.blocks;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> parts;
    auto at = e.extents.upper_bound(n.block);
    if (at != e.extents.begin()) --at;
    for (; at != e.extents.end() && at->first < end; ++at) {
      const auto& [block, x] = *at;
      const std::uint64_t from = std::max(block, n.block), to = std::min(block + x.blocks, end);
      if (from >= to) continue;
      const zoned::device_address there = x.address.advanced(from - block);
      if (there == run.from.advanced(from - n.block) || there == run.to.address.advanced(from - n.block))
        parts.emplace_back(from, to);
    }
    for (const auto& [from, to] : parts) {
      const format::block_run where{run.to.address.advanced(from - n.block), static_cast<std::uint32_t>(to - from)};
      put(e, {from, where}, store.turn_);
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

void rebuilt_store::apply(const format::record_body& body) {
  ++turn_;
  std::visit(applier{*this}, body);
}

rebuilt_store::written rebuilt_store::written::part(std::uint64_t first, std::uint64_t end) const {
  written to{end - first, object, object_block + first, turn, {}};
  if (!sums.empty())
    to.sums.assign(sums.begin() + static_cast<std::ptrdiff_t>(first), sums.begin() + static_cast<std::ptrdiff_t>(end));
  return to;
}

void rebuilt_store::write(zoned::device_address address, written w) {
  const std::uint64_t first = address.raw(), end = first + w.blocks;
  auto at = written_.upper_bound(first);
  if (at != written_.begin()) --at;
  while (at != written_.end() && at->first < end) {
    const std::uint64_t old_first = at->first, old_end = old_first + at->second.blocks;
    if (old_end <= first) {
      ++at;
      continue;
    }
    const written old = std::move(at->second);
    at = written_.erase(at);
    if (old_first < first) written_.emplace(old_first, old.part(0, first - old_first));
    if (old_end > end) written_.emplace(end, old.part(end - old_first, old.blocks));
  }
  written_.emplace(first, std::move(w));
}

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
