// Zone images: creating, agreeing, sharing, damage of each kind, and what is taken back after an unclean end.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "file/image.hpp"
#include "file/image_header.hpp"
#include "furrow/zoned/registry.hpp"
#include "support/zoned_client.hpp"

using namespace furrow::zoned;
using furrow::error_code;
using furrow::test::aligned_bytes;
using furrow::test::zoned_client;
using enum zone_condition;
namespace fs = std::filesystem;

namespace {

constexpr error_code ok{};
constexpr std::uint64_t block = 4096;

class image_file {
 public:
  image_file() : path_{fs::temp_directory_path() / ("furrow_image_" + std::to_string(::getpid()) + ".img")} {
    fs::remove(path_);
  }
  ~image_file() { fs::remove(path_); }
  image_file(const image_file&) = delete;
  image_file& operator=(const image_file&) = delete;

  [[nodiscard]] const fs::path& path() const { return path_; }
  [[nodiscard]] std::string uri(const std::string& parameters = {}) const {
    return "file:" + path_.string() + (parameters.empty() ? "" : "?" + parameters);
  }
  [[nodiscard]] failure refusal(const std::string& parameters = {}, bool read_only = false) const {
    const open_result opened = open(uri(parameters), {.read_only = read_only});
    REQUIRE(opened.has_error());
    CHECK(opened.error().what.find(path_.string()) != std::string::npos);
    return opened.error();
  }
  void poke(std::uint64_t at, std::span<const std::byte> bytes) const {
    const int fd = ::open(path_.c_str(), O_RDWR | O_CLOEXEC);
    REQUIRE(fd >= 0);
    REQUIRE(::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(bytes.size()));
    ::close(fd);
  }
  template <class T>
  void poke_value(std::uint64_t at, T value) const {
    poke(at, std::as_bytes(std::span{&value, 1}));
  }
  [[nodiscard]] std::byte peek(std::uint64_t at) const {
    std::ifstream in{path_, std::ios::binary};
    in.seekg(static_cast<std::streamoff>(at));
    return static_cast<std::byte>(in.get());
  }
  /// Makes the file look as if the process had ended without closing.
  void mark_interrupted() const { poke_value<std::uint64_t>(image_session_offset, 1); }
  void set_words(std::uint32_t zone, zone_word state, zone_word flushed) const {
    poke_value(image_header_bytes + 16 * zone, state.raw());
    poke_value(image_header_bytes + 16 * zone + 8, flushed.raw());
  }

 private:
  fs::path path_;
};

constexpr const char* small = "size=8M&zone_size=1M&zone_capacity=512K&conventional=1";

std::unique_ptr<device> must_open(const std::string& uri, bool read_only = false) {
  auto opened = open(uri, {.read_only = read_only});
  if (!opened) FAIL(opened.error().what);
  return std::move(*opened);
}

bool mentions(const failure& f, std::string_view word) { return f.what.find(word) != std::string::npos; }

}  // namespace

TEST_CASE("an image is created when parameters say how, and only then") {
  const image_file file;
  CHECK(file.refusal().code == boost::system::errc::no_such_file_or_directory);
  CHECK(mentions(file.refusal(), "size="));
  CHECK(file.refusal(small, true).code == boost::system::errc::no_such_file_or_directory);
  CHECK_FALSE(fs::exists(file.path()));
  const geometry shape = must_open(file.uri(small))->shape();
  CHECK(must_open(file.uri())->shape() == shape);
  CHECK(must_open(file.uri(small))->shape() == shape);
  CHECK(must_open(file.uri("zone_size=1024K"))->shape() == shape);
}

TEST_CASE("parameters that disagree with the image are named") {
  const image_file file;
  must_open(file.uri(small));
  const failure f = file.refusal("size=8M&zone_size=2M");
  CHECK(f.code == errc::bad_uri);
  CHECK(mentions(f, "zone_size is 1M in the image, not 2M"));
}

