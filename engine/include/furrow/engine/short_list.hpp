// A list of a request: one item, the common case, costs no allocation.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

namespace furrow {

template <class Item>
class short_list {
 public:
  short_list() = default;
  short_list(std::initializer_list<Item> all) {
    for (const Item& i : all) push_back(i);
  }
  short_list(const std::vector<Item>& all) {  // NOLINT(google-explicit-constructor)
    for (const Item& i : all) push_back(i);
  }

  void push_back(const Item& i) {
    if (count_ == 1) many_.push_back(one_);
    if (count_ > 0) many_.push_back(i);
    if (count_ == 0) one_ = i;
    ++count_;
  }
  [[nodiscard]] const Item* data() const { return count_ > 1 ? many_.data() : &one_; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] const Item* begin() const { return data(); }
  [[nodiscard]] const Item* end() const { return data() + count_; }

 private:
  Item one_{};
  std::vector<Item> many_;
  std::size_t count_ = 0;
};

}  // namespace furrow
