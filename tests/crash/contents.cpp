#include "crash/contents.hpp"

#include <fmt/format.h>
#include <isa-l/crc64.h>

#include <algorithm>

#include "sim/random.hpp"

namespace furrow::crash {
namespace {

using sim::mix;

std::uint64_t hash_of(const void* data, std::size_t bytes) {
  return mix(crc64_ecma_refl(bytes, static_cast<const unsigned char*>(data), bytes));
}

}  // namespace

std::uint64_t held_object::digest() const {
  std::uint64_t h = hash_of(bytes.data(), bytes.size());
  h = mix(h ^ hash_of(name.data(), name.size()));
  return mix(h ^ mix(collection + (std::uint64_t{mode} << 32)) ^ (fence_epoch + 1));
}

std::uint64_t contents::digest() const {
  std::uint64_t h = mix(objects.size());
  for (const auto& [id, o] : objects) h = mix(h ^ mix(id)) + o.digest();
  return h;
}

held_object* contents::named(std::string_view name, collection_id in) {
  const object_id id = id_of(name, in);
  return id == 0 ? nullptr : &objects.at(id);
}

object_id contents::id_of(std::string_view name, collection_id in) const {
  for (const auto& [id, o] : objects)
    if (o.collection == in && o.name == name) return id;
  return 0;
}

std::string difference(const contents& expected, const contents& found) {
  std::string text;
  for (const auto& [id, o] : expected.objects) {
    const auto at = found.objects.find(id);
    if (at == found.objects.end()) {
      text += fmt::format(" object {} ('{}') is missing;", id, o.name);
      continue;
    }
    const held_object& f = at->second;
    if (f.digest() == o.digest()) continue;
    const auto wrong = std::ranges::mismatch(o.bytes, f.bytes).in1 - o.bytes.begin();
    text += fmt::format(
        " object {} has {} bytes, name '{}' in {}, mode {:o}, fence {}, not {}, '{}' in {}, {:o}, {}; "
        "bytes differ from {} on;",
        id, f.bytes.size(), f.name, f.collection, f.mode, f.fence_epoch, o.bytes.size(), o.name, o.collection, o.mode,
        o.fence_epoch, wrong);
  }
  for (const auto& [id, o] : found.objects)
    if (!expected.objects.contains(id)) text += fmt::format(" object {} ('{}') is there;", id, o.name);
  return text.empty() ? " nothing" : text;
}

}  // namespace furrow::crash
