// Of checker.hpp: what does not agree is weighed when all that speaks for either is known (K4).
//
//   a name's entry      goes if its object is not there, bears another name that leads to it, or was removed; is made to
//                       lead to the one object that bears the name if nothing else names that
//   an extent's claim   to blocks holds if they were written for it, or a hint says so. A number of references is made that
//                       of the extents if the claims of all of them hold
//   a hint, a flag      follows from the extent if the number of references agrees with the extents
#include <algorithm>

#include "core/checker.hpp"
#include "core/page_reader.hpp"

namespace furrow::core {

namespace {

constexpr const char* stray_text = "a name that leads to no object of that name";
constexpr const char* unread_name_text = "an entry of the names cannot be read";

std::string shown(const std::string& name) {
  constexpr const char* digits = "0123456789abcdef";
  std::string text = "\"";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f && c != '"' && c != '\\')
      text += c;
    else
      text += {'\\', 'x', digits[byte / 16], digits[byte % 16]};
  }
  return text + '"';
}

std::vector<std::byte> encode_id(object_id id) {
  std::vector<std::byte> bytes(8);
  format::store_le(bytes.data(), id);
  return bytes;
}

std::string leads(const std::string& name, object_id id) { return shown(name) + " is object " + std::to_string(id); }

}  // namespace

// -- names --

/// Objects whose names do not lead to them, if there are more than names that lead to theirs.
void checker::look_for_names() {
  while (names_good_ != names_borne_) {
    const tree_lookup l = c_.objects->find_from(from_);
    if (!l.ready()) return wait(l.page(), &checker::look_for_names);
    const format::key behind{format::orphan_key(0)};
    if (!l.has_cell() || l.cell().key >= format::key_view{behind}) break;
    const auto id = format::parse_object_key(l.cell().key);
    format::key next = id ? format::key{format::object_key(*id + 1)} : format::key{l.cell().key} + '\0';
    const auto v = id ? format::decode_object(l.cell().value) : std::nullopt;
    if (v && !v->name.empty()) {
      const tree_lookup name = c_.objects->find(format::name_key(v->collection, v->name));
      if (!name.ready()) return wait(name.page(), &checker::look_for_names);
      const bool leads_back = name.has_cell() && name.cell().value.size() == 8 &&
                              format::load_le<std::uint64_t>(name.cell().value.data()) == *id;
      if (!leads_back) unnamed_.push_back({v->collection, v->name, *id});
    }
    from_ = std::move(next);
  }
  weighed_ = 0;
  index_names();
  weigh_names();
}

void checker::index_names() {
  for (stray& o : unnamed_) {
    bearers_[{o.collection, o.name}].push_back(&o);
    nameless_.insert(o.object);
  }
  for (const stray& e : stray_names_) {
    stray_entries_.emplace(e.collection, e.name);
    led_to_.insert(e.object);
  }
}

void checker::weigh_names() {
  for (; weighed_ < unnamed_.size() + stray_names_.size(); ++weighed_) {
    const bool is_object = weighed_ < unnamed_.size();
    const readiness done =
        is_object ? weigh_object(unnamed_[weighed_]) : weigh_entry(stray_names_[weighed_ - unnamed_.size()]);
    if (done.need) return wait(*done.need, &checker::weigh_names);
  }
  weighed_ = 0;
  collections();
  begin_sweep();
}

readiness checker::weigh_object(stray& object) {
  constexpr const char* what = "an object's name does not lead to it";
  const format::key at = format::name_key(object.collection, object.name);
  const tree_lookup removed = c_.objects->find(format::orphan_key(object.object));
  if (!removed.ready()) return readiness::wait(removed.page());
  const bool is_removed = removed.has_cell() && removed.cell().value.empty();
  const tree_lookup entry = c_.objects->find(at);
  if (!entry.ready()) return readiness::wait(entry.page());
  const full_name name{object.collection, object.name};
  const bool taken = entry.has_cell() && !stray_entries_.contains(name);
  const auto collection = c_.collections.all().find(object.collection);
  const char* left = nullptr;
  if (is_removed)
    left = "whether it was removed is not known";
  else if (taken || bearers_.at(name).size() > 1)
    left = "another object bears the name as well";
  else if (led_to_.contains(object.object))
    left = "it has the entry of another name, and which of the two is right is not known";
  else if (collection == c_.collections.all().end() || !collection->second.exists)
    left = "its collection does not exist";
  if (left != nullptr) {
    found(what, {.object = object.object}, left);
    return readiness::yes();
  }
  object.mended = true;
  mend m{
      {{}, {}, {}, leads(object.name, object.object)}, {{format::page_kind::object, at, encode_id(object.object)}}, {}};
  if (entry.has_cell() && entry.cell().value.size() == 8)
    m.told.from = leads(object.name, format::load_le<std::uint64_t>(entry.cell().value.data()));
  found(what, {.object = object.object}, std::move(m));
  return readiness::yes();
}

