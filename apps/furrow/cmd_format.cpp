// furrow format: makes an empty store.
#include <fmt/format.h>

#include <memory>

#include "arguments.hpp"
#include "output.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  format_options options;
  unsigned page_copies = 0;
  bool no_checksums = false;
  bool json = false;
};

exit_status run(const arguments& a) {
  format_options options = a.options;
  options.checksums = !a.no_checksums;
  options.page_copies = static_cast<std::uint8_t>(a.page_copies);
  auto formatted = blocking_store::format(open_device(a.uri, access::read_write), options);
  if (!formatted && formatted.error().code == errc::formatted) throw make_failure(a.uri, errc::formatted);
  auto device = take(std::move(formatted), a.uri);
  const std::string name = device->name();
  const blocking_store store = take(blocking_store::open(std::move(device), {}), a.uri);
  const store_info info = take(store.info(), a.uri);
  static_cast<void>(take(store.close(), a.uri));
  output out;
  if (a.json) {
    out.json({{"uuid", uuid_text(info.uuid)},
              {"device", name},
              {"capacity_bytes", info.capacity_bytes},
              {"page_copies", info.page_copies},
              {"checksum", info.checksum}});
  } else {
    out.line(fmt::format("store {} on {}: {} for data and metadata, checksums {}, {} {} of each page",
                         uuid_text(info.uuid), out.shown(name), human_bytes(info.capacity_bytes), info.checksum,
                         info.page_copies, info.page_copies == 1 ? "copy" : "copies"));
  }
  out.flush();
  return exit_status::good;
}

}  // namespace

action declare_format(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  app.add_flag("--force", a->options.force, "Format even if there is a store; it is lost");
  app.add_option("--page-copies", a->page_copies, "Copies of each metadata page: 1 or 2 (else by the device's limits)")
      ->check(CLI::Range(1, 2));
  app.add_flag("--no-checksums", a->no_checksums, "Keep no sums of data blocks (for measuring)");
  add_json(app, a->json);
  app.footer(
      "An emulated device is made where it is first named:\n"
      "  furrow format 'file:disk.img?size=2G&zone_size=16M'");
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
