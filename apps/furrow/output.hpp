// Standard output: buffered, every failure seen, and quiet when the reader goes away.
//
// Invariants
//   I1  A byte that could not be written is never silently lost: write() and flush() throw.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace furrow::cli {

class output {
 public:
  output();
  /// From now on so much is held until flush().
  static void hold(std::size_t bytes_max);
  /// Whether anything was written to standard output.
  [[nodiscard]] static bool is_written();
  /// Throws output_closed when nobody reads any more, failure on any other error.
  void write(std::string_view text);
  void write(std::span<const std::byte> bytes);
  void line(std::string_view text);
  /// A name on a line of its own, or before a NUL: escaped for a terminal, as it is otherwise.
  void name(std::string_view bytes, bool nul_after = false);
  /// The name as name() would print it.
  [[nodiscard]] std::string shown(std::string_view bytes) const;
  void json(const nlohmann::json& value);
  /// One line, so that a reader can take them one by one.
  void json_line(const nlohmann::json& value);
  void flush();
  [[nodiscard]] bool terminal() const { return terminal_; }
  /// Whether colours are wanted: a terminal, and NO_COLOR is not set.
  [[nodiscard]] bool colours() const { return colours_; }
  /// Columns of the terminal; 80 if it does not say.
  [[nodiscard]] std::size_t columns() const;

 private:
  std::string buffer_;
  bool terminal_;
  bool colours_;
};

}  // namespace furrow::cli
