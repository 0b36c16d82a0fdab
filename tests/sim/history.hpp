// What the bytes of an object were, are and may be: spans of content, and the steps that changed them.
//
// A span says what bytes of an object are: a part of the stream of a tag, zeros, nothing (behind the end), or, where the
// medium has lost them, unknown. A canvas is spans from 0 on without a gap. A step puts spans in place of a range and
// may set the end; it belongs to one publication.
//
// Invariants
//   H1  Spans of a canvas, and of a step within its range, lie side by side, in order, without a gap.
//   H2  Steps that touch one byte are published in the order in which they stand in the object's list; those that do not
//       may be in any order.
//
// Not here: what is published (model.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace furrow::sim {

inline constexpr std::uint64_t endless = ~std::uint64_t{0};

enum class stuff : std::uint8_t { data, zeros, nothing, unknown };

struct content_span {
  std::uint64_t begin_bytes = 0;
  std::uint64_t end_bytes = 0;
  stuff what = stuff::nothing;
  std::uint64_t tag = 0;     ///< Of data: whose stream,
  std::uint64_t stream = 0;  ///< and where in it `begin_bytes` is.

  /// The part of it in [begin, end).
  [[nodiscard]] content_span part(std::uint64_t begin, std::uint64_t end) const;
  /// The same content elsewhere.
  [[nodiscard]] content_span moved_to(std::uint64_t begin) const;
  [[nodiscard]] bool continues(const content_span& before) const;
  /// Where `bytes`, an object's from `at` on, are something else, if they are.
  [[nodiscard]] std::uint64_t first_difference(std::uint64_t at, std::span<const std::byte> bytes) const;
};

[[nodiscard]] content_span zeros(std::uint64_t begin, std::uint64_t end);
[[nodiscard]] content_span nothing_from(std::uint64_t begin);
void add_span(std::vector<content_span>& to, const content_span& s);
/// Fills memory with what the spans from `at` on say.
void fill_spans(std::span<const content_span> spans, std::uint64_t at, std::span<std::byte> to);

class canvas {
 public:
  void paint(std::span<const content_span> spans);
  [[nodiscard]] const content_span& at(std::uint64_t byte) const;
  [[nodiscard]] std::span<const content_span> spans() const { return spans_; }

 private:
  std::vector<content_span> spans_{nothing_from(0)};
};

struct content_step {
  std::uint64_t by = 0;  ///< Publication.
  std::uint64_t operation = 0;
  std::uint64_t answered = 0;  ///< Moment; 0: not yet, or not known to be there.
  std::uint64_t begin_bytes = 0;
  std::uint64_t end_bytes = 0;
  std::vector<content_span> holds;
  bool failed = false;  ///< Its operation was answered with an error: others that touch its bytes may follow.
  bool is_append = false;
  bool is_cut = false;  ///< One of the ordered extents of an append, which are cut from where it begins.
  bool sets_end = false;
  std::uint64_t object_bytes = 0;    ///< The end afterwards, if it sets it.
  std::uint64_t raise_fence_to = 0;  ///< 0: it does not.

  [[nodiscard]] const content_span& at(std::uint64_t byte) const;
  void shift(std::uint64_t bytes_less);
};

/// Where the ordered extents of an append end, in bytes of the object.
[[nodiscard]] std::vector<std::uint64_t> extent_ends(std::uint64_t begin_bytes, std::uint64_t bytes,
                                                     std::uint64_t ordered_extent_bytes_max);

/// A range in which all versions are of one span: the base's, and one for each step that touches it.
struct stretch {
  std::uint64_t begin_bytes = 0;
  std::uint64_t end_bytes = 0;
  std::vector<content_span> versions;  ///< Whole spans: stream positions are of their own begin.
  std::vector<std::size_t> steps;      ///< That made versions[1], [2] ..
};

/// The stretches of [begin, end), cut at `cuts` as well.
[[nodiscard]] std::vector<stretch> stretches(const canvas& base, std::span<const content_step> steps,
                                             std::uint64_t begin, std::uint64_t end,
                                             std::span<const std::uint64_t> cuts = {});

/// The content of a range when all the steps have been taken.
[[nodiscard]] std::vector<content_span> newest_content(const canvas& base, std::span<const content_step> steps,
                                                       std::uint64_t begin, std::uint64_t end);

}  // namespace furrow::sim
