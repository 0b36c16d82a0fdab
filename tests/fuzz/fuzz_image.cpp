// A whole store whose metadata are forged, and what is then asked of it: opened, used, checked, closed and opened again.
// Whatever its metadata say, each request is answered, by an error of the engine's or the device's if it must.
//
// Input
//   image u8 | count u8 | count x forgery | operations until there is no more
//   forgery      structure u16 | where u16 (a fourth of it, of all bytes if it divides, else of those not zero) |
//                count u8 (below 16) | bytes
//   operation    kind u8 | object u8 | offset u32 | bytes u32
//
// Not here: which bytes are right, when what says so is forged.
#include <fmt/format.h>

#include <array>
#include <map>

#include "fuzz/input.hpp"
#include "sim/content.hpp"
#include "sim/failure.hpp"
#include "sim/forgery.hpp"
#include "sim/sim_store.hpp"
#include "sim/small_image.hpp"

using namespace furrow;

namespace {

constexpr std::size_t transfer_bytes_max = 256 << 10;
constexpr int operations_max = 24;

const sim::image& image_of(std::size_t index) {
  using sim::image_end;
  static const std::array<sim::image, 4> all{
      sim::make_edited_image(image_end::closed, 1), sim::make_edited_image(image_end::journal_to_replay, 1),
      sim::make_edited_image(image_end::journal_to_replay, 2), sim::make_image(image_end::journal_to_replay, 1)};
  return all[index % all.size()];
}

class session {
 public:
  session(const sim::image& of, zoned::memory_zones zones) : image_{of}, device_{std::move(zones), of.promises, 2} {}

  void open() {
    store_.start();
    handles_.clear();
    opened_ = !ask(core::open_request{}).error;
    if (!opened_) store_.interrupt(sim::interruption::process_end);
  }
  void use(fuzz::input& in) {
    for (int i = 0; i < operations_max && !in.empty() && opened_; ++i) {
      const auto kind = in.number();
      const auto object = in.number();
      const auto offset = in.number<std::uint32_t>(), bytes = in.number<std::uint32_t>();
      operation(kind, object, offset, bytes);
    }
  }
  void inspect() {
    if (!opened_) return;
    ask(core::check_request{.data = true});
    core::scrub_request all;
    all.bytes_max = std::uint64_t{1} << 40;
    ask(all);
    ask(core::list_request{});
    for (std::uint8_t i = 0; i < 26; ++i) read(i, 0, transfer_bytes_max);
    ask(core::zones_request{});
  }
  void close() {
    if (!opened_) return;
    const bool closed = !ask(core::close_request{}).error;
    if (closed)
      store_.end();
    else
      store_.interrupt(sim::interruption::process_end);
    opened_ = false;
  }

 private:
  core::notification ask(core::request_body body) {
    core::notification n = store_.ask(std::move(body));
    fuzz::demand(!n.error || n.error.category() == furrow::error_category() ||
                 n.error.category() == zoned::error_category());
    return n;
  }
  core::handle_id handle(std::uint8_t object) {
    static constexpr std::array more{"clones", "sparse", "renamed", "late clone"};
    const std::string name = object < 24 ? fmt::format("object-{:02}", object) : more[object % more.size()];
    const auto known = handles_.find(name);
    if (known != handles_.end()) return known->second;
    const auto n = ask(core::open_object_request{default_collection, name, 0});
    return handles_[name] = n.error ? core::handle_id{} : std::get<core::opened_object>(n.result).handle;
  }
  void read(std::uint8_t object, std::uint64_t offset, std::size_t bytes) {
    const core::handle_id h = handle(object);
    if (h == core::handle_id{}) return;
    const core::notification n = ask(core::stat_request{h});
    const std::uint64_t end = n.error ? 0 : std::get<object_status>(n.result).bytes;
    if (offset >= end) return;
    core::read_request request;
    request.handle = h;
    request.ranges = {{offset, std::span{memory_}.first(
                                   std::min({end - offset, std::uint64_t{bytes}, std::uint64_t{memory_.size()}}))}};
    ask(std::move(request));
  }
  void operation(std::uint8_t kind, std::uint8_t object, std::uint64_t offset, std::uint64_t bytes) {
    const core::handle_id h = handle(object % 28);
    const std::size_t given = std::min<std::size_t>(bytes % 70'000, memory_.size());
    const segment_list memory{{memory_.data(), given}};
    constexpr std::uint64_t block = zoned::store_block_bytes;
    if (kind % 14 < 9 && h == core::handle_id{}) return;
    switch (kind % 14) {
      case 0:
        return read(object % 28, offset, bytes);
      case 1:
        ask(core::append_request{h, memory, {}});
        return;
      case 2:
        ask(core::write_request{h, offset % (1 << 20), given, memory, {}});
        return;
      case 3:
        ask(core::zero_request{h, offset, bytes, (kind & 64) != 0, {}});
        return;
      case 4:
        ask(core::truncate_request{h, offset, {}});
        return;
      case 5: {
        const core::handle_id from = handle(static_cast<std::uint8_t>(bytes % 28));
        if (from != core::handle_id{})
          ask(core::clone_request{
              h, offset % 256 * block, from, offset / 256 % 64 * block, bytes / 32 % 64 * block, {}});
        return;
      }
      case 6:
        ask(core::stat_request{h});
        ask(core::extents_request{h, offset, bytes, 100});
        return;
      case 7:
        ask(core::sync_request{h});
        return;
      case 8:
        ask(core::set_attributes_request{h, {.mode = 0600, .link_target = "elsewhere", .user = {}}});
        return;
      case 9:
        ask(core::checkpoint_request{});
        return;
      case 10:
        ask(core::clean_request{1.0});
        return;
      case 11:
        ask(core::rename_request{.from = fmt::format("object-{:02}", object % 24),
                                 .to = fmt::format("object-{:02}", bytes % 30)});
        return;
      case 12:
        ask(core::remove_request{.name = fmt::format("object-{:02}", object % 24)});
        return;
      default:
        ask(core::create_request{{.name = fmt::format("object-{:02}", bytes % 40)}});
    }
  }

  const sim::image& image_;
  sim::sim_device device_;
  sim::sim_store store_{device_, image_.options, 2};
  bool opened_ = false;
  std::map<std::string, core::handle_id> handles_;
  std::vector<std::byte> memory_ = std::vector<std::byte>(transfer_bytes_max);
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t bytes) {
  fuzz::input in{data, bytes};
  const sim::image& from = image_of(in.number());
  zoned::memory_zones zones = *from.zones;
  {
    sim::forgery forged{zones};
    const auto count = in.number() % 6;
    for (int i = 0; i < count; ++i) {
      const auto index = in.number<std::uint16_t>() % forged.structures();
      const auto where = in.number<std::uint16_t>();
      const std::size_t offset = where % 4 == 0 ? where / 4U : forged.said(index, where / 4U);
      forged.forge(index, offset, in.bytes(in.number() % 16));
    }
  }
  session s{from, std::move(zones)};
  s.open();
  s.use(in);
  s.inspect();
  s.close();
  s.open();
  s.inspect();
  s.close();
  return 0;
}
