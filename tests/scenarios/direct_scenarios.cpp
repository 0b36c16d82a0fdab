// The scenarios of file systems that write memory which is not resident, on any device:
//
//   direct_scenarios URI [ROUNDS] [SEED]      the device's data are lost
//
// Named after the tests of xfstests that found them. Every byte is compared; what does not move for two minutes is a deadlock.
#include <fcntl.h>
#include <sys/mman.h>

#include <array>
#include <chrono>
#include <functional>
#include <thread>

#include "driver/fault_watch.hpp"
#include "scenarios/world.hpp"

namespace furrow::scenarios {
namespace {

/// A private mapping of a file in memory of which just the first pages are resident, as the page table says.
class cold_mapping {
 public:
  cold_mapping(const bytes& content, std::size_t warm_pages) : size_(content.size()) {
    fd_ = ::memfd_create("src", MFD_CLOEXEC);
    require(::write(fd_, content.data(), size_) == static_cast<ssize_t>(size_), "memfd");
    data_ = static_cast<std::byte*>(::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd_, 0));
    require(static_cast<void*>(data_) != MAP_FAILED, "mmap");
    for (std::size_t i = 0; i < warm_pages; ++i) static_cast<void>(*static_cast<volatile std::byte*>(data_ + i * page));
    if (warm_pages * page < size_)
      require(::madvise(data_ + warm_pages * page, size_ - warm_pages * page, MADV_DONTNEED) == 0, "madvise");
    const int map = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    for (std::size_t i = 0; i * page < size_; ++i) {
      std::uint64_t entry = 0;
      const auto at = static_cast<off_t>((reinterpret_cast<std::uintptr_t>(data_) / page + i) * 8);
      require(::pread(map, &entry, 8, at) == 8, "pagemap");
      require((entry >> 63 != 0) == (i < warm_pages), "the mapping is not as cold as it should be");
    }
    ::close(map);
  }
  cold_mapping(const cold_mapping&) = delete;
  cold_mapping& operator=(const cold_mapping&) = delete;
  ~cold_mapping() {
    ::munmap(data_, size_);
    ::close(fd_);
  }
  [[nodiscard]] std::shared_ptr<source> as_source() const {
    return std::make_shared<mapping_source>(std::span<const std::byte>(data_, size_));
  }

 private:
  int fd_ = -1;
  std::byte* data_ = nullptr;
  std::size_t size_;
};

/// What writes did between two looks.
struct watched {
  explicit watched(const world& of) : w(of), before(of.counters()) {}
  void uncopied_in_parts(bool cut = true) const {
    const statistics now = w.counters();
    require(now.attempts - before.attempts > 1, "there was one attempt");
    require(!cut || now.extracted > before.extracted, "nothing was extracted");
    require(now.bounced_bytes == before.bounced_bytes, "bytes were bounced");
  }
  const world& w;
  statistics before;
};

/// One page of the source is resident: the seed's lost bytes.
void case_708(world& w) {
  const bytes content(2 << 20, std::byte{0xcd});
  const blocking_object dst = w.fresh("708");
  {
    const watched s(w);
    const cold_mapping src(content, 1);
    world::write(dst, 0, src.as_source());
    s.uncopied_in_parts();
  }
  world::compare(dst, content);
  const blocking_object other = w.fresh("708 by a view");
  const watched s(w);
  const auto v = world::map(dst, 0, content.size(), {.fill_bytes = page});
  static_cast<void>(*static_cast<const volatile std::byte*>(v->data()));
  require(v->filled_bytes() == page, "more than a page of the view is filled");
  world::write(other, 0, v);
  s.uncopied_in_parts();
  world::compare(other, content);
}

/// A hole and a page, mapped: the page is written over the hole, and the hole is read.
void case_647(world& w) {
  bytes model(2 * page);
  std::fill(model.begin() + page, model.end(), std::byte{0x63});
  const blocking_object o = w.fresh("647");
  world::write(o, page, bytes(model.begin() + page, model.end()));
  world::compare(o, model);
  {
    const watched s(w);
    const auto v = world::map(o, page, page);
    world::write(o, 0, v);
    s.uncopied_in_parts(false);
  }
  std::copy(model.begin() + page, model.end(), model.begin());
  world::compare(o, model);
  const watched s(w);
  const auto v = world::map(o, 0, 2 * page, {.fill_bytes = page});
  require(v->data()[0] == std::byte{0x63}, "the view's first page");
  world::write(o, page, v);  // three pages now, of which the view shows the first two
  s.uncopied_in_parts();
  model.insert(model.end(), page, std::byte{0x63});
  world::compare(o, model);
  const blocking_object hole = w.fresh("647 hole");
  static_cast<void>(good(hole.truncate(page), "truncate"));
  void* const anonymous = ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  static_cast<void>(
      good(hole.read(0, asio::mutable_buffer(anonymous, page)), "read of a hole into memory that is not there"));
  require(bytes(page) == bytes(static_cast<std::byte*>(anonymous), static_cast<std::byte*>(anonymous) + page),
          "a hole is zeros");
  ::munmap(anonymous, page);
}

/// A source that is never resident when it is looked at.
class shy_source final : public source {
 public:
  explicit shy_source(scenarios::bytes content) : content_(std::move(content)) {}
  [[nodiscard]] std::uint64_t bytes() const override { return content_.size(); }
  [[nodiscard]] std::span<const std::byte> acquire(std::uint64_t, std::uint64_t) override { return {}; }
  void release(std::span<const std::byte>) override {}
  [[nodiscard]] error_code populate(std::uint64_t, std::uint64_t) override { return {}; }
  [[nodiscard]] error_code copy(std::uint64_t from, std::span<std::byte> to) override {
    std::memcpy(to.data(), content_.data() + from, to.size());
    return {};
  }

