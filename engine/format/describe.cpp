#include "format/describe.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

#include "format/names.hpp"

namespace furrow::format {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

std::string hex_number(std::uint32_t v) {
  std::string out(8, '0');
  for (std::size_t i = out.size(); i-- > 0; v >>= 4) {
    out[i] = hex_digits[v & 15];
  }
  return out;
}

std::string hex_bytes(std::span<const std::byte> bytes, std::size_t shown_max) {
  std::string out;
  for (const std::byte b : bytes.first(std::min(bytes.size(), shown_max))) {
    out += hex_digits[std::to_integer<std::size_t>(b) >> 4];
    out += hex_digits[std::to_integer<std::size_t>(b) & 15];
  }
  if (bytes.size() > shown_max) {
    out += "(+" + std::to_string(bytes.size() - shown_max) + ")";
  }
  return out;
}

std::string uuid_text(const uuid& id) {
  std::string out = hex_bytes(id, id.size());
  for (const std::size_t dash : {8u, 13u, 18u, 23u}) {
    out.insert(dash, 1, '-');
  }
  return out;
}

std::string address_text(zoned::device_address a) {
  return a == page_ref::no_copy ? "none" : std::to_string(a.device()) + ":" + std::to_string(a.block());
}

std::string run_text(const block_run& r) { return address_text(r.address) + "+" + std::to_string(r.blocks); }

std::string extent_text(const object_extent& e) {
  return "[" + std::to_string(e.object_block) + "," + std::to_string(e.object_block + e.where.blocks) + ")>" +
         address_text(e.where.address);
}

std::string checksum_text(const checksum_field& c) {
  std::string out{name_of(c.kind)};
  if (c.kind == checksum_kind::crc32c) {
    out += ":" + hex_number(load_le<std::uint32_t>(c.value.data()));
  }
  return out;
}

/// `text_of(i)` for the first of `count` elements, with blanks between.
template <class TextOf>
std::string list_text(std::size_t count, TextOf text_of) {
  std::string out;
  for (std::size_t i = 0; i < std::min(count, list_shown_max); ++i) {
    out += (i > 0 ? " " : "") + text_of(i);
  }
  if (count > list_shown_max) {
    out += " (+" + std::to_string(count - list_shown_max) + ")";
  }
  return out;
}

/// Adds fields to a description under construction.
class description_builder {
 public:
  explicit description_builder(std::string what) { d_.what = std::move(what); }
  description_builder& number(std::string name, std::uint64_t v) { return add(std::move(name), v); }
  description_builder& time(std::string name, std::int64_t v) { return add(std::move(name), v); }
  description_builder& text(std::string name, std::string_view v) { return add(std::move(name), std::string{v}); }
  description_builder& bytes(std::string name, std::span<const std::byte> v) {
    return add(std::move(name), hex_bytes(v, bytes_shown_max));
  }
  description_builder& extents(const std::vector<object_extent>& v) {
    return text("extents", list_text(v.size(), [&v](std::size_t i) { return extent_text(v[i]); }));
  }
  description_builder& runs(std::string name, const std::vector<block_run>& v) {
    return text(std::move(name), list_text(v.size(), [&v](std::size_t i) { return run_text(v[i]); }));
  }
  description_builder& attributes(const attribute_set& a) {
    return number("mode", a.mode)
        .time("created_ns", a.created_ns)
        .time("modified_ns", a.modified_ns)
        .text("link", a.link_target)
        .bytes("user", a.user);
  }
  description_builder& reference(const std::string& prefix, const page_ref& ref) {
    return text(prefix + "copy_0", address_text(ref.copies[0]))
        .text(prefix + "copy_1", address_text(ref.copies[1]))
        .number(prefix + "generation", ref.generation)
        .text(prefix + "checksum", checksum_text(ref.checksum));
  }
  description_builder& root(const std::string& prefix, const tree_root& root) {
    return reference(prefix, root.ref).number(prefix + "level", root.level).number(prefix + "pages", root.pages);
  }
  description take() { return std::move(d_); }

