// An object of a store, through the blocking calls.
#include <cstdint>
#include <string>
#include <utility>

#include "furrow/session.hpp"
#include "furrow_full/place.hpp"

namespace furrow::full {

namespace {

constexpr const char* object_name = "full";

template <class T>
ending ending_of(const outcome<T>& from) {
  if (from) return {};
  return {from.error().code, from.error().what(), from.error().code == errc::no_space};
}

class store_place final : public place {
 public:
  store_place(const std::string& uri, bool force) : uri_{uri} {
    auto device = cli::open_device(uri, cli::access::read_write);
    device_bytes_ = device->shape().bytes();
    open(cli::take(blocking_store::format(std::move(device), {.force = force}), uri));
    capacity_bytes_ = cli::take(store_.info(), uri).capacity_bytes;
    object_ = cli::take(store_.create({.name = object_name}), uri);
  }
  ~store_place() override {
    object_ = {};
    static_cast<void>(store_.close());
  }

  [[nodiscard]] std::string name() const override { return "furrow on " + uri_; }
  [[nodiscard]] std::uint64_t capacity_bytes() const override { return capacity_bytes_; }
  [[nodiscard]] std::uint64_t device_bytes() const override { return device_bytes_; }

  ending put(std::uint64_t offset_bytes, std::span<const std::byte> from) override {
    return ending_of(object_.write(offset_bytes, asio::buffer(from.data(), from.size())));
  }
  ending get(std::uint64_t offset_bytes, std::span<std::byte> to) override {
    return ending_of(object_.read(offset_bytes, asio::buffer(to.data(), to.size())));
  }
  ending sync() override { return ending_of(store_.sync()); }

  void reopen() override {
    object_ = {};
    open(cli::take(store_.close(), uri_));
    object_ = cli::take(store_.open_object(object_name), uri_);
  }

  [[nodiscard]] std::uint64_t written_bytes() const override {
    const statistics s = cli::take(store_.statistics_now(), uri_);
    return s.data_bytes + s.journal_bytes + s.page_bytes + s.superblock_bytes + s.zone_header_bytes;
  }
  [[nodiscard]] nlohmann::ordered_json told() const override {
    const statistics s = cli::take(store_.statistics_now(), uri_);
    return {{"data_bytes", s.data_bytes},
            {"journal_bytes", s.journal_bytes},
            {"page_bytes", s.page_bytes},
            {"live_bytes", s.live_bytes},
            {"dead_bytes", s.dead_bytes},
            {"metadata_bytes", s.metadata_bytes},
            {"free_bytes", s.free_bytes},
            {"reserved_bytes", s.reserved_bytes},
            {"zones_cleaned", s.zones_cleaned},
            {"zone_resets", s.zone_resets},
            {"zone_finishes", s.zone_finishes},
            {"checkpoints", s.checkpoints},
            {"moved_blocks", s.cleaner_blocks_moved}};
  }

 private:
  void open(store::device_pointer device) { store_ = cli::take(blocking_store::open(std::move(device), {}), uri_); }

  std::string uri_;
  std::uint64_t device_bytes_ = 0;
  std::uint64_t capacity_bytes_ = 0;
  blocking_store store_;
  blocking_object object_;
};

}  // namespace

std::unique_ptr<place> make_store_place(const std::string& uri, bool force) {
  return std::make_unique<store_place>(uri, force);
}

}  // namespace furrow::full
