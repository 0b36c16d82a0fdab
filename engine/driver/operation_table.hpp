// The operations between their acceptance and their end, by id. Owns them.
#pragma once

#include <boost/intrusive/unordered_set.hpp>
#include <memory>
#include <vector>

#include "core/assert.hpp"
#include "driver/operation.hpp"

namespace furrow::driver {

class operation_table {
 public:
  operation_table() : buckets_(64), set_(set::bucket_traits(buckets_.data(), buckets_.size())) {}
  operation_table(const operation_table&) = delete;
  operation_table& operator=(const operation_table&) = delete;
  ~operation_table() { set_.clear_and_dispose(destroy_operation()); }

  operation& add(operation_ptr o) {
    if (set_.size() >= buckets_.size()) grow();
    const bool added = set_.insert(*o).second;
    FURROW_ASSERT(added);
    return *o.release();
  }

  [[nodiscard]] operation* find(core::operation_id id) {
    const auto i = set_.find(id);
    return i == set_.end() ? nullptr : &*i;
  }

  [[nodiscard]] operation_ptr take(core::operation_id id) {
    const auto i = set_.find(id);
    if (i == set_.end()) return nullptr;
    operation_ptr o(&*i);
    set_.erase(i);
    return o;
  }

  [[nodiscard]] std::vector<operation_ptr> take_all() {
    std::vector<operation_ptr> all;
    all.reserve(set_.size());
    set_.clear_and_dispose([&](operation* o) { all.emplace_back(o); });
    return all;
  }

  [[nodiscard]] bool empty() const { return set_.empty(); }
  [[nodiscard]] std::size_t size() const { return set_.size(); }

 private:
  struct id_of {
    using type = core::operation_id;
    type operator()(const operation& o) const { return o.id(); }
  };
  struct spread {
    std::size_t operator()(core::operation_id id) const { return id.value; }  // Ids are given in order.
  };
  struct same {
    bool operator()(core::operation_id a, core::operation_id b) const { return a == b; }
  };
  using set =
      boost::intrusive::unordered_set<operation, boost::intrusive::key_of_value<id_of>, boost::intrusive::hash<spread>,
                                      boost::intrusive::equal<same>, boost::intrusive::power_2_buckets<true>>;

  void grow() {
    std::vector<set::bucket_type> more(buckets_.size() * 2);
    set_.rehash(set::bucket_traits(more.data(), more.size()));
    buckets_.swap(more);
  }

  std::vector<set::bucket_type> buckets_;
  set set_;
};

}  // namespace furrow::driver
