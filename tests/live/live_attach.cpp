// A store on a real device, written by one process and read by others beside it (store_options::live).
//
//   live_attach URI SECONDS            formats the device, writes, and reads beside it; its data are lost
//   live_attach URI SECONDS --write    the writer alone; a line on standard output says when every object is there
//
// The writer replaces whole objects, half of them in place and half by name, and removes and makes others. Two readers attach,
// read all objects, check and attach again. Each object that is read is to be whole, of a version that was begun, and not
// older than the last that was durable when the reader attached; else the store is to say that it has moved on.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <vector>

#include "furrow/engine/blocking.hpp"
#include "furrow/zoned/registry.hpp"

namespace {

using namespace furrow;
using clock_type = std::chrono::steady_clock;

constexpr std::size_t objects = 16;
constexpr std::uint64_t block = 4096;

/// Between the processes.
struct versions {
  std::array<std::atomic<std::uint64_t>, objects> begun{}, durable{};
  std::atomic<std::uint64_t> attaches{0}, refused{0}, read{0}, moved_on{0}, checks{0};
};

[[noreturn]] void fail(const std::string& why) {
  std::fprintf(stderr, "live_attach: %s\n", why.c_str());
  std::_Exit(1);
}

template <class T>
T must(outcome<T> from, const char* what) {
  if (!from) fail(std::string{what} + ": " + from.error().code.message() + " " + from.error().detail.what);
  return std::move(*from);
}

std::string name_of(std::size_t object) { return "object-" + std::to_string(object); }
bool in_place(std::size_t object) { return object % 2 == 1; }
std::uint64_t bytes_of(std::size_t object, std::uint64_t version) {
  return in_place(object) ? (object + 1) * 16 * block : 1 + (object * 7919 + version * 104'729) % (128 * block);
}
/// Every byte tells object, version and place.
std::vector<std::byte> content(std::size_t object, std::uint64_t version) {
  std::vector<std::byte> bytes(bytes_of(object, version));
  std::mt19937_64 random{object << 48 ^ version};
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    const std::uint64_t word = random();
    std::memcpy(bytes.data() + at, &word, std::min<std::size_t>(8, bytes.size() - at));
  }
  return bytes;
}

store::device_pointer device_of(const std::string& uri, const zoned::open_options& options) {
  auto opened = zoned::open(uri, options);
  if (!opened) fail(opened.error().what.empty() ? opened.error().code.message() : opened.error().what);
  return std::move(*opened);
}

void replace(const blocking_store& store, std::size_t object, versions& v) {
  const std::uint64_t version = v.begun[object] + 1;
  const std::vector<std::byte> bytes = content(object, version);
  const bool fresh = !in_place(object) || version == 1;
  const std::string name = fresh ? "new" : name_of(object);
  const blocking_object to = must(store.create({.name = name}), "create");
  if (fresh) {
    must(to.append(asio::buffer(bytes), {}), "append");
    v.begun[object] = version;
    must(store.rename(object_key{"new"}, name_of(object)), "rename");
  } else {
    v.begun[object] = version;
    must(to.write(0, asio::buffer(bytes)), "write");
  }
  must(store.sync(), "sync");
  v.durable[object] = version;
}

void write_for(const std::string& uri, clock_type::time_point end, versions& v, bool tells) {
  const blocking_store store = must(blocking_store::open(device_of(uri, {}), {}), "open");
  std::mt19937 random{4711};
  for (std::size_t object = 0; object < objects; ++object) replace(store, object, v);
  if (tells) {
    std::puts("written");
    std::fflush(stdout);
  }
  for (std::uint64_t turn = 0; clock_type::now() < end; ++turn) {
    replace(store, random() % objects, v);
    if (turn % 16 == 0) must(store.clean(0.5), "clean");
  }
  must(store.close(), "close");
}

/// False: the store has moved on.
template <class T>
bool goes_on(const outcome<T>& from, const char* what, versions& v) {
  if (from) return true;
  if (from.error().code != errc::moved_on)
    fail(std::string{"a reader's "} + what + ": " + from.error().code.message() + " " + from.error().detail.what);
  ++v.moved_on;
  return false;
}

bool is_of(const std::vector<std::byte>& bytes, std::size_t object, std::uint64_t from, std::uint64_t to) {
  for (std::uint64_t version = from; version <= to; ++version)
    if (bytes.size() == bytes_of(object, version) && bytes == content(object, version)) return true;
  return false;
}

void read_objects(const blocking_store& store, const std::array<std::uint64_t, objects>& least, versions& v) {
  for (std::size_t object = 0; object < objects; ++object) {
    const auto from = store.open_object(object_key{name_of(object)});
    if (!from && from.error().code == errc::not_found && least[object] == 0) continue;
    if (!goes_on(from, "open of an object", v)) return;
    const auto status = from->stat();
    if (!goes_on(status, "stat", v)) return;
    std::vector<std::byte> bytes(status->bytes);
    if (!goes_on(from->read(0, asio::buffer(bytes)), "read", v)) return;
    if (!is_of(bytes, object, std::max<std::uint64_t>(least[object], 1), v.begun[object]))
      fail(name_of(object) + " was read as no version of it from " + std::to_string(least[object]) + " to " +
           std::to_string(v.begun[object]));
    ++v.read;
  }
}

/// What it finds of pages that it can read is of one point, and sound.
void check(const blocking_store& store, versions& v) {
  const auto checked = store.check(false);
  if (!goes_on(checked, "check", v)) return;
  for (const check_finding& f : checked->findings) fail("a reader's check finds: " + f.what);
  ++v.checks;
}

void read_for(const std::string& uri, clock_type::time_point end, versions& v) {
  store_options options;
  options.read_only = options.live = true;
  for (std::uint64_t turn = 0; clock_type::now() < end; ++turn) {
    std::array<std::uint64_t, objects> least{};
    for (std::size_t object = 0; object < objects; ++object) least[object] = v.durable[object];
    const auto opened = blocking_store::open(device_of(uri, {.read_only = true, .beside_writer = true}), options);
    ++v.attaches;
    if (!goes_on(opened, "open", v)) {
      ++v.refused;
      continue;
    }
    if (turn % 4 == 0) check(*opened, v);
    read_objects(*opened, least, v);
    static_cast<void>(must(opened->close(), "close"));
  }
}

template <class Call>
pid_t in_process(Call call) {
  const pid_t child = ::fork();
  if (child < 0) fail("fork");
  if (child > 0) return child;
  call();
  std::fflush(stdout);
  std::_Exit(0);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) fail("live_attach URI SECONDS [--write]");
  const std::string uri = arguments[1];
  const bool writes_only = count > 3 && std::strcmp(arguments[3], "--write") == 0;
  const auto end = clock_type::now() + std::chrono::seconds{std::atoi(arguments[2])};
  void* const shared = ::mmap(nullptr, sizeof(versions), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) fail("mmap");
  versions& v = *new (shared) versions;
  const pid_t formatting =
      in_process([&] { must(blocking_store::format(device_of(uri, {}), {.force = true}), "format"); });
  int status = 0;
  if (::waitpid(formatting, &status, 0) != formatting || status != 0) return 1;
  const std::string known = uri.substr(0, uri.find('?'));
  if (writes_only) {
    write_for(known, end, v, true);
    return 0;
  }
  std::vector<pid_t> children{in_process([&] { write_for(known, end, v, false); })};
  for (int i = 0; i < 2; ++i) children.push_back(in_process([&] { read_for(known, end, v); }));
  bool good = true;
  for (const pid_t child : children) good &= ::waitpid(child, &status, 0) == child && status == 0;
  std::uint64_t replaced = 0;
  for (const auto& d : v.durable) replaced += d;
  std::printf("%llu replaced; %llu attaches, %llu refused; %llu objects read, %llu times moved on, %llu checks\n",
              static_cast<unsigned long long>(replaced), static_cast<unsigned long long>(v.attaches),
              static_cast<unsigned long long>(v.refused), static_cast<unsigned long long>(v.read),
              static_cast<unsigned long long>(v.moved_on), static_cast<unsigned long long>(v.checks));
  if (v.read < 50) fail("hardly anything was read");
  return good ? 0 : 1;
}