 private:
  template <class T>
  description_builder& add(std::string name, T value) {
    d_.fields.emplace_back(std::move(name), std::move(value));
    return *this;
  }
  description d_;
};

const std::string no_sums = "none";

std::string sums_text(bool of_blocks, const std::vector<std::uint32_t>& sums) {
  if (of_blocks && sums.empty()) return no_sums;
  return list_text(sums.size(), [&sums](std::size_t i) { return hex_number(sums[i]); });
}

void describe_body(const publish_record& r, description_builder& to) {
  to.number("object", r.object)
      .number("object_bytes", r.object_bytes)
      .number("fence_epoch", r.fence_epoch)
      .time("modified_ns", r.modified_ns)
      .number("tail_epoch", r.tail_epoch)
      .text("class", name_of(r.cls))
      .extents(r.extents)
      .text("sums", sums_text(!r.extents.empty(), r.sums))
      .runs("dropped", r.dropped)
      .bytes("tail", r.tail);
}

void describe_body(const tail_record& r, description_builder& to) {
  to.number("object", r.object)
      .number("fence_epoch", r.fence_epoch)
      .time("modified_ns", r.modified_ns)
      .number("tail_epoch", r.tail_epoch)
      .number("from", r.from)
      .number("count", r.bytes.size())
      .bytes("bytes", r.bytes);
}

void describe_body(const create_record& r, description_builder& to) {
  to.number("object", r.object).number("collection", r.collection).text("name", r.name).attributes(r.attributes);
}

void describe_body(const remove_record& r, description_builder& to) { to.number("object", r.object); }

void describe_body(const rename_record& r, description_builder& to) {
  to.number("object", r.object).number("collection", r.collection).text("name", r.name).number("replaced", r.replaced);
}

void describe_body(const attributes_record& r, description_builder& to) {
  to.number("object", r.object).attributes(r.attributes);
}

void describe_body(const zone_role_record& r, description_builder& to) {
  to.number("device", r.device)
      .number("zone", r.zone.value)
      .text("role", name_of(r.role))
      .text("class", name_of(r.cls))
      .number("generation", r.generation)
      .number("ordinal", r.ordinal);
}

void describe_body(const zone_free_record& r, description_builder& to) {
  to.number("device", r.device).number("zone", r.zone.value).number("generation", r.generation);
}

void describe_body(const batch_begin_record& r, description_builder& to) { to.number("records", r.records); }
void describe_body(const batch_end_record&, description_builder&) {}

void describe_body(const collection_record& r, description_builder& to) {
  to.number("collection", r.collection)
      .text("action", name_of(r.action))
      .text("name", r.name)
      .number("quota_bytes", r.quota_bytes)
      .time("created_ns", r.created_ns);
}

void describe_body(const drop_record& r, description_builder& to) {
  to.number("object", r.object).text("ends", name_of(r.ends)).extents(r.extents);
}

void describe_body(const punch_record& r, description_builder& to) {
  to.number("object", r.object)
      .number("object_bytes", r.object_bytes)
      .time("modified_ns", r.modified_ns)
      .number("first_block", r.first_block)
      .number("end_block", r.end_block)
      .number("tail_epoch", r.tail_epoch)
      .number("more", r.more ? 1 : 0)
      .extents(r.extents)
      .bytes("tail", r.tail);
}

void describe_body(const clone_record& r, description_builder& to) {
  to.number("object", r.object)
      .number("source", r.source)
      .number("object_bytes", r.object_bytes)
      .time("modified_ns", r.modified_ns)
      .number("first_block", r.first_block)
      .number("source_block", r.source_block)
      .number("blocks", r.blocks)
      .number("tail_epoch", r.tail_epoch)
      .extents(r.extents)
      .runs("dropped", r.dropped)
      .bytes("tail", r.tail);
}

std::string moved_text(const moved_run& run) {
  std::string names = list_text(run.names.size(), [&run](std::size_t i) {
    return std::to_string(run.names[i].object) + "[" + std::to_string(run.names[i].block) + "]";
  });
  std::replace(names.begin(), names.end(), ' ', ',');
  return run_text({run.from, run.to.blocks}) + ">" + address_text(run.to.address) + "@" + names;
}

void describe_body(const move_record& r, description_builder& to) {
  to.text("class", name_of(r.cls))
      .text("runs", list_text(r.runs.size(), [&r](std::size_t i) { return moved_text(r.runs[i]); }))
      .text("sums", sums_text(!r.runs.empty(), r.sums));
}

using described = std::optional<description>;

described describe_child(key_view key, value_view value) {
  reader from{value};
  const page_ref ref = page_ref::decode(from);
  if (from.failed() || from.left() != 0) {
    return std::nullopt;
  }
  description_builder to{"child"};
  return to.bytes("key", std::as_bytes(std::span{key})).reference("", ref).take();
}

described describe_collection(key_view key, value_view value) {
  const auto collection = parse_collection_key(key);
  const auto v = decode_collection(value);
  if (!collection || !v) {
    return std::nullopt;
  }
  description_builder to{"collection"};
  return to.number("collection", *collection)
      .text("name", v->name)
      .number("quota_bytes", v->quota_bytes)
      .number("used_blocks", v->used_blocks)
      .time("created_ns", v->created_ns)
      .take();
}

described describe_name(key_view key, value_view value) {
  const auto parts = parse_name_key(key);
  if (!parts || value.size() != sizeof(std::uint64_t)) {
    return std::nullopt;
  }
  description_builder to{"name"};
  return to.number("collection", parts->collection)
      .text("name", parts->name)
      .number("object", load_le<std::uint64_t>(value.data()))
      .take();
}

described describe_object(key_view key, value_view value) {
  const auto object = parse_object_key(key);
  const auto v = decode_object(value);
  if (!object || !v) {
    return std::nullopt;
  }
  description_builder to{"object"};
  return to.number("object", *object)
      .number("collection", v->collection)
      .text("name", v->name)
      .number("object_bytes", v->bytes)
      .number("extent_count", v->extent_count)
      .number("blocks", v->blocks)
      .number("fence_epoch", v->fence_epoch)
      .number("tail_epoch", v->tail_epoch)
      .text("class", name_of(v->cls))
      .number("mode", v->mode)
      .time("created_ns", v->created_ns)
      .time("modified_ns", v->modified_ns)
      .number("attribute_bytes", v->attribute_bytes)
      .take();
}

described describe_chunk(key_view key, value_view value) {
  const auto tail = parse_tail_key(key);
  const auto parts = tail ? tail : parse_attributes_key(key);
  if (!parts || value.size() > chunk_bytes) {
    return std::nullopt;
  }
  description_builder to{tail ? "tail" : "attributes"};
  return to.number("object", parts->object)
      .number("chunk", parts->chunk)
      .number("count", value.size())
      .bytes("bytes", value)
      .take();
}

described describe_extent(key_view key, value_view value) {
  const auto parts = parse_extent_key(key);
  const auto v = decode_extent(value);
  if (!parts || !v) {
    return std::nullopt;
  }
  description_builder to{"extent"};
  return to.number("object", parts->object)
      .number("block", parts->block)
      .number("blocks", v->blocks)
      .number("logical_blocks", v->logical_blocks)
      .text("address", address_text(v->address))
      .text("kind", name_of(v->kind))
      .number("shared", v->shared ? 1 : 0)
      .text("class", name_of(v->cls))
      .take();
}

described describe_orphan(key_view key, value_view value) {
  const auto object = parse_orphan_key(key);
  const auto doomed = decode_doomed(value);
  if (!object || (!value.empty() && !doomed)) {
    return std::nullopt;
  }
  description_builder to{doomed ? "doomed" : "orphan"};
  to.number("object", *object);
  if (doomed) {
    to.number("first_block", doomed->first_block).number("end_block", doomed->end_block);
  }
  return to.take();
}

described describe_shared(key_view key, value_view value) {
  const auto parts = parse_shared_key(key);
  const auto v = decode_shared(value);
  if (!parts || !v) {
    return std::nullopt;
  }
  description_builder to{"shared"};
  return to.number("device", parts->device)
      .number("zone", parts->zone.value)
      .number("block", parts->block)
      .number("blocks", v->blocks)
      .number("references", v->references)
      .take();
}

described describe_hint(key_view key, value_view value) {
  const auto parts = parse_hint_key(key);
  const auto v = decode_hint(value);
  if (!parts || !v) {
    return std::nullopt;
  }
  description_builder to{"hint"};
  return to.number("device", parts->device)
      .number("zone", parts->zone.value)
      .number("block", parts->block)
      .number("object", parts->object)
      .number("object_block", parts->object_block)
      .number("blocks", v->blocks)
      .take();
}

described describe_zone(key_view key, value_view value) {
  const auto parts = parse_zone_key_parts(key);
  const auto v = decode_zone(value);
  if (!parts || !v) {
    return std::nullopt;
  }
  description_builder to{"zone"};
  return to.number("device", parts->device)
      .number("zone", parts->zone.value)
      .text("role", name_of(v->role))
      .text("class", name_of(v->cls))
      .number("bad", v->flags & zone_flag_bad)
      .number("retired", (v->flags & zone_flag_retired) != 0 ? 1 : 0)
      .number("generation", v->generation)
      .number("live_blocks", v->live_blocks)
      .number("fill_sequence", v->fill_sequence)
      .number("write_sequence", v->write_sequence)
      .number("ordinal", v->ordinal)
      .take();
}

described describe_run(key_view key, value_view value) {
  const auto parts = parse_run_key(key);
  const auto run = run_view::of(value);
  if (!parts || !run) {
    return std::nullopt;
  }
  description_builder to{"run"};
  return to.number("device", parts->device)
      .number("zone", parts->zone.value)
      .number("block", parts->block)
      .number("blocks", run->blocks())
      .number("object", run->object())
      .number("object_block", run->object_block())
      .text("sums", run->has_sums()
                        ? list_text(run->blocks(), [&run](std::size_t i) { return hex_number(run->sum(i)); })
                        : no_sums)
      .take();
}

bool is_plain(std::string_view v) {
  constexpr std::string_view plain = "_-+.,:/[)(>";
  return !v.empty() && std::ranges::all_of(v, [plain](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           plain.find(c) != std::string_view::npos;
  });
}

std::string quoted(std::string_view v) {
  std::string out = "\"";
  for (const char c : v) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      const auto code = static_cast<unsigned char>(c);
      out += "\\x";
      out += hex_digits[code >> 4];
      out += hex_digits[code & 15];
    }
  }
  return out + "\"";
}