 private:
  scenarios::bytes content_;
};

/// A mapped page is written onto itself: no progress must become a copy, not a loop. A view is a snapshot, so it makes
/// progress; a source that makes none is copied.
void case_729(world& w) {
  case_647(w);
  bytes model = random_bytes(w.random, 2 * page);
  const blocking_object o = w.fresh("729");
  world::write(o, 0, model);
  world::write(o, page, world::map(o, page, page));
  world::compare(o, model);
  const statistics before = w.counters();
  world::write(o, 0, std::make_shared<shy_source>(model));
  require(w.counters().bounced_bytes - before.bounced_bytes == model.size(), "a source without progress is copied");
  world::compare(o, model);
  driver::fault_watch::deny(true);
  const auto copy = world::map(o, 0, model.size(), {.copy_where_denied = true});
  driver::fault_watch::deny(false);
  require(copy->copied(), "the view is a copy");
  world::write(o, 0, copy);
  world::compare(o, model);
}

/// At the end of an object, from pages that are not resident: it grows by what was written, once.
void case_362(world& w) {
  const blocking_object o = w.fresh("362");
  const bytes one = random_bytes(w.random, page), two = random_bytes(w.random, 2 * page);
  {
    const watched s(w);
    const cold_mapping src(one, 0);
    world::write(o, 0, src.as_source());
    s.uncopied_in_parts(false);
  }
  world::compare(o, one);
  const watched s(w);
  const cold_mapping src(two, 1);
  world::write(o, page, src.as_source());
  s.uncopied_in_parts();
  bytes model = one;
  model.insert(model.end(), two.begin(), two.end());
  world::compare(o, model);
}

/// Writes by one thread, syncs by another.
void case_364(world& w) {
  const blocking_object o = w.fresh("364");
  const bytes content = random_bytes(w.random, 16 * page);
  std::atomic<bool> done{false};
  std::thread syncs([&] {
    while (!done) static_cast<void>(good(o.sync(), "sync"));
  });
  for (int i = 0; i < 200; ++i) {
    alive();
    const cold_mapping src(content, static_cast<std::size_t>(i) % 17);
    world::write(o, 0, src.as_source());
  }
  done = true;
  syncs.join();
  world::compare(o, content);
}

/// Two threads read interleaved halves of the same extents, in room that was reserved, while a third writes them.
void case_391(world& w) {
  constexpr std::size_t pairs = 256;
  const blocking_object o = w.fresh("391");
  static_cast<void>(good(o.reserve(pairs * 2 * page), "reserve"));
  const bytes content = random_bytes(w.random, pairs * 2 * page);
  for (std::size_t i = 0; i < pairs; ++i)
    world::write(o, i * 2 * page,
                 bytes(content.begin() + static_cast<std::ptrdiff_t>(i * 2 * page),
                       content.begin() + static_cast<std::ptrdiff_t>((i + 1) * 2 * page)));
  const auto half = [&](std::size_t which) {
    bytes to(page);
    for (std::size_t i = 0; i < pairs; ++i) {
      const std::size_t at = (2 * i + which) * page;
      static_cast<void>(good(o.read(at, asio::buffer(to)), "read"));
      require(std::memcmp(to.data(), content.data() + at, page) == 0, "a half differs");
    }
  };
  std::thread a(half, 0), b(half, 1);
  world::write(o, 0, content);
  a.join();
  b.join();
  world::compare(o, content);
}

/// The device fails under a write that is given in parts, into a hole (250) or into blocks that are shared (276).
void case_failing(world& w, bool shared) {
  const blocking_object o = w.fresh(shared ? "276" : "250");
  const blocking_object other = w.fresh("276 clone");
  bytes old(64 * page);
  if (shared) {
    old = random_bytes(w.random, old.size());
    world::write(o, 0, old);
    static_cast<void>(good(other.clone(0, o, 0, old.size()), "clone"));
  } else {
    static_cast<void>(good(o.truncate(old.size()), "truncate"));
  }
  static_cast<void>(good(w.store.sync(), "sync"));
  const cold_mapping src(random_bytes(w.random, old.size()), 5);
  *w.fails = true;
  const auto r = o.write(0, src.as_source());
  require(!r.has_value(), "a write succeeded on a device that fails");
  *w.fails = false;
  world::compare(o, old);
  w.reopen();
  world::compare(w.existing(shared ? "276" : "250"), old);
  if (shared) world::compare(w.existing("276 clone"), old);
  w.check();
}

/// The seed's own: a partly resident view of a range that overlaps the range written.
void case_overlap(world& w, std::uint64_t rounds) {
  constexpr std::size_t pages_max = 24;
  blocking_object o = w.fresh("overlap");
  bytes model = random_bytes(w.random, pages_max * page);
  world::write(o, 0, model);
  const statistics before = w.counters();
  std::uint64_t in_parts = 0, cold = 0, bounced = before.bounced_bytes;
  for (now_round = 0; now_round < rounds; ++now_round) {
    alive();
    const std::size_t first = w.random() % (pages_max / 2), count = 1 + w.random() % (pages_max - first - 1);
    const std::size_t n = w.random() % 4 == 0 ? count * page - w.random() % page : count * page;
    const auto v = world::map(o, first * page, n);
    if (const error_code e = v->populate(0, n)) give_up(e.message());
    const std::uint64_t bitmap = w.random() % 4 != 0 ? w.random() : 0;
    bool all = true;
    for (std::size_t p = 0; p < count; ++p)
      if ((bitmap >> p & 1) == 0) {
        v->release_pages(p * page, page);
        all = false;
      }
    const std::uint64_t offset = w.random() % 4 == 0 ? w.random() % (8 * page) : w.random() % 8 * page;
    world::write(o, offset, v);
    const bytes shown(model.begin() + static_cast<std::ptrdiff_t>(first * page),
                      model.begin() + static_cast<std::ptrdiff_t>(first * page + n));
    if (model.size() < offset + n) model.resize(offset + n);
    std::copy(shown.begin(), shown.end(), model.begin() + static_cast<std::ptrdiff_t>(offset));
    cold += all ? 0 : 1;
    in_parts += !all && (bitmap & 1) != 0 && offset % page == 0 ? 1 : 0;
    world::compare(o, model);
    if (now_round % 64 == 63) {
      model = random_bytes(w.random, pages_max * page);
      static_cast<void>(good(o.truncate(0), "truncate"));
      world::write(o, 0, model);
    }
    if (now_round % 1000 == 999) {
      w.reopen();  // with fresh counters
      bounced = 0;
      o = w.existing("overlap");
      world::compare(o, model);
    }
    if (now_round % 10000 == 9999) std::printf("  %llu rounds\n", static_cast<unsigned long long>(now_round + 1));
    if (now_round % 1000 == 998 || now_round + 1 == rounds) {
      const statistics now = w.counters();
      require(now.bounced_bytes == bounced, "bytes were bounced");
    }
  }
  std::printf("  %llu rounds, %llu of them cold in part, %llu cut\n", static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(cold), static_cast<unsigned long long>(in_parts));
  if (rounds < 999) {
    const statistics now = w.counters();
    require(now.attempts - before.attempts >= rounds + cold, "too few attempts");
    require(now.extracted - before.extracted >= in_parts, "too few extractions");
  }
  w.check();
}

int run(const std::string& uri, std::uint64_t rounds, std::uint64_t seed) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  world w(uri, seed);
  const std::array<std::pair<const char*, std::function<void()>>, 9> cases{{
      {"generic/708", [&] { case_708(w); }},
      {"generic/647", [&] { case_647(w); }},
      {"generic/729", [&] { case_729(w); }},
      {"generic/362", [&] { case_362(w); }},
      {"generic/364", [&] { case_364(w); }},
      {"generic/391", [&] { case_391(w); }},
      {"generic/250", [&] { case_failing(w, false); }},
      {"generic/276", [&] { case_failing(w, true); }},
      {"overlapping views", [&] { case_overlap(w, rounds); }},
  }};
  for (const auto& [name, call] : cases) {
    now_running = name;
    alive();
    const auto begin = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    std::printf("%s: good (%.2f s)\n", name, took.count());
    std::fflush(stdout);
  }
  w.check();
  static_cast<void>(good(w.store.close(), "close"));
  std::printf("all %zu scenarios are good\n", cases.size());
  return 0;
}

}  // namespace
}  // namespace furrow::scenarios

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s URI [ROUNDS] [SEED]\n", argv[0]);
    return 2;
  }
  return furrow::scenarios::run(argv[1], argc > 2 ? std::stoull(argv[2]) : 2000, argc > 3 ? std::stoull(argv[3]) : 1);
}
