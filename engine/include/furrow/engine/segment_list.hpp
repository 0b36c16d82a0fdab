// The memory of a request, piece by piece; one piece, the common case, costs no allocation.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <vector>

#include "furrow/zoned/command.hpp"

namespace furrow {

class segment_list {
 public:
  segment_list() = default;
  segment_list(std::initializer_list<zoned::segment> all) {
    for (const zoned::segment& s : all) push_back(s);
  }
  segment_list(const std::vector<zoned::segment>& all) {  // NOLINT(google-explicit-constructor)
    for (const zoned::segment& s : all) push_back(s);
  }

  void push_back(const zoned::segment& s) {
    if (count_ == 1) many_.push_back(one_);
    if (count_ > 0) many_.push_back(s);
    if (count_ == 0) one_ = s;
    ++count_;
  }
  [[nodiscard]] const zoned::segment* data() const { return count_ > 1 ? many_.data() : &one_; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool empty() const { return count_ == 0; }
  [[nodiscard]] const zoned::segment* begin() const { return data(); }
  [[nodiscard]] const zoned::segment* end() const { return data() + count_; }

 private:
  zoned::segment one_;
  std::vector<zoned::segment> many_;
  std::size_t count_ = 0;
};

}  // namespace furrow