struct value_text {
  std::string operator()(std::uint64_t v) const { return std::to_string(v); }
  std::string operator()(std::int64_t v) const { return std::to_string(v); }
  std::string operator()(const std::string& v) const { return is_plain(v) ? v : quoted(v); }
};

}  // namespace

description describe(const superblock& s) {
  description_builder to{"superblock"};
  return to.number("format_version", format_version)
      .text("store", uuid_text(s.store))
      .text("set", uuid_text(s.set))
      .number("device_index", s.device_index)
      .number("device_count", s.device_count)
      .number("block_bytes", s.block_bytes)
      .number("page_bytes", s.page_bytes)
      .number("lba_bytes", s.lba_bytes)
      .number("zone_bytes", s.zone_bytes)
      .number("zone_count", s.zone_count)
      .number("last_zone_bytes", s.last_zone_bytes)
      .number("features_compat", s.features_compat)
      .number("features_ro_compat", s.features_ro_compat)
      .number("features_incompat", s.features_incompat)
      .number("epoch", s.epoch)
      .number("serial", s.serial)
      .number("clean", s.clean ? 1 : 0)
      .number("page_copies", s.page_copies)
      .number("journal_copies", s.journal_copies)
      .text("data_checksum", name_of(s.data_checksum))
      .number("sequence", s.sequence)
      .number("next_object", s.next_object)
      .number("next_page_generation", s.next_page_generation)
      .number("object_count", s.object_count)
      .time("formatted_ns", s.formatted_ns)
      .root("objects_", s.objects)
      .root("zones_", s.zones)
      .number("journal_zone", s.journal.zone.value)
      .number("journal_zone_generation", s.journal.zone_generation)
      .number("journal_zone_ordinal", s.journal.zone_ordinal)
      .number("journal_block", s.journal.block)
      .number("journal_group", s.journal.group)
      .text("journal_previous", checksum_text(s.journal.previous))
      .number("epoch_group", s.epoch_group)
      .number("written_user_bytes", s.written.user_bytes)
      .number("written_data_bytes", s.written.data_bytes)
      .number("written_journal_bytes", s.written.journal_bytes)
      .number("written_page_bytes", s.written.page_bytes)
      .number("written_cleaner_bytes", s.written.cleaner_bytes)
      .number("default_collection_blocks", s.default_collection_blocks)
      .take();
}

