// furrow cat: an object's bytes, or a range of them, to standard output.
//
// Invariants
//   I1  A range that does not lie in the object is refused before a byte is written.
#include <fmt/format.h>

#include <memory>
#include <optional>

#include "arguments.hpp"
#include "copy_out.hpp"
#include "live.hpp"
#include "output.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

struct arguments {
  std::string uri;
  bool live = false;
  std::vector<std::string> names;
  std::optional<std::uint64_t> offset_bytes;
  std::optional<std::uint64_t> bytes;
};

byte_range range_of(const arguments& a, const std::string& name, std::uint64_t object_bytes) {
  const std::uint64_t begin = a.offset_bytes.value_or(0);
  if (begin > object_bytes || a.bytes.value_or(0) > object_bytes - begin) {
    const std::string asked =
        a.bytes ? fmt::format("{} bytes from {}", *a.bytes, begin) : fmt::format("bytes from {}", begin);
    throw failure{fmt::format("{}: {} end behind the object's end, which is {}; 'furrow stat' tells it", escaped(name),
                              asked, object_bytes)};
  }
  return {begin, a.bytes ? begin + *a.bytes : object_bytes};
}

exit_status run(const arguments& a) {
  session s{a.uri, reading(a.live)};
  output out;
  for (const std::string& name : a.names) {
    const blocking_object from = s.open_object(name);
    const object_status status = take(from.stat(), name);
    copy_out(out, from.async(), name, range_of(a, name, status.bytes));
  }
  out.flush();
  s.close();
  return exit_status::good;
}

}  // namespace

action declare_cat(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_live(app, a->live);
  add_names(app, "NAME", a->names, "Objects, one after the other")->required();
  app.add_option("--offset", a->offset_bytes, "Begin at this byte of each")->transform(CLI::AsSizeValue(false));
  app.add_option("--bytes", a->bytes, "So many bytes of each (else to its end)")->transform(CLI::AsSizeValue(false));
  return [a] { return attach(a->live, [&a] { return run(*a); }); };
}

}  // namespace furrow::cli
