// The file that an object is brought out to: its name, escaped where it can be none, so that the name can be had back.
//
//   objects/NAME            of the default collection
//   collections/N/NAME      of another
//   by-id/ID                without a name, or with one that is taken
//
// In NAME  %XX is the byte of that number, %_ is nothing, and so is the % of %/ with its slash. Escaped are: the % itself, a
//          NUL, a component that is '.' or '..', and the slash behind an empty one. Long components are broken by %/.
//
// Invariants
//   N1  Different names give different paths, of ordinary components only, none of over component_bytes_max bytes.
//   N2  Of the paths that are offered for one name, all unescape to that name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace furrow::cli {

inline constexpr std::size_t component_bytes_max = 255;

/// "a/b" as it is: a file below a folder. A slash at the end stays one if `folder`.
[[nodiscard]] std::string escaped_path(std::string_view name, bool folder);
/// Without a folder: slashes are escaped too.
[[nodiscard]] std::string escaped_flat(std::string_view name);

/// Where an object may be written to, what is liked best first.
[[nodiscard]] std::vector<std::string> places_for(std::uint64_t id, std::uint32_t collection, std::string_view name,
                                                  bool folder);

}  // namespace furrow::cli