description describe(const zone_header& h) {
  description_builder to{"zone_header"};
  return to.text("store", uuid_text(h.store))
      .number("device", h.device)
      .number("zone", h.zone.value)
      .text("role", name_of(h.role))
      .text("class", name_of(h.cls))
      .number("generation", h.generation)
      .number("epoch", h.epoch)
      .number("ordinal", h.ordinal)
      .text("next", h.next.value == zone_header::no_next ? "none" : std::to_string(h.next.value))
      .number("next_generation", h.next_generation)
      .take();
}

description describe(const group_header& h) {
  description_builder to{"group"};
  return to.number("number", h.number)
      .number("epoch", h.epoch)
      .number("bytes", h.bytes)
      .number("zone_generation", h.zone_generation)
      .number("first_sequence", h.first_sequence)
      .number("last_sequence", h.last_sequence)
      .number("acknowledged_sequence", h.acknowledged_sequence)
      .number("flushed_sequence", h.flushed_sequence)
      .number("record_bytes", h.record_bytes)
      .number("record_count", h.record_count)
      .text("previous", checksum_text(h.previous))
      .text("checksum", checksum_text(h.checksum))
      .text("store", uuid_text(h.store))
      .take();
}

description describe(const record& r) {
  description_builder to{std::string{name_of(type_of(r.body))}};
  to.number("sequence", r.sequence);
  std::visit([&to](const auto& body) { describe_body(body, to); }, r.body);
  return to.take();
}

