// The stores of small_image.hpp.
#include "sim/small_image.hpp"

#include <fmt/format.h>

#include <array>
#include <functional>

#include "format/superblock.hpp"
#include "format/zone_header.hpp"
#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/sim_store.hpp"
#include "support/empty_zones.hpp"

namespace furrow::sim {
namespace {

zoned::geometry image_shape() {
  zoned::geometry g;
  g.lba_bytes = 4096;
  g.zone_bytes = 256 << 10;
  g.zone_count = 22;
  g.last_zone_bytes = g.zone_bytes;
  return g;
}

core::notification must(sim_store& store, core::request_body body) {
  core::notification n = store.ask(std::move(body));
  if (n.error) throw broken_promise{n.error.message() + " " + n.detail.what};
  return n;
}

void append(sim_store& store, core::handle_id to, std::uint64_t bytes) {
  std::vector<std::byte> memory(bytes, std::byte{1});
  core::append_request append;
  append.handle = to;
  append.segments = {{memory.data(), memory.size()}};
  must(store, append);
}

void append(sim_store& store, known_object& o, std::uint64_t bytes, durability level) {
  core::create_request create;
  create.options.name = o.name;
  const auto opened = std::get<core::opened_object>(must(store, create).result);
  std::vector<std::byte> memory(bytes);
  fill_content(memory, o.tag, o.bytes);
  core::append_request append;
  append.handle = opened.handle;
  append.segments = {{memory.data(), memory.size()}};
  append.options.level = level;
  must(store, append);
  must(store, core::release_request{opened.handle});
  o.bytes += bytes;
}

core::handle_id open(sim_store& store, const std::string& name, collection_id collection = default_collection) {
  core::create_request create;
  create.options.name = name;
  create.options.collection = collection;
  return std::get<core::opened_object>(must(store, create).result).handle;
}

void make_objects(sim_store& store, std::vector<known_object>& objects) {
  constexpr std::array<std::uint64_t, 6> lengths{10, 3000, 4096, 20'000, 65'536, 100'001};
  for (std::size_t i = 0; i < 24; ++i) {
    known_object& o = objects.emplace_back();
    o.name = fmt::format("object-{:02}", i);
    o.tag = mix(i + 1);
    append(store, o, lengths[i % lengths.size()], durability::written);
    if (i == 11) must(store, core::checkpoint_request{});
  }
  for (std::size_t i = 1; i < 24; i += 3) append(store, objects[i], 777, durability::durable);
  for (known_object& o : objects) o.durable_bytes = o.bytes;
}

/// Something of every record and of every key.
void edit(sim_store& store, const std::vector<known_object>& objects) {
  constexpr std::uint64_t block = zoned::store_block_bytes;
  const core::handle_id large = open(store, objects[5].name), other = open(store, objects[4].name);
  for (const std::uint64_t to : {std::uint64_t{0}, 40 * block, 80 * block})
    must(store, core::clone_request{open(store, "clones"), to, large, 2 * block, 20 * block, {}});
  must(store, core::clone_request{large, 30 * block, large, 0, 8 * block, {}});
  must(store, core::zero_request{large, 3 * block + 5, 4 * block, false, {}});
  must(store, core::truncate_request{other, 5 * block + 17, {}});
  must(store, core::truncate_request{open(store, "sparse"), std::uint64_t{1} << 40, {}});
  std::vector<std::byte> memory(9 * block, std::byte{7});
  core::write_request write{
      .handle = open(store, objects[10].name), .offset_bytes = 2 * block + 100, .bytes = memory.size()};
  write.segments = {{memory.data(), memory.size()}};
  must(store, std::move(write));
  attributes described;
  described.mode = 0644;
  described.link_target = "object-03";
  described.user.assign(300, std::byte{42});
  must(store, core::set_attributes_request{open(store, objects[3].name), described});
  const core::notification tenant = must(store, core::collection_request{"tenant", 1 << 20});
  const auto collection = static_cast<collection_id>(std::get<core::opened_object>(tenant.result).id);
  append(store, open(store, "of a tenant", collection), 5000);
  must(store, core::rename_request{.from = objects[7].name, .to = "renamed"});
  must(store, core::rename_request{.from = objects[8].name, .to = objects[9].name});
  must(store, core::remove_request{.name = objects[11].name});
  static_cast<void>(open(store, objects[16].name));
  must(store, core::remove_request{.name = objects[16].name});  // while it is open
  must(store, core::clean_request{1.0});
  must(store, core::checkpoint_request{});
  must(store, core::zero_request{open(store, objects[17].name), block, 2 * block, false, {}});
  must(store, core::sync_request{});
  must(store, core::clone_request{open(store, "late clone"), 0, large, 0, 2 * block, {}});
  must(store, core::sync_request{});
  append(store, open(store, "late"), 3 * block + 9);
  must(store, core::sync_request{});
}

image make_plan() {
  image made;
  made.shape = image_shape();
  made.promises.native_append = true;
  made.promises.appends_per_zone_max = 4;
  made.options.checkpoint_journal_bytes_min = 0;
  made.options.page_cache_bytes = 1 << 20;
  return made;
}

image make(image_end end, std::uint8_t page_copies, bool edited) {
  image made = make_plan();
  sim_device device{zoned::memory_zones{made.shape, made.promises, test::empty_zones(made.shape)}, made.promises, 1};
  sim_store store{device, made.options, 1};
  store.start();
  must(store,
       core::format_request{{.force = false, .page_copies = page_copies, .checksums = true}, uuid{std::byte{1}}});
  store.end();
  store.start();
  must(store, core::open_request{});
  make_objects(store, made.objects);
  if (edited) edit(store, made.objects);
  if (end == image_end::closed) {
    must(store, core::close_request{});
    store.end();
  } else {
    append(store, made.objects[0], 50, durability::durable);
    store.interrupt(interruption::process_end);
  }
  made.zones = std::make_unique<zoned::memory_zones>(device.zones());
  return made;
}

}  // namespace

image make_image(image_end end, std::uint8_t page_copies) { return make(end, page_copies, false); }
image make_edited_image(image_end end, std::uint8_t page_copies) { return make(end, page_copies, true); }

image make_smallest_image() {
  constexpr std::array<std::uint64_t, 4> lengths{10, 5000, 8192, 4096 + 77};
  image made = make_plan();
  made.shape.zone_bytes = made.shape.last_zone_bytes = 64 << 10;
  made.options.checkpoint_journal_bytes_min = 1 << 20;
  sim_device device{zoned::memory_zones{made.shape, made.promises, test::empty_zones(made.shape)}, made.promises, 1};
  sim_store store{device, made.options, 1};
  store.start();
  must(store, core::format_request{{.force = false, .page_copies = 1, .checksums = true}, uuid{std::byte{1}}});
  store.end();
  store.start();
  must(store, core::open_request{});
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    known_object& o = made.objects.emplace_back();
    o.name = std::string(600, static_cast<char>('a' + i));  // so that there is more than one leaf
    o.tag = mix(i + 1);
    append(store, o, lengths[i], durability::written);
  }
  must(store, core::checkpoint_request{});
  must(store, core::clone_request{open(store, "a clone"), 0, open(store, made.objects[2].name), 0, 8192, {}});
  made.objects.push_back({"a clone", made.objects[2].tag, 8192});
  must(store, core::sync_request{});
  for (known_object& o : made.objects) o.durable_bytes = o.bytes;
  append(store, made.objects[0], 50, durability::durable);
  store.interrupt(interruption::process_end);
  made.zones = std::make_unique<zoned::memory_zones>(device.zones());
  return made;
}

std::vector<zoned::place> metadata_blocks(const image& from) {
  constexpr std::uint64_t of_format = 1;
  std::vector<zoned::place> all;
  for (const zoned::place& p : written_blocks(*from.zones)) {
    std::array<std::byte, zoned::store_block_bytes> block{};
    from.zones->peek({p.zone, 0}, block);
    const auto header = format::decode_zone_header(block);
    if (header && header->role == format::zone_role::data && p.offset_bytes > 0) continue;
    from.zones->peek(p, block);
    const auto super = format::decode_superblock(block);
    if (!super || super->serial > of_format) all.push_back(p);
  }
  return all;
}

std::vector<zoned::place> written_blocks(const zoned::memory_zones& zones) {
  std::vector<zoned::place> all;
  for (const zoned::zone_info& z : zones.machine().all()) {
    for (std::uint64_t at = 0; at < z.write_pointer_bytes; at += zoned::store_block_bytes) all.push_back({z.index, at});
  }
  return all;
}

}  // namespace furrow::sim
