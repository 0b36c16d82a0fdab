#include "arguments.hpp"

#include <algorithm>

namespace furrow::cli {

namespace {

/// Behind an argument in brackets, which CLI11 would otherwise take for a list. No argument of a program has a NUL.
constexpr char keeps_brackets = '\0';

std::string without_mark(std::string value) {
  if (value.ends_with(keeps_brackets)) value.pop_back();
  return value;
}

}  // namespace

std::vector<std::string> arguments_of(int count, char** values) {
  std::vector<std::string> arguments(values + std::min(count, 1), values + count);
  for (std::string& a : arguments) {
    if (a.starts_with('[') && a.ends_with(']')) a += keeps_brackets;
  }
  std::reverse(arguments.begin(), arguments.end());
  return arguments;
}

CLI::Option* add_uri(CLI::App& app, std::string& to) {
  return add_name(app, "URI", to, "The device: /dev/nvme0n1, /dev/sdX, file:PATH")->required();
}

CLI::Option* add_name(CLI::App& app, const std::string& label, std::string& to, const std::string& help) {
  return app.add_option(label, to, help)->transform(without_mark)->type_name("");
}

CLI::Option* add_names(CLI::App& app, const std::string& label, std::vector<std::string>& to, const std::string& help) {
  return app.add_option(label, to, help)->transform(without_mark)->type_name("");
}

CLI::Option* add_json(CLI::App& app, bool& to) { return app.add_flag("--json", to, "Print JSON"); }

}  // namespace furrow::cli
