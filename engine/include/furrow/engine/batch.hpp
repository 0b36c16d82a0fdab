// Builds an atomic group of operations: all of it is published as one and survives a crash as one, or nothing of it.
//
//   furrow::batch b;
//   const auto log = b.create({.name = "log/2"});
//   b.append_to_created(log, asio::buffer(header));
//   b.rename("current.tmp", "current");
//   const furrow::batch_result done = co_await store.async_commit(std::move(b), furrow::durability::durable, token);
//
// Members are carried out in their order. Memory given to it stays valid until the commit has completed. If a member
// cannot be carried out, the commit fails with that member's error, and nothing has changed.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "furrow/engine/detail/initiate.hpp"
#include "furrow/engine/object.hpp"
#include "furrow/engine/types.hpp"

namespace furrow {

namespace driver {
struct batch_members;
}

class batch {
 public:
  /// Place of a member in the batch, and of its result in batch_result.
  using index = std::size_t;

  batch();
  batch(batch&&) noexcept;
  batch& operator=(batch&&) noexcept;
  ~batch();

  /// Makes an object; if the name is taken, the batch fails with errc::exists.
  index create(create_options options);

  template <class ConstBufferSequence>
  index append(const object& to, const ConstBufferSequence& from, append_options options = {}) {
    return add_append(to, detail::segments_of(from), options);
  }
  /// To the object that an earlier member creates.
  template <class ConstBufferSequence>
  index append_to_created(index created, const ConstBufferSequence& from, append_options options = {}) {
    return add_append_to_created(created, detail::segments_of(from), options);
  }

  index rename(object_key from, std::string to, bool replace = true);
  index rename(object_key from, std::string to, collection_id to_collection, bool replace);
  index remove(object_key which);
  index set_attributes(const object& of, attributes to);

  [[nodiscard]] std::size_t members() const;

  /// Not for users: takes what was built.
  [[nodiscard]] std::shared_ptr<driver::batch_members> release();

 private:
  index add_append(const object& to, segment_list segments, append_options options);
  index add_append_to_created(index created, segment_list segments, append_options options);

  std::shared_ptr<driver::batch_members> members_;
};

}  // namespace furrow
