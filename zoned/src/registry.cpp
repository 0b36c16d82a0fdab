// The list of backends: one row each.
#include "furrow/zoned/registry.hpp"

#include <sys/stat.h>

#include <array>

#include "adapt/order_test.hpp"
#include "adapt/ordered_append.hpp"
#include "emulation.hpp"
#include "file/file_device.hpp"
#include "memory/memory_device.hpp"
#include "nvme/passthrough_device.hpp"
#include "uri.hpp"
#include "zbd/block_device.hpp"

namespace furrow::zoned {
namespace {

/// Every device accepts append: where it lacks append, or writes better without, the adaptor has it.
open_result with_append(open_result opened) {
  if (!opened || (*opened)->promises().native_append) return opened;
  const guarantees& p = (*opened)->promises();
  write_choice choice{.append = false,
                      .depth = p.appends_per_zone_max,
                      .command_bytes_max = p.append_bytes_max,
                      .coalesce_bytes = p.coalesce_bytes,
                      .because = (*opened)->writing()};
  return std::make_unique<ordered_append>(std::move(*opened), std::move(choice));
}

open_result open_memory(const uri& where, const open_options& options) {
  if (!where.path.empty()) {
    return failure{errc::bad_uri,
                   "device URI \"" + std::string{where.text} + "\": memory: takes no path, only ?parameters"};
  }
  const auto parameters = parse_emulation(where);
  if (!parameters) return parameters.error();
  return with_append(std::make_unique<memory_device>(*parameters, options.read_only));
}

open_result open_file(const uri& where, const open_options& options) {
  return with_append(file_device::open(where, options));
}

/// The kernel's word on the order of writes is taken, unless a test of a blank device disagrees.
open_result open_block(const uri& where, const open_options& options) {
  auto opened = block_device::open(where, options);
  if (!opened) return opened.error();
  const std::uint64_t most = (*opened)->promises().append_bytes_max;
  write_facts facts{.append_bytes_max = 0, .write_bytes_max = most, .order = (*opened)->order()};
  write_choice choice = choose_writing(facts);
  if (choice.depth > 1 && !options.read_only) {
    facts.test = test_order(**opened, choice.depth);
    choice = choose_writing(facts);
  }
  return std::make_unique<ordered_append>(std::move(*opened), choice);
}

open_result open_path(const uri& where, const open_options& options) {
  struct ::stat status {};
  const bool is_character_device = ::stat(std::string{where.path}.c_str(), &status) == 0 && S_ISCHR(status.st_mode);
  if (is_character_device) return with_append(nvme::passthrough_device::open(where, options));
  return open_block(where, options);
}

struct backend {
  std::string_view scheme;
  std::string_view example;
  open_result (*open)(const uri& where, const open_options& options);
};

constexpr std::array backends{
    backend{"memory", "memory:?size=64M&zone_size=1M", open_memory},
    backend{"file", "file:PATH?size=1G&zone_size=16M", open_file},
    backend{"", "/dev/nvme0n1, /dev/ng0n1", open_path},
};

}  // namespace

open_result open(std::string_view text, const open_options& options) {
  const auto where = parse_uri(text);
  if (!where) return where.error();
  std::string examples;
  for (const backend& b : backends) {
    if (b.scheme == where->scheme) return b.open(*where, options);
    examples += (examples.empty() ? "" : ", ") + std::string{b.example};
  }
  return failure{errc::bad_uri,
                 "device URI \"" + std::string{text} + "\": no such kind of device; there are " + examples};
}

}  // namespace furrow::zoned
