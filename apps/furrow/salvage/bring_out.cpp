#include "bring_out.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <filesystem>

#include "furrow/failure.hpp"
#include "furrow/salvage/file_names.hpp"
#include "furrow/text.hpp"

namespace furrow::cli {

namespace {

std::string range_of(const missing_part& m) {
  std::string text;
  if (m.object) text += fmt::format(" object {}", *m.object);
  if (!m.name.empty()) text += fmt::format(" {}", m.name);
  if (m.offset_bytes) text += fmt::format(" bytes {}..{}", *m.offset_bytes, *m.offset_bytes + m.bytes);
  if (m.zone) text += fmt::format(" zone {}", m.zone->value);
  return text;
}

}  // namespace

void check_target(const std::string& directory) {
  std::error_code ignored;
  if (!std::filesystem::exists(directory, ignored)) return;
  if (std::filesystem::is_directory(directory, ignored) && std::filesystem::is_empty(directory, ignored)) return;
  throw failure{escaped(directory) + ": salvage writes to a directory that is empty or absent"};
}

bring_out::bring_out(const std::string& directory, progress& shown)
    : tree_{(check_target(directory), directory)}, shown_{shown} {}

bool bring_out::add(object_source& from, object_id id, brought_from what) {
  object_status object;
  std::string why;
  const found here = from.find(id, object);
  if (here != found::yes) return here == found::no;
  brought told{id, object.collection, object.name, {}, object.bytes, 0, what};
  const bool folder = S_ISDIR(object.attributes.mode);
  const auto places = places_for(id, object.collection, object.name, folder);
  for (const std::string& place : places) {
    try {
      if (!write(from, object, place, told)) continue;
    } catch (const failure& f) {
      if (f.final()) throw;
      why = f.what();
      continue;
    }
    told.place = place;
    ++objects_;
    rebuilt_ |= told.rebuilt();
    if (what == brought_from::zone_pages) ++of_zone_pages_;
    lost_bytes_ += told.lost_bytes;
    shown_.add_file();
    const bool as_expected = !told.rebuilt() && told.lost_bytes == 0 && place == "objects/" + object.name;
    if (!as_expected) told_.push_back(std::move(told));
    return true;
  }
  missing({id, object.name, {}, object.bytes, {}, why.empty() ? "its places below the directory are taken" : why});
  return true;
}

bool bring_out::write(object_source& from, const object_status& object, const std::string& place, brought& to) {
  const attributes& a = object.attributes;
  const bool folder = S_ISDIR(a.mode);
  if (tree_.taken(place) && !folder) return false;
  if (S_ISLNK(a.mode)) {
    tree_.make_link(place, a.link_target, a.modified_ns);
  } else if (folder) {
    tree_.make_directory(place, a.mode, a.modified_ns);
  } else {
    const auto file = tree_.make_file(place);
    write_content(from, object, *file, to);
    file->commit(a.mode, a.modified_ns);
  }
  return true;
}

void bring_out::write_content(object_source& from, const object_status& object, new_file& to, brought& told) {
  std::optional<missing_part> lost;
  const auto tell = [&] {
    if (!lost) return;
    told.lost_bytes += lost->bytes;
    missing(std::move(*lost));
    lost.reset();
  };
  to.set_bytes(object.bytes);
  from.read([&](const content_piece& p) {
    if (!p.data.empty()) {
      to.write_at(p.offset_bytes, p.data);
      bytes_ += p.bytes;
      shown_.add_bytes(p.bytes);
      return;
    }
    const bool goes_on =
        lost && *lost->offset_bytes + lost->bytes == p.offset_bytes && lost->zone == p.zone && lost->why == p.why;
    if (goes_on) {
      lost->bytes += p.bytes;
      return;
    }
    tell();
    lost = missing_part{object.id, object.name, p.offset_bytes, p.bytes, p.zone, p.why};
  });
  tell();
}

void bring_out::missing(missing_part part) { missing_.push_back(std::move(part)); }

void bring_out::finish() { tree_.finish_directories(); }

exit_status bring_out::status() const {
  if (missing_.empty()) return exit_status::good;
  return objects_ == 0 ? exit_status::failed : exit_status::degraded;
}

nlohmann::json bring_out::report() const {
  nlohmann::json to{{"objects", objects_},
                    {"bytes", bytes_},
                    {"lost_bytes", lost_bytes_},
                    {"rebuilt", rebuilt_},
                    {"objects_of_zone_pages", of_zone_pages_},
                    {"missing", nlohmann::json::array()},
                    {"files", nlohmann::json::array()}};
  for (const missing_part& m : missing_) {
    nlohmann::json part{{"why", m.why}};
    if (m.object) part["object"] = *m.object;
    if (!m.name.empty()) set_bytes(part, "name", m.name);
    if (m.offset_bytes) part["offset_bytes"] = *m.offset_bytes;
    if (m.bytes != 0) part["bytes"] = m.bytes;
    if (m.zone) part["zone"] = m.zone->value;
    to["missing"].push_back(std::move(part));
  }
  for (const brought& b : told_) {
    nlohmann::json one{{"object", b.object},     {"collection", b.collection},
                       {"bytes", b.bytes},       {"lost_bytes", b.lost_bytes},
                       {"rebuilt", b.rebuilt()}, {"of_zone_pages", b.from == brought_from::zone_pages}};
    set_bytes(one, "name", b.name);
    set_bytes(one, "file", b.place);
    to["files"].push_back(std::move(one));
  }
  return to;
}

void bring_out::print(output& out, const std::string& uri) const {
  for (const missing_part& m : missing_) {
    missing_part shown = m;
    shown.name = out.shown(m.name);
    const std::string place = range_of(shown);
    out.line(fmt::format("missing:{}{} {}", place, place.empty() ? "" : ":", out.shown(m.why)));
  }
  for (const brought& b : told_) {
    const char* const how = b.from == brought_from::zone_pages ? "rebuilt from zone pages alone" : "rebuilt";
    if (b.rebuilt())
      out.line(fmt::format("{}: object {} {}: {}", how, b.object, out.shown(b.name), out.shown(b.place)));
    if (!b.rebuilt() && b.lost_bytes == 0)
      out.line(fmt::format("object {} {}: is in {}", b.object, out.shown(b.name), out.shown(b.place)));
  }
  out.line(fmt::format("{}: {} objects, {} brought out{}", out.shown(uri), grouped(objects_), human_bytes(bytes_),
                       lost_bytes_ == 0 ? "" : ", " + human_bytes(lost_bytes_) + " of them lost"));
}

}  // namespace furrow::cli