readiness checker::weigh_entry(const stray& entry) {
  const char* const what = entry.object == 0 ? unread_name_text : stray_text;
  error_detail detail;
  if (entry.object != 0) detail.object = entry.object;
  const auto bearers = bearers_.find({entry.collection, entry.name});
  const char* left = nullptr;
  if (bearers != bearers_.end()) {
    found(what, detail, bearers->second.front()->mended ? "" : "who bears the name is not known");
    return readiness::yes();
  }
  if (entries_unread_)
    left = "an object that cannot be read may bear the name";
  else if (homeless_.contains(entry.object))
    left = "something of the object is left";
  else if (nameless_.contains(entry.object))
    left = "the object bears another name, and which of the two is right is not known";
  const tree_lookup l = c_.objects->find(format::object_key(entry.object));
  if (!l.ready()) return readiness::wait(l.page());
  const auto v = l.has_cell() ? format::decode_object(l.cell().value) : std::nullopt;
  if (left == nullptr && v && v->name.empty()) {
    const tree_lookup removed = c_.objects->find(format::orphan_key(entry.object));
    if (!removed.ready()) return readiness::wait(removed.page());
    if (!removed.has_cell() || !removed.cell().value.empty()) left = "whether the object bears the name is not known";
  }
  if (left != nullptr) {
    found(what, detail, left);
    return readiness::yes();
  }
  const std::string from = entry.object == 0 ? shown(entry.name) : leads(entry.name, entry.object);
  found(
      what, detail,
      mend{{{}, {}, from, {}}, {{format::page_kind::object, format::name_key(entry.collection, entry.name), {}}}, {}});
  return readiness::yes();
}

// -- blocks --

readiness checker::look_owner(const format::extent_parts& parts, const format::extent_value& x, owner_look& to) {
  const zoned::zone_index zone = c_.shape.zone_of(x.address);
  const std::uint64_t block = c_.shape.block_in_zone(x.address);
  for (std::uint64_t b = 0; b < x.blocks && !to.other;) {
    const tree_lookup l = c_.zone_pages->find_to(format::run_key(0, zone, static_cast<std::uint32_t>(block + b)));
    if (!l.ready()) return readiness::wait(l.page());
    const auto key = l.has_cell() ? format::parse_run_key(l.cell().key) : std::nullopt;
    const auto run = key && key->zone == zone ? format::run_view::of(l.cell().value) : std::nullopt;
    if (!run || block + b - key->block >= run->blocks()) return readiness::yes();  // look_sums() tells of it
    to.other = run->object() != parts.object || run->object_block() + (block + b - key->block) != parts.block + b;
    b = key->block + run->blocks() - block;
  }
  if (!to.other) return readiness::yes();
  const hint_grid grid{c_.shape, parts.object, parts.block, {x.address, x.blocks}};
  std::vector<hint_grid::part> lacking;
  for (std::uint32_t b = grid.first(); b < grid.end(); b = grid.at(b).end) {
    const tree_lookup l = c_.zone_pages->find(grid.key(b));
    if (!l.ready()) return readiness::wait(l.page());
    const auto hint = l.has_cell() ? format::decode_hint(l.cell().value) : std::nullopt;
    if (!hint || hint->blocks < grid.at(b).blocks()) lacking.push_back(grid.at(b));
  }
  to.unhinted = std::move(lacking);
  return readiness::yes();
}

