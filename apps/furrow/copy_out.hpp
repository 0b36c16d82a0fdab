// A range of an object to standard output.
#pragma once

#include <cstdint>
#include <string>

#include "furrow/engine/object.hpp"
#include "output.hpp"

namespace furrow::cli {

struct byte_range {
  std::uint64_t begin;
  std::uint64_t end;
};

/// Throws failure, naming the object `name`, as soon as a piece cannot be read; all before it was written then.
void copy_out(output& out, const object& from, const std::string& name, byte_range range);

}  // namespace furrow::cli
