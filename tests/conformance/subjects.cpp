// The list of devices, and the bench.
#include "conformance/subjects.hpp"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace furrow::test {
namespace {

using namespace zoned;

std::string image_path() {
  static unsigned count = 0;
  return std::filesystem::temp_directory_path() /
         ("furrow_conformance_" + std::to_string(::getpid()) + "_" + std::to_string(++count) + ".img");
}

const char* const shapes[] = {
    "size=16M&zone_size=1M",
    "size=16M&zone_size=1M&block_size=512&appends_per_zone=1",
    "size=12M&zone_size=1M&zone_capacity=772K&append_max=64K&volatile_cache=1",
    "size=10M&zone_size=1M&conventional=3",
    "size=12M&zone_size=1M&max_open=3&max_active=5&block_size=512&zone_capacity=900K",
    "size=9000K&zone_size=700K&append_max=32K&conventional=1&max_active=4",
};

std::string path_of(const subject& s) {
  return s.uri.starts_with("file:") ? s.uri.substr(5, s.uri.find('?') - 5) : std::string{};
}

}  // namespace

std::vector<subject> all_subjects() {
  const char* const named = std::getenv("FURROW_TEST_DEVICE");
  if (named != nullptr && *named != '\0') {
    const char* const destroy = std::getenv("FURROW_TEST_DEVICE_DESTROY");
    if (destroy == nullptr || std::string{destroy} != "1") {
      throw std::runtime_error{"all data on FURROW_TEST_DEVICE is lost; say FURROW_TEST_DEVICE_DESTROY=1 to go on"};
    }
    return {{.uri = named, .persists = true, .is_real = true}};
  }
  std::vector<subject> all;
  for (const std::string shape : shapes) {
    all.push_back({.uri = "memory:?" + shape, .persists = false, .is_real = false});
    all.push_back({.uri = "memory:?" + shape + "&native_append=0", .persists = false, .is_real = false});
    all.push_back({.uri = "file:" + image_path() + "?" + shape, .persists = true, .is_real = false});
  }
  if (const char* const chosen = std::getenv("FURROW_TEST_SUBJECT"); chosen != nullptr) {
    const std::size_t index = std::strtoul(chosen, nullptr, 10);
    if (index >= all.size()) {
      std::printf("skipped: there are %zu subjects\n", all.size());
      std::exit(77);
    }
    return {all[index]};
  }
  return all;
}

void skip(const bench& b, const std::string& why) { MESSAGE("skipped on " << b.what().uri << ": " << why); }

bench::bench(subject s) : subject_{std::move(s)} {
  open({});
  for (const zone_info& zone : client_->report({0}, shape().zone_count)) {
    if (zone.type == zone_type::conventional) {
      conventional_.push_back(zone);
      continue;
    }
    sequential_.push_back(zone);
    if (zone.condition != zone_condition::empty) {
      REQUIRE(client_->manage(opcode::reset, zone.index).error == error_code{});
    }
  }
  REQUIRE(sequential_.size() >= 4);
}

bench::~bench() {
  close();
  if (!subject_.is_real && subject_.persists) std::filesystem::remove(path_of(subject_));
}

void bench::open(const open_options& options) {
  auto opened = zoned::open(subject_.uri, options);
  if (!opened) throw std::runtime_error{opened.error().what};
  device_ = std::move(*opened);
  client_ = std::make_unique<zoned_client>(*device_);
}

void bench::close() {
  client_.reset();
  device_.reset();
}

void bench::reopen(const open_options& options) {
  close();
  open(options);
}

std::size_t bench::active_zones(std::size_t wanted) const {
  std::size_t limit = shape().active_max.value_or(UINT32_MAX);
  // Some drivers (null_blk) reopen no closed zone while as many as may be are active, though they could close another.
  if (subject_.is_real) limit = std::min<std::size_t>(limit, shape().open_max.value_or(UINT32_MAX));
  return std::min({wanted, limit, sequential_.size()});
}

void bench::fill(zone_index zone, std::uint64_t bytes, std::uint64_t seed) {
  std::uint64_t at = 0;
  while (at < bytes) {
    const aligned_bytes from{std::min(bytes - at, promises().append_bytes_max)};
    fill_pattern(from.span(), seed, at);
    const completion c = client_->append(zone, from);
    REQUIRE(c.error == error_code{});
    REQUIRE(c.at == place{zone, at});
    REQUIRE(c.bytes > 0);
    REQUIRE(c.bytes <= from.size());
    at += c.bytes;
  }
}

bool bench::is_filled(zone_index zone, std::uint64_t bytes, std::uint64_t seed) {
  for (std::uint64_t at = 0; at < bytes;) {
    const aligned_bytes to{std::min(bytes - at, promises().transfer_bytes_max)};
    const completion c = client_->read({zone, at}, to);
    if (c.error || c.bytes != to.size() || !has_pattern(to.span(), seed, at)) return false;
    at += to.size();
  }
  return true;
}

void on_each_device(const std::function<void(bench&)>& body) {
  for (const subject& s : all_subjects()) {
    INFO("device ", s.uri);
    bench b{s};
    body(b);
    REQUIRE(b.client().in_flight() == 0);
  }
}

}  // namespace furrow::test