void checker::weigh_blocks() {
  for (; weighed_ < suspects_.size() + unhinted_.size(); ++weighed_) {
    const readiness done =
        weighed_ < suspects_.size() ? weigh(suspects_[weighed_]) : weigh(unhinted_[weighed_ - suspects_.size()]);
    if (done.need) return wait(*done.need, &checker::weigh_blocks);
  }
  zones();
  verify();
}

/// Whether the blocks [first, end) were written for the extent, or hints say that it names them.
readiness checker::is_witnessed(std::size_t run, std::uint64_t first, std::uint64_t end, bool& yes) {
  const format::block_run& x = runs_[run];
  const zoned::zone_index zone = c_.shape.zone_of(x.address);
  const std::uint64_t zone_begin = c_.shape.address_of(zone, 0).block();
  const hint_grid grid{c_.shape, owners_[run], owner_blocks_[run], x};
  for (std::uint64_t b = first; b < end && yes;) {
    const auto in_zone = static_cast<std::uint32_t>(b - zone_begin);
    const tree_lookup l = c_.zone_pages->find_to(format::run_key(0, zone, in_zone));
    if (!l.ready()) return readiness::wait(l.page());
    const auto key = l.has_cell() ? format::parse_run_key(l.cell().key) : std::nullopt;
    const auto written = key && key->zone == zone ? format::run_view::of(l.cell().value) : std::nullopt;
    const bool own = written && in_zone - key->block < written->blocks() && written->object() == owners_[run] &&
                     written->object_block() + (in_zone - key->block) == owner_blocks_[run] + (b - x.address.block());
    if (own) {
      b = zone_begin + key->block + written->blocks();
      continue;
    }
    const hint_grid::part part = grid.at(in_zone);
    const tree_lookup h = c_.zone_pages->find(grid.key(part.first));
    if (!h.ready()) return readiness::wait(h.page());
    const auto hint = h.has_cell() ? format::decode_hint(h.cell().value) : std::nullopt;
    yes = hint && hint->blocks >= part.blocks();
    b = zone_begin + part.end;
  }
  return readiness::yes();
}

readiness checker::is_witnessed(const piece& p, bool& yes) {
  for (const std::size_t run : p.names)
    if (auto done = is_witnessed(run, p.first, p.end, yes); !done.ready()) return done;
  return readiness::yes();
}

/// The extents of its wrong pieces that are to be flagged, as they will be.
readiness checker::flags_of(const suspect& s, std::vector<mend::cell>& to) {
  std::set<std::size_t> runs;
  for (const piece& p : s.pieces)
    if (p.wrong && p.named > 1)
      for (const std::size_t run : p.names)
        if (!flagged_[run]) runs.insert(run);
  for (const std::size_t run : runs) {
    const auto at = format::extent_key(owners_[run], owner_blocks_[run]);
    const tree_lookup l = c_.objects->find(at);
    if (!l.ready()) return readiness::wait(l.page());
    auto x = l.has_cell() ? format::decode_extent(l.cell().value) : std::nullopt;
    if (!x) continue;
    x->shared = true;
    to.push_back({format::page_kind::object, format::key{at}, format::encode(*x)});
  }
  return readiness::yes();
}

readiness checker::weigh(const suspect& s) {
  bool numbers = !s.entry, yes = !numbers_doubtful_;
  for (const piece& p : s.pieces) {
    if (!p.wrong) continue;
    yes = yes && p.names.size() == p.named;
    if (s.entry && p.named == s.references) continue;
    numbers = true;
    if (auto done = is_witnessed(p, yes); !done.ready()) return done;
  }
  if (!yes) {
    tell(s, {});
    return readiness::yes();
  }
  mend m;
  if (auto done = flags_of(s, m.cells); !done.ready()) return done;
  const auto key_of = [this](std::uint64_t block) {
    const zoned::device_address a{0, block};
    return format::key{
        format::shared_key(0, c_.shape.zone_of(a), static_cast<std::uint32_t>(c_.shape.block_in_zone(a)))};
  };
  if (s.entry) m.told.from = std::to_string(s.references);
  if (numbers && s.entry) m.cells.push_back({format::page_kind::zone, key_of(s.entry->address.block()), {}});
  for (const piece& p : s.pieces) {
    m.told.to += (m.told.to.empty() ? "" : ", ") + std::to_string(p.named);
    if (!numbers || p.named < 2) continue;
    m.cells.push_back({format::page_kind::zone, key_of(p.first),
                       format::encode(format::shared_value{static_cast<std::uint32_t>(p.end - p.first),
                                                           static_cast<std::uint32_t>(p.named)})});
  }
  tell(s, std::move(m));
  return readiness::yes();
}

