// From the kernel's description of a queue to promises: a table of folders as different drivers fill them.
#include "zbd/queue_limits.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

using namespace furrow::zoned;
namespace fs = std::filesystem;

namespace {

/// A folder with one file for each entry.
class folder {
 public:
  explicit folder(const std::map<std::string, std::string>& files)
      : path_{fs::temp_directory_path() / ("furrow_queue_" + std::to_string(::getpid()))} {
    fs::create_directory(path_);
    for (const auto& [name, text] : files) std::ofstream{path_ / name} << text << '\n';
  }
  ~folder() { fs::remove_all(path_); }
  folder(const folder&) = delete;
  folder& operator=(const folder&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

struct row {
  std::string description;
  std::map<std::string, std::string> files;
  std::uint32_t lba_bytes;
  bool volatile_cache;
  std::uint64_t append_bytes_max;
  std::uint64_t transfer_bytes_max;
  std::uint32_t segments_max;
  std::uint32_t memory_alignment_bytes;
};

constexpr std::uint64_t k = 1024;

const row rows[] = {
    {"null_blk",
     {{"write_cache", "write through"}, {"max_sectors_kb", "127"}, {"max_segments", "128"}, {"dma_alignment", "511"}},
     512,
     false,
     124 * k,
     1024 * k,
     128,
     512},
    {"NVMe bounded by its segments",
     {{"write_cache", "write back"}, {"max_sectors_kb", "512"}, {"max_segments", "33"}, {"dma_alignment", "3"}},
     4096,
     true,
     128 * k,
     1024 * k,
     33,
     4096},
    {"null_blk whose blocks are larger than its alignment",
     {{"write_cache", "write through"}, {"max_sectors_kb", "124"}, {"max_segments", "128"}, {"dma_alignment", "511"}},
     4096,
     false,
     124 * k,
     1024 * k,
     128,
     4096},
    {"pages without gaps",
     {{"write_cache", "write back"},
      {"max_sectors_kb", "512"},
      {"max_segments", "33"},
      {"dma_alignment", "3"},
      {"virt_boundary_mask", "4095"}},
     512,
     true,
     128 * k,
     1024 * k,
     33,
     4096},
    {"large requests",
     {{"write_cache", "write back"}, {"max_sectors_kb", "4096"}, {"max_segments", "2048"}, {"dma_alignment", "3"}},
     4096,
     true,
     4096 * k,
     4096 * k,
     1024,
     4096},
    {"an older kernel without dma_alignment",
     {{"write_cache", "write through"}, {"max_sectors_kb", "1280"}, {"max_segments", "168"}},
     512,
     false,
     668 * k,
     1024 * k,
     168,
     512},
    {"an odd mask",
     {{"write_cache", "write back"}, {"max_sectors_kb", "512"}, {"max_segments", "128"}, {"dma_alignment", "700"}},
     512,
     true,
     508 * k,
     1024 * k,
     128,
     1024},
    {"a mask wider than a block",
     {{"write_cache", "write back"}, {"max_sectors_kb", "512"}, {"max_segments", "128"}, {"dma_alignment", "4095"}},
     512,
     true,
     508 * k,
     1024 * k,
     128,
     4096},
    {"a single segment",
     {{"write_cache", "write back"}, {"max_sectors_kb", "512"}, {"max_segments", "1"}, {"dma_alignment", "3"}},
     512,
     true,
     4 * k,
     1024 * k,
     1,
     512},
    {"nonsense counts as unknown",
     {{"write_cache", ""}, {"max_sectors_kb", "x"}, {"max_segments", "0"}, {"dma_alignment", "-1"}},
     4096,
     true,
     128 * k,
     1024 * k,
     256,
     4096},
    {"nothing known: the cache may be volatile", {}, 512, true, 128 * k, 1024 * k, 256, 512},
};

}  // namespace

TEST_CASE("the promises follow from the queue") {
  for (const row& r : rows) {
    CAPTURE(r.description);
    const folder queue{r.files};
    const guarantees p = read_queue_limits(queue.path(), r.lba_bytes);
    CHECK(p.volatile_cache == r.volatile_cache);
    CHECK_FALSE(p.native_append);
    CHECK(p.appends_per_zone_max == 1);
    CHECK(p.append_bytes_max == r.append_bytes_max);
    CHECK(p.transfer_bytes_max == r.transfer_bytes_max);
    CHECK(p.segments_max == r.segments_max);
    CHECK(p.memory_alignment_bytes == r.memory_alignment_bytes);
  }
}

TEST_CASE("no more is in flight than the queue has requests for, but for the smallest queues") {
  struct {
    const char* requests;
    std::uint32_t in_flight_max;
  } const rows_of_requests[] = {{"64", 64},   {"32", 32},    {"31", 32}, {"1", 32},
                                {"256", 256}, {"1023", 256}, {"0", 256}, {"?", 256}};
  for (const auto& r : rows_of_requests) {
    CAPTURE(r.requests);
    const folder queue{{{"nr_requests", r.requests}}};
    CHECK(read_queue_limits(queue.path(), 4096).in_flight_max == r.in_flight_max);
  }
}

TEST_CASE("who keeps the order of writes follows from the kernel and its scheduler") {
  struct {
    const char* release;
    const char* schedulers;
    kept_order expected;
  } const cases[] = {
      {"6.1.0-56-amd64", "none [mq-deadline]", kept_order::scheduler},
      {"6.1.0-56-amd64", "[none] mq-deadline", kept_order::nobody},
      {"6.1.0-56-amd64", "[mq-deadline-x]", kept_order::nobody},
      {"6.9.12", "mq-deadline kyber [bfq] none", kept_order::nobody},
      {"6.10.0", "[none] mq-deadline", kept_order::zone_plugs},
      {"6.12.117+deb12-amd64", "", kept_order::zone_plugs},
      {"7.0", "[none]", kept_order::zone_plugs},
      {"10.1", "[none]", kept_order::zone_plugs},
      {"5.15.0", "[mq-deadline] none", kept_order::scheduler},
      {"6", "[none]", kept_order::nobody},
      {"", "[none]", kept_order::nobody},
      {"nonsense", "[mq-deadline]", kept_order::scheduler},
  };
  for (const auto& c : cases) {
    CAPTURE(c.release);
    CAPTURE(c.schedulers);
    const folder queue{{{"scheduler", c.schedulers}}};
    CHECK(read_kept_order(queue.path(), c.release) == c.expected);
  }
  CHECK_FALSE(kernel_release().empty());
}

TEST_CASE("what is no block device has no queue") { CHECK(queue_folder(-1).empty()); }