description describe(const page_identity& identity, const page_view& page) {
  description_builder to{"page"};
  return to.text("kind", name_of(identity.kind))
      .number("level", identity.level)
      .number("count", page.count())
      .number("used_bytes", page.used_bytes())
      .number("generation", identity.generation)
      .number("epoch", identity.epoch)
      .number("sequence", identity.sequence)
      .text("store", uuid_text(identity.store))
      .take();
}

description describe_cell(const page_identity& identity, key_view k, value_view value) {
  using describer = described (*)(key_view, value_view);
  static constexpr describer of_index[] = {describe_child};
  static constexpr describer of_object_tree[] = {describe_collection, describe_name,   describe_object,
                                                 describe_chunk,      describe_extent, describe_orphan};
  static constexpr describer of_zone_tree[] = {describe_zone, describe_run, describe_shared, describe_hint};
  const bool is_object_tree = identity.kind == page_kind::object;
  const std::span<const describer> describers = identity.level > 0 ? std::span<const describer>{of_index}
                                                : is_object_tree   ? std::span<const describer>{of_object_tree}
                                                                   : std::span<const describer>{of_zone_tree};
  for (const describer d : describers) {
    if (auto cell = d(k, value)) {
      return std::move(*cell);
    }
  }
  description_builder to{"unknown"};
  return to.bytes("key", std::as_bytes(std::span{k})).bytes("value", value).take();
}

std::string to_line(const description& d) {
  std::string line = d.what;
  for (const auto& [name, value] : d.fields) {
    line += " " + name + "=" + std::visit(value_text{}, value);
  }
  return line;
}

}  // namespace furrow::format
