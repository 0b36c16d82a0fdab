// What metadata cost as extents grow many: memory for each extent, page bytes written for each byte of journal while
// extents are written over at random, and processor time of an open. The engine's own core, on a device that forgets data.
//
// Extents of 1 to 31 blocks, 64 KiB in the mean, lie in 1,000 objects and were written in such an order that no two are one.
// A share of them is then written over at random until three checkpoints have ended, and on until the journal is nearly as
// long as it was before the longest of these: then the process ends, and the store is opened. Prints a line of JSON a share:
//
//   memory_*               bytes of the process, but for the device's, an extent: after the writing (filled), after a
//                          checkpoint (at_rest), after an open, when of the pages none but those of the index is in memory
//                          (opened), and after the three checkpoints (churned)
//   page_bytes_of_journal  written in these, of a copy
//   open_at_rest_s         processor time of an open with nothing to replay, but for the device's copying
//   open_s                 the same with a journal of journal_live_bytes, of open_records records; both the least of three
//
// Not here: bounds (metadata_scale_test.py).
#include <fmt/format.h>
#include <malloc.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "furrow_wa/cpu_time.hpp"
#include "furrow_wa/measured_store.hpp"
#include "furrow_wa/program.hpp"
#include "furrow_wa/trace.hpp"

namespace {

using namespace furrow;
using namespace furrow::wa;

constexpr std::uint32_t zone_blocks = 65536;
constexpr std::uint32_t objects = 1000;
constexpr std::uint32_t stride_blocks = 32;  // an extent begins at each
constexpr std::uint32_t mean_blocks = 16;
constexpr std::uint32_t checkpoints = 3;

std::size_t heap_bytes() {
  const auto m = ::mallinfo2();
  return m.uordblks + m.hblkhd;
}

/// So many that nothing has to be cleaned: three checkpoints' worth of new blocks fit beside the old.
payload_free_device::plan plan_of(std::uint64_t extents) {
  const std::uint64_t live_zones = extents * mean_blocks / zone_blocks + 1;
  const std::uint64_t metadata_zones = 24 + extents / 1'000'000;  // all metadata must fit these: others forget
  return {zone_blocks, static_cast<std::uint32_t>(metadata_zones), static_cast<std::uint32_t>(live_zones * 4 + 600)};
}

struct arguments {
  std::uint32_t extents = 0;
  std::vector<double> hot_shares{1};
  std::uint32_t page_cache_mib = 64;
  bool no_checksums = false;
};

class scale {
 public:
  explicit scale(const arguments& a)
      : extents_{a.extents - a.extents % objects},
        store_{plan_of(a.extents),
               {.force = false, .page_copies = 1, .checksums = !a.no_checksums},
               {.page_cache_bytes = std::uint64_t{a.page_cache_mib} << 20}} {
    open_objects();
  }

  void fill() {
    // An odd step that is prime to the count visits each once, and neighbours in time are in other objects.
    const std::uint64_t step = 7919;
    for (std::uint64_t i = 0, at = 0; i < extents_; ++i, at = (at + step) % extents_) write(at);
  }

  /// From now on so many are written over.
  void heat(double share) {
    hot_ = std::max<std::uint32_t>(1, static_cast<std::uint32_t>(static_cast<double>(extents_) * share));
    written_ = journal_bytes_most_ = 0;
  }
  /// Processor time of one write, in microseconds.
  double churn(std::uint64_t until_checkpoints) {
    const double before = cpu_s();
    statistics now;
    do {
      write_some();
      now = counters();
      journal_bytes_most_ = std::max(journal_bytes_most_, now.journal_live_bytes);
    } while (now.checkpoints < until_checkpoints);
    return (cpu_s() - before) * 1e6 / static_cast<double>(written_);
  }
  /// Until there is nearly as much to replay as there was at most.
  void fill_journal() {
    do {
      write_some();
    } while (counters().journal_live_bytes < journal_bytes_most_ / 100 * 97);
  }

  statistics counters() { return store_.counters(); }
  void checkpoint() { store_.checkpoint(); }
  [[nodiscard]] std::uint64_t extents() const { return extents_; }
  [[nodiscard]] std::uint64_t written() const { return written_; }
  [[nodiscard]] std::size_t device_bytes() const { return store_.device().kept_bytes(); }

