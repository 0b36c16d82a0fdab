// From what the core answers to what the public API promises.
//
// Not here: errors, which pass unchanged.
#pragma once

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "core/assert.hpp"
#include "driver/open_handle.hpp"
#include "driver/operation.hpp"
#include "furrow/engine/object.hpp"
#include "furrow/engine/store.hpp"
#include "furrow/engine/view.hpp"

namespace furrow::driver {

/// Most results are what the core gave, as it is.
template <class T>
T convert(ending& e) {
  T* given = std::get_if<T>(&e.result);
  FURROW_ASSERT(given != nullptr);
  return std::move(*given);
}

/// A sequence, or the bytes of a read.
template <>
inline std::uint64_t convert<std::uint64_t>(ending& e) {
  if (const auto* r = std::get_if<core::read_result>(&e.result)) return r->bytes;
  if (const auto* s = std::get_if<core::sequence_result>(&e.result)) return s->sequence;
  FURROW_ASSERT(std::holds_alternative<std::monostate>(e.result));
  return 0;
}

template <>
inline statistics convert<statistics>(ending& e) {
  const auto* s = std::get_if<core::statistics_ptr>(&e.result);
  FURROW_ASSERT(s != nullptr);
  return **s;
}

template <>
inline object convert<object>(ending& e) {
  const auto* o = std::get_if<core::opened_object>(&e.result);
  FURROW_ASSERT(o != nullptr);
  return object(std::make_shared<open_handle>(e.by, *o));
}

template <>
inline std::shared_ptr<view> convert<std::shared_ptr<view>>(ending& e) {
  FURROW_ASSERT(e.memory != nullptr);
  return std::make_shared<view>(std::move(e.by), std::move(e.memory));
}

template <>
inline store convert<store>(ending& e) {
  auto* r = std::get_if<open_result>(&e.result);
  FURROW_ASSERT(r != nullptr);
  return store(std::make_shared<opened_store>(e.by, std::move(*r)));
}

/// A collection's number comes as an object's id.
template <>
inline collection_id convert<collection_id>(ending& e) {
  const auto* o = std::get_if<core::opened_object>(&e.result);
  FURROW_ASSERT(o != nullptr);
  return static_cast<collection_id>(o->id);
}

/// close and format give the device back, whether they succeed or fail.
template <>
inline std::unique_ptr<zoned::device> convert<std::unique_ptr<zoned::device>>(ending& e) {
  return std::move(e.device);
}

}  // namespace furrow::driver
