// furrow zones: the device's zones, and what the store on it, if there is one, uses them for.
#include <memory>

#include "arguments.hpp"
#include "output.hpp"
#include "raw_device.hpp"
#include "session.hpp"
#include "zone_picture.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t lines_max = 64;

struct arguments {
  std::string uri;
  bool map = false;
  bool lines = false;
  bool json = false;
};

zone_list zones_of_device(const std::string& uri) {
  const raw_device device{uri};
  zone_list list;
  for (const zoned::zone_info& z : device.zones()) list.zones.emplace_back().device = z;
  return list;
}

/// What a store says; where none can be opened, what the device says, with a line that tells why.
zone_list zones_of(const std::string& uri) {
  store_options options;
  options.read_only = true;
  auto device = open_device(uri, access::read_only);
  const auto opened = blocking_store::open(std::move(device), options);
  if (!opened) {
    if (opened.error().code != errc::not_a_store) {
      complain(describe(uri, opened.error().code, opened.error().detail) + "; drawing the device alone");
    }
    return zones_of_device(uri);
  }
  zone_list list;
  list.of_a_store = true;
  list.zones = take(opened->zones(), uri);
  static_cast<void>(take(opened->close(), uri));
  return list;
}

exit_status run(const arguments& a) {
  const zone_list list = zones_of(a.uri);
  output out;
  if (a.json) {
    out.json(to_json(list));
  } else if (a.map || (!a.lines && list.zones.size() > lines_max)) {
    draw_map(out, list);
  } else {
    draw_lines(out, list);
  }
  out.flush();
  return exit_status::good;
}

}  // namespace

action declare_zones(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  CLI::Option* map = app.add_flag("--map", a->map, "One character a zone (the default for many zones)");
  app.add_flag("--lines", a->lines, "One line a zone (the default for few)")->excludes(map);
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
