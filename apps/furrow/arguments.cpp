#include "arguments.hpp"

namespace furrow::cli {

namespace {

constexpr int names_max = 1 << 20;

}  // namespace

CLI::Option* add_uri(CLI::App& app, std::string& to) {
  return app.add_option("URI", to, "The device: /dev/nvme0n1, /dev/sdX, file:PATH")->required()->type_name("");
}

CLI::Option* add_name(CLI::App& app, const std::string& label, std::string& to, const std::string& help) {
  return app.add_option(label, to, help)->type_name("");
}

CLI::Option* add_names(CLI::App& app, const std::string& label, std::vector<std::string>& to, const std::string& help) {
  // Without extra arguments, CLI11 leaves values in brackets as they are.
  return app.add_option(label, to, help)->expected(0, names_max)->allow_extra_args(false)->type_name("");
}

CLI::Option* add_json(CLI::App& app, bool& to) { return app.add_flag("--json", to, "Print JSON"); }

}  // namespace furrow::cli