TEST_CASE("an image takes hardly any room until it is written, and gives it back at reset") {
  const image_file file;
  const auto d = must_open(file.uri("size=1T&zone_size=256M"));
  const auto blocks = [&] {
    struct ::stat status {};
    REQUIRE(::stat(file.path().c_str(), &status) == 0);
    return static_cast<std::uint64_t>(status.st_blocks) * 512;
  };
  const std::uint64_t fresh = blocks();
  CHECK(fresh < 256 << 10);
  zoned_client client{*d};
  for (int i = 0; i < 32; ++i) REQUIRE(client.append_pattern({9}, 128 << 10, 1).error == ok);
  REQUIRE(client.flush().error == ok);
  CHECK(blocks() >= fresh + (4 << 20));
  REQUIRE(client.manage(opcode::reset, {9}).error == ok);
  CHECK(blocks() < fresh + (64 << 10));
}

TEST_CASE("one writer or several readers have an image open") {
  const image_file file;
  auto writer = must_open(file.uri(small));
  CHECK(file.refusal().code == errc::in_use);
  CHECK(file.refusal({}, true).code == errc::in_use);
  writer.reset();
  const auto reader = must_open(file.uri(), true);
  const auto another = must_open(file.uri(), true);
  CHECK(file.refusal().code == errc::in_use);
}

TEST_CASE("every byte of the header counts") {
  const image_file file;
  must_open(file.uri(small));
  for (std::uint64_t at = 0; at < image_session_offset; ++at) {
    CAPTURE(at);
    const std::byte original = file.peek(at);
    file.poke_value(at, original ^ std::byte{0x10});
    CHECK(file.refusal().code == errc::bad_image);
    file.poke_value(at, original);
  }
  CHECK(must_open(file.uri()) != nullptr);
}

