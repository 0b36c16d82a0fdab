// Arguments that several subcommands share, declared alike everywhere.
#pragma once

#include <string>
#include <vector>

#include "command.hpp"

namespace furrow::cli {

/// The command line as CLI::App::parse() takes it, which is in reverse; add_name() and the others give the values back
/// as they were.
[[nodiscard]] std::vector<std::string> arguments_of(int count, char** values);

/// The first argument of every subcommand.
CLI::Option* add_uri(CLI::App& app, std::string& to);
/// One name of an object: any bytes, taken as they are.
CLI::Option* add_name(CLI::App& app, const std::string& label, std::string& to, const std::string& help);
/// Any number of names or paths, taken as they are.
CLI::Option* add_names(CLI::App& app, const std::string& label, std::vector<std::string>& to, const std::string& help);
CLI::Option* add_json(CLI::App& app, bool& to);

}  // namespace furrow::cli
