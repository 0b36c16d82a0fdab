#include "format/names.hpp"

namespace furrow::format {

std::string_view name_of(zone_role role) noexcept {
  switch (role) {
    case zone_role::free:
      return "free";
    case zone_role::superblock:
      return "superblock";
    case zone_role::metadata:
      return "metadata";
    case zone_role::data:
      return "data";
  }
  return "unknown";
}

std::string name_of(zone_class cls) {
  switch (cls) {
    case zone_class::metadata:
      return "metadata";
    case zone_class::unhinted:
      return "unhinted";
    case zone_class::short_lived:
      return "short";
    case zone_class::medium_lived:
      return "medium";
    case zone_class::long_lived:
      return "long";
    case zone_class::extreme:
      return "extreme";
    case zone_class::cleaner:
      return "cleaner";
  }
  if (!known(cls)) {
    return "unknown";
  }
  return "cleaner+" + std::to_string(static_cast<unsigned>(cls) - static_cast<unsigned>(zone_class::cleaner));
}

std::string_view name_of(checksum_kind kind) noexcept {
  switch (kind) {
    case checksum_kind::crc32c:
      return "crc32c";
    case checksum_kind::none:
      return "none";
    case checksum_kind::keyed_mac:
      return "keyed_mac";
  }
  return "unknown";
}

std::string_view name_of(page_kind kind) noexcept {
  switch (kind) {
    case page_kind::object:
      return "object";
    case page_kind::zone:
      return "zone";
  }
  return "unknown";
}

std::string_view name_of(extent_kind kind) noexcept {
  switch (kind) {
    case extent_kind::data:
      return "data";
    case extent_kind::inlined:
      return "inlined";
    case extent_kind::unwritten:
      return "unwritten";
  }
  return "unknown";
}

std::string_view name_of(record_type type) noexcept {
  switch (type) {
    case record_type::publish:
      return "publish";
    case record_type::tail:
      return "tail";
    case record_type::create:
      return "create";
    case record_type::remove:
      return "remove";
    case record_type::rename:
      return "rename";
    case record_type::punch:
      return "punch";
    case record_type::truncate:
      return "truncate";
    case record_type::clone:
      return "clone";
    case record_type::move:
      return "move";
    case record_type::zone_role:
      return "zone_role";
    case record_type::zone_free:
      return "zone_free";
    case record_type::page_flushed:
      return "page_flushed";
    case record_type::attributes:
      return "attributes";
    case record_type::batch_begin:
      return "batch_begin";
    case record_type::batch_end:
      return "batch_end";
    case record_type::collection:
      return "collection";
    case record_type::drop:
      return "drop";
  }
  return "unknown";
}

std::string_view name_of(collection_action action) noexcept {
  switch (action) {
    case collection_action::create:
      return "create";
    case collection_action::quota:
      return "quota";
    case collection_action::drop:
      return "drop";
  }
  return "unknown";
}

std::string_view name_of(drop_end ends) noexcept {
  switch (ends) {
    case drop_end::more:
      return "nothing";
    case drop_end::object:
      return "object";
    case drop_end::range:
      return "range";
  }
  return "unknown";
}

std::string_view name_of(superblock_fault fault) noexcept {
  switch (fault) {
    case superblock_fault::not_a_superblock:
      return "not_a_superblock";
    case superblock_fault::older_version:
      return "older_version";
    case superblock_fault::newer_version:
      return "newer_version";
    case superblock_fault::damaged:
      return "damaged";
  }
  return "unknown";
}

}  // namespace furrow::format