TEST_CASE("damage is told apart") {
  const image_file file;
  must_open(file.uri(small));
  const auto whole = fs::file_size(file.path());
  fs::resize_file(file.path(), whole - 1);
  CHECK(mentions(file.refusal(), "cut off"));
  CHECK(file.refusal().code == errc::bad_image);
  fs::resize_file(file.path(), 1000);
  CHECK(mentions(file.refusal(), "shorter than a header"));
  std::ofstream{file.path(), std::ios::binary | std::ios::trunc} << std::string(100'000, 'x');
  CHECK(mentions(file.refusal(), "mark of a zone image"));
  CHECK(mentions(file.refusal(small), "mark of a zone image"));
  fs::remove(file.path());
  fs::create_directory(file.path());
  CHECK(file.refusal({}, true).code == errc::bad_image);
}

TEST_CASE("an image whose creation was cut off after the header is completed") {
  const image_file file;
  must_open(file.uri(small));
  const auto whole = fs::file_size(file.path());
  fs::resize_file(file.path(), image_header_bytes);
  CHECK(file.refusal({}, true).code == errc::bad_image);
  CHECK(must_open(file.uri())->shape().zone_count == 8);
  CHECK(fs::file_size(file.path()) == whole);
}

TEST_CASE("an impossible zone state is found, and named") {
  const image_file file;
  must_open(file.uri(small));
  const std::uint64_t capacity = 512 << 10;
  struct row {
    std::uint32_t zone;
    zone_word word;
  };
  const row rows[] = {
      {3, {empty, block}},
      {3, {closed, 0}},
      {3, {closed, capacity}},
      {3, {full, capacity - block}},
      {3, {full, capacity + 1}},
      {3, {implicit_open, 512}},
      {3, {explicit_open, 0}},
      {3, {not_write_pointer, 0}},
      {3, {read_only, 1 << 20}},
      {0, {empty, 0}},
      {0, {not_write_pointer, 512}},
      {7, zone_word::from_raw(~0ULL)},
      {3, {closed, 100}},
  };
  for (const row& r : rows) {
    CAPTURE(r.word.raw());
    const zone_word good = r.zone == 0 ? zone_word{not_write_pointer, 0} : zone_word{};
    for (const bool in_state : {true, false}) {
      file.set_words(r.zone, in_state ? r.word : good, in_state ? good : r.word);
      const failure f = file.refusal();
      CHECK(f.code == errc::bad_image);
      CHECK(mentions(f, "zone " + std::to_string(r.zone)));
    }
    file.set_words(r.zone, good, good);
  }
  CHECK(must_open(file.uri()) != nullptr);
}

TEST_CASE("a damaged image is left as it was") {
  const image_file file;
  must_open(file.uri(small));
  file.mark_interrupted();
  file.set_words(3, {full, 7}, {});
  CHECK(file.refusal().code == errc::bad_image);
  CHECK(file.peek(image_session_offset) == std::byte{1});
}

TEST_CASE("read-only and offline zones come back as they are") {
  const image_file file;
  must_open(file.uri(small));
  file.set_words(2, {read_only, block}, {});
  file.set_words(3, {offline, 0}, {});
  const auto d = must_open(file.uri());
  zoned_client client{*d};
  CHECK(client.append_pattern({2}, block, 1).error == errc::zone_read_only);
  CHECK(client.manage(opcode::reset, {3}).error == errc::zone_offline);
  const aligned_bytes to{block};
  CHECK(client.read({{2}, 0}, to).error == ok);
  CHECK(client.read({{3}, 0}, to).error == errc::zone_offline);
}

TEST_CASE("after an end without closing, only a volatile cache loses what was not flushed") {
  for (const bool is_volatile : {false, true}) {
    CAPTURE(is_volatile);
    const image_file file;
    {
      const auto d = must_open(file.uri(std::string{small} + (is_volatile ? "&volatile_cache=1" : "")));
      zoned_client client{*d};
      REQUIRE(client.append_pattern({1}, block, 1).error == ok);
      REQUIRE(client.manage(opcode::finish, {2}).error == ok);
      REQUIRE(client.append_pattern({3}, block, 3).error == ok);
      REQUIRE(client.flush().error == ok);
      REQUIRE(client.append_pattern({1}, 2 * block, 2).error == ok);
      REQUIRE(client.manage(opcode::reset, {3}).error == ok);
      REQUIRE(client.append_pattern({3}, block, 4).error == ok);
      REQUIRE(client.append_pattern({4}, block, 5).error == ok);
      REQUIRE(client.manage(opcode::finish, {5}).error == ok);
    }
    file.mark_interrupted();
    for (const bool reading : {true, false}) {
      CAPTURE(reading);
      const auto d = must_open(file.uri(), reading);
      zoned_client client{*d};
      const auto zone = [&](std::uint32_t i) { return client.zone({i}); };
      CHECK(zone(1).condition == closed);
      CHECK(zone(1).write_pointer_bytes == (is_volatile ? block : 3 * block));
      CHECK(zone(2).condition == full);
      CHECK(zone(3).condition == (is_volatile ? empty : closed));
      CHECK(zone(4).condition == (is_volatile ? empty : closed));
      CHECK(zone(5).condition == (is_volatile ? empty : full));
      CHECK(client.reads_pattern({{1}, 0}, block, 1));
    }
    const auto d = must_open(file.uri());
    zoned_client client{*d};
    CHECK(client.zone({1}).write_pointer_bytes == (is_volatile ? block : 3 * block));
    REQUIRE(client.append_pattern({1}, block, 6).error == ok);
    CHECK(client.reads_pattern({{1}, is_volatile ? block : 3 * block}, block, 6));
  }
}

TEST_CASE("a clean end loses nothing, volatile cache or not") {
  const image_file file;
  {
    const auto d = must_open(file.uri(std::string{small} + "&volatile_cache=1"));
    zoned_client client{*d};
    REQUIRE(client.append_pattern({1}, block, 1).error == ok);
    REQUIRE(client.manage(opcode::finish, {2}).error == ok);
  }
  const auto d = must_open(file.uri());
  zoned_client client{*d};
  CHECK(client.zone({1}).write_pointer_bytes == block);
  CHECK(client.zone({2}).condition == full);
  CHECK(client.reads_pattern({{1}, 0}, block, 1));
}

TEST_CASE("closing with commands in flight waits for them") {
  const image_file file;
  const aligned_bytes memory{64 << 10};
  furrow::test::fill_pattern(memory.span(), 1);
  const segment piece = memory.segment();
  {
    const auto d = must_open(file.uri(small));
    std::vector<command> commands;
    for (std::uint64_t i = 0; i < 8; ++i) {
      commands.push_back(
          {.id = {i}, .op = opcode::append, .zone = {1}, .offset_bytes = 0, .segments = {&piece, 1}, .zones = {}});
    }
    REQUIRE(d->submit(commands) == commands.size());
  }
  const auto d = must_open(file.uri());
  zoned_client client{*d};
  CHECK(client.zone({1}).condition == full);
  for (std::uint64_t i = 0; i < 8; ++i) CHECK(client.reads_pattern({{1}, i * (64 << 10)}, 64 << 10, 1));
}