error_detail checker::place_of(const piece& p) const {
  error_detail where{.bytes = (p.end - p.first) * block_bytes, .zone = c_.shape.zone_of({0, p.first})};
  if (p.names.empty()) return where;
  const std::size_t run = p.names.front();
  where.object = owners_[run];
  where.offset_bytes = (owner_blocks_[run] + (p.first - runs_[run].address.block())) * block_bytes;
  return where;
}

/// Pieces of one entry are mended together.
void checker::tell(const suspect& s, std::optional<mend> m) {
  const bool mended = m.has_value();
  for (const piece& p : s.pieces) {
    if (!p.wrong) continue;
    std::string what;
    if (!s.entry)
      what = "blocks that several extents name have no number of references";
    else if (p.named != s.references)
      what = "blocks have " + std::to_string(s.references) + " references, but " + std::to_string(p.named) +
             " extents name them";
    else
      what = "an extent does not say that its blocks are shared";
    if (m)
      found(std::move(what), place_of(p), *std::exchange(m, std::nullopt));
    else if (mended)
      found(std::move(what), place_of(p), "");
    else
      found(std::move(what), place_of(p),
            numbers_doubtful_          ? "other numbers of references are in doubt"
            : p.names.size() < p.named ? "more extents name the blocks than are weighed"
                                       : "nothing else says that all these extents name the blocks");
  }
}

/// Whether numbers of references that agree with the extents are there for all of it.
readiness checker::is_counted(const unhinted& u, bool& yes) {
  const zoned::zone_index zone = c_.shape.zone_of(runs_[u.run].address);
  const std::uint64_t zone_begin = c_.shape.address_of(zone, 0).block();
  yes = !numbers_doubtful_;
  const auto ends_before = [](const suspect& s, std::uint64_t block) { return s.pieces.back().end <= block; };
  auto s = std::lower_bound(suspects_.begin(), suspects_.end(), zone_begin + u.part.first, ends_before);
  for (; s != suspects_.end() && s->pieces.front().first < zone_begin + u.part.end; ++s)
    for (const piece& p : s->pieces)
      if (p.wrong && p.first < zone_begin + u.part.end && zone_begin + u.part.first < p.end) yes = false;
  for (std::uint32_t b = u.part.first; b < u.part.end && yes;) {
    const tree_lookup l = c_.zone_pages->find_to(format::shared_key(0, zone, b));
    if (!l.ready()) return readiness::wait(l.page());
    const auto key = l.has_cell() ? format::parse_shared_key(l.cell().key) : std::nullopt;
    const auto v = key && key->zone == zone ? format::decode_shared(l.cell().value) : std::nullopt;
    yes = v && b - key->block < v->blocks;
    if (yes) b = key->block + v->blocks;
  }
  return readiness::yes();
}

readiness checker::weigh(const unhinted& u) {
  bool yes = false;
  if (auto done = is_counted(u, yes); !done.ready()) return done;
  const hint_grid grid{c_.shape, owners_[u.run], owner_blocks_[u.run], runs_[u.run]};
  const error_detail where{.object = owners_[u.run],
                           .offset_bytes = (owner_blocks_[u.run] + (u.part.first - grid.first())) * block_bytes,
                           .bytes = u.part.blocks() * block_bytes,
                           .zone = c_.shape.zone_of(runs_[u.run].address)};
  constexpr const char* what = "no hint says that an extent names shared blocks";
  if (!yes) {
    found(what, where, "nothing else says that they are its own");
    return readiness::yes();
  }
  found(what, where,
        mend{{{}, {}, {}, std::to_string(u.part.blocks()) + " blocks"},
             {{format::page_kind::zone, format::key{grid.key(u.part.first)},
               format::encode(format::hint_value{u.part.blocks()})}},
             {}});
  return readiness::yes();
}

}  // namespace furrow::core