  struct opened {
    double s = 0;  ///< Of processor time.
    std::uint64_t records = 0;
  };
  /// After the process was killed; the least of some opens, as others on the machine only add to it.
  opened reopen() {
    constexpr int opens = 3;
    handles_.clear();
    opened least;
    for (int i = 0; i < opens; ++i) {
      store_.kill();
      const double before = cpu_s() - store_.device().reading_s();
      least.records = store_.open().records_replayed;
      const double took = cpu_s() - store_.device().reading_s() - before;
      least.s = i == 0 ? took : std::min(least.s, took);
    }
    open_objects();
    return least;
  }

 private:
  void write_some() {
    constexpr std::uint64_t count = 64;
    for (std::uint64_t i = 0; i < count; ++i) write(spread(chance_.below(hot_)));
    written_ += count;
  }
  void open_objects() {
    for (std::uint32_t i = 0; i < objects; ++i) handles_.push_back(store_.create(std::to_string(i)));
  }
  /// The hot extents are everywhere, not side by side.
  [[nodiscard]] std::uint64_t spread(std::uint64_t i) const { return i * 7919 % extents_; }
  void write(std::uint64_t extent) {
    const std::uint64_t blocks = 1 + extent * 0x9e3779b97f4a7c15u % 31;
    store_.write(handles_[extent % objects], extent / objects * stride_blocks, static_cast<std::uint32_t>(blocks));
  }

  std::uint32_t extents_;
  std::uint32_t hot_ = 1;
  measured_store store_;
  std::vector<core::handle_id> handles_;
  chance chance_{1};
  std::uint64_t written_ = 0;
  std::uint64_t journal_bytes_most_ = 0;
};

int run(const arguments& a) {
  const std::size_t heap_before = heap_bytes();
  scale s{a};
  const auto memory = [&] {
    return static_cast<double>(heap_bytes() - heap_before - s.device_bytes()) / static_cast<double>(s.extents());
  };
  s.fill();
  const double memory_filled = memory();
  s.checkpoint();
  const double memory_at_rest = memory();
  const double open_at_rest_s = s.reopen().s;
  const double memory_opened = memory();
  for (const double share : a.hot_shares) {
    s.heat(share);
    s.checkpoint();  // what there was to replay before is no part of it
    const statistics before = s.counters();
    const double write_us = s.churn(before.checkpoints + checkpoints);
    const statistics after = s.counters();
    const double memory_churned = memory();
    const double ratio = static_cast<double>(after.page_bytes - before.page_bytes) /
                         static_cast<double>(after.journal_bytes - before.journal_bytes);
    const std::uint64_t written = s.written();
    s.fill_journal();
    const statistics last = s.counters();
    const scale::opened open = s.reopen();
    fmt::print(
        "{{\"extents\":{},\"hot_share\":{},\"memory_filled\":{:.2f},\"memory_at_rest\":{:.2f},\"memory_opened\":{:.2f},"
        "\"memory_churned\":{:.2f},\"page_bytes\":{},\"journal_bytes\":{},\"page_bytes_of_journal\":{:.3f},\"writes\":{"
        "},"
        "\"write_us\":{:.2f},\"open_at_rest_s\":{:.3f},\"open_s\":{:.3f},\"open_records\":{},\"journal_live_bytes\":{}}"
        "}"
        "\n",
        s.extents(), share, memory_filled, memory_at_rest, memory_opened, memory_churned,
        after.page_bytes - before.page_bytes, after.journal_bytes - before.journal_bytes, ratio, written, write_us,
        open_at_rest_s, open.s, open.records, last.journal_live_bytes);
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int count, char** given) {
  arguments a;
  CLI::App app{"What metadata cost as extents grow many", "metadata_scale"};
  app.add_option("extents", a.extents, "How many; no multiple of 7,919")
      ->required()
      ->check(CLI::Range(1'000u, 100'000'000u));
  app.add_option("--hot", a.hot_shares, "Shares of them that are written over, one after the other")
      ->check(CLI::Range(1e-6, 1.0));
  app.add_option("--page-cache-mib", a.page_cache_mib, "As of the store's option")->check(CLI::Range(1u, 1u << 20));
  app.add_flag("--no-checksums", a.no_checksums, "The data have none");
  return run_program(app, count, given, [&a] { return run(a); });
}
