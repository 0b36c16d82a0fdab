// What the scenarios share: a store on a device that may be told to fail, a model of each object, and a watchdog.
#pragma once

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "furrow/engine/blocking.hpp"
#include "furrow/zoned/registry.hpp"

namespace furrow::scenarios {

using bytes = std::vector<std::byte>;
constexpr std::size_t page = 4096;

inline const char* now_running = "";
inline std::uint64_t now_round = 0;

[[noreturn]] inline void give_up(const std::string& why) {
  std::fprintf(stderr, "FAILED: %s, round %llu: %s\n", now_running, static_cast<unsigned long long>(now_round),
               why.c_str());
  std::_Exit(1);
}

/// Something moves at least so often, or the program ends and says where.
inline void alive(unsigned seconds = 120) {
  static const bool installed = [] {
    std::signal(SIGALRM, [](int) {
      std::fprintf(stderr, "FAILED: %s, round %llu: nothing moves (deadlock)\n", now_running,
                   static_cast<unsigned long long>(now_round));
      std::abort();
    });
    return true;
  }();
  static_cast<void>(installed);
  ::alarm(seconds);
}

inline void require(bool good, const char* what) {
  if (!good) give_up(what);
}
template <class T>
T good(outcome<T> o, const char* what) {
  if (!o) give_up(std::string(what) + ": " + o.error().what());
  return std::move(*o);
}

inline bytes random_bytes(std::mt19937_64& random, std::size_t n) {
  bytes to((n + 7) / 8 * 8);
  for (std::size_t i = 0; i < to.size(); i += 8) {
    const std::uint64_t x = random();
    std::memcpy(to.data() + i, &x, 8);
  }
  to.resize(n);
  return to;
}

/// Fails writes of data, which never come to the device, while it is told to.
class failing_device final : public zoned::device {
 public:
  failing_device(std::unique_ptr<zoned::device> d, std::shared_ptr<std::atomic<bool>> fails)
      : device_(std::move(d)), fails_(std::move(fails)) {}
  [[nodiscard]] const zoned::geometry& shape() const noexcept override { return device_->shape(); }
  [[nodiscard]] const zoned::guarantees& promises() const noexcept override { return device_->promises(); }
  [[nodiscard]] std::size_t submit(std::span<const zoned::command> all) override {
    std::size_t accepted = 0;
    for (const zoned::command& c : all) {
      const bool writes = c.op == zoned::opcode::append || c.op == zoned::opcode::write;
      if (*fails_ && writes && zoned::total_bytes(c.segments) >= 3 * page) {  // a group of the journal is shorter
        zoned::completion failed;
        failed.id = c.id;
        failed.error = zoned::errc::io;
        failed_.push_back(failed);
      } else if (device_->submit({&c, 1}) == 0) {
        break;
      }
      ++accepted;
    }
    return accepted;
  }
  [[nodiscard]] std::size_t reap(std::span<zoned::completion> out) override {
    std::size_t n = 0;
    for (; n < out.size() && !failed_.empty(); failed_.pop_back()) out[n++] = failed_.back();
    return n + device_->reap(out.subspan(n));
  }
  [[nodiscard]] int completion_fd() const noexcept override { return device_->completion_fd(); }
  void cancel(zoned::command_id id) noexcept override { device_->cancel(id); }
  [[nodiscard]] std::string name() const override { return device_->name(); }

 private:
  std::unique_ptr<zoned::device> device_;
  std::shared_ptr<std::atomic<bool>> fails_;
  std::vector<zoned::completion> failed_;
};

class world {
 public:
  world(const std::string& uri, std::uint64_t seed) : random(seed) {
    auto d = zoned::open(uri);
    if (!d) give_up(d.error().what);
    device_ = good(blocking_store::format(std::move(*d), {.force = true}), "format");
    open();
  }
  void open() {
    auto d = std::make_unique<failing_device>(std::move(device_), fails);
    store = good(blocking_store::open(std::move(d), {}), "open");
  }
  /// Closes and opens on the same device.
  void reopen() {
    device_ = good(store.close(), "close");
    open();
  }

  blocking_object fresh(const char* name) {
    static_cast<void>(store.remove(object_key(name)));
    return good(store.create({.name = name, .fail_if_exists = true}), "create");
  }
  blocking_object existing(const char* name) { return good(store.open_object(object_key(name)), "open_object"); }
  static void write(const blocking_object& o, std::uint64_t offset, const bytes& from) {
    static_cast<void>(good(o.write(offset, asio::buffer(from)), "write"));
  }
  static void write(const blocking_object& o, std::uint64_t offset, std::shared_ptr<source> from) {
    const std::uint64_t n = from->bytes();
    require(good(o.write(offset, std::move(from)), "write of a source").bytes == n, "a short write");
  }
  static bytes read(const blocking_object& o) {
    bytes to(good(o.stat(), "stat").bytes);
    if (!to.empty()) static_cast<void>(good(o.read(0, asio::buffer(to)), "read"));
    return to;
  }
  static void compare(const blocking_object& o, const bytes& model) {
    const bytes now = read(o);
    if (now.size() != model.size())
      give_up("the object has " + std::to_string(now.size()) + " bytes in place of " + std::to_string(model.size()));
    const auto at = std::mismatch(now.begin(), now.end(), model.begin()).first - now.begin();
    if (now != model) give_up("the object differs at byte " + std::to_string(at));
  }
  static std::shared_ptr<view> map(const blocking_object& o, std::uint64_t offset, std::uint64_t n,
                                   const map_options& how = {}) {
    return good(o.map(offset, n, how), "map");
  }
  statistics counters() const { return good(store.statistics_now(), "statistics"); }
  void check() const { require(good(store.check(true), "check").damage == 0, "the check found damage"); }

  std::mt19937_64 random;
  std::shared_ptr<std::atomic<bool>> fails = std::make_shared<std::atomic<bool>>(false);
  blocking_store store;

 private:
  std::unique_ptr<zoned::device> device_;
};

}  // namespace furrow::scenarios
