// Of source.hpp: what is resident of a mapping is learned from the page table, and held by mlock2(MLOCK_ONFAULT).
//
// Invariants
//   M1  A page is unlocked when the last hold on it goes (page_locks): locks of the kernel do not count.
//   M2  Locked first, then looked at: what is seen present cannot go any more.
//
// Not here: residency of the page cache (mincore), which says nothing about the mapping.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>

#include "furrow/engine/source.hpp"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

namespace furrow {
namespace {

constexpr std::uintptr_t page_bytes = 4096;
constexpr std::uint64_t hold_bytes_max = 4 << 20;  ///< Of one acquire.
constexpr std::uint64_t present_bit = std::uint64_t{1} << 63;
constexpr int populate_tries_max = 100;

struct page_range {
  std::uintptr_t first = 0;
  std::uintptr_t end = 0;
  [[nodiscard]] void* at() const { return reinterpret_cast<void*>(first); }
  [[nodiscard]] std::size_t bytes() const { return end - first; }
};

page_range pages_of(std::span<const std::byte> s) {
  const auto begin = reinterpret_cast<std::uintptr_t>(s.data());
  return {begin / page_bytes * page_bytes, (begin + s.size() + page_bytes - 1) / page_bytes * page_bytes};
}

/// How many holds there are on each page of the process.
class page_locks {
 public:
  static page_locks& of_process() {
    static page_locks all;
    return all;
  }
  std::mutex mutex;  ///< Over locking, looking and unlocking.

  void add(page_range r) {
    for (std::uintptr_t p = r.first; p < r.end; p += page_bytes) ++holds_[p];
  }
  void remove(page_range r) {
    for (std::uintptr_t p = r.first; p < r.end; p += page_bytes)
      if (const auto it = holds_.find(p); it != holds_.end() && --it->second == 0) holds_.erase(it);
  }
  /// Unlocks those that nobody holds.
  void unlock(page_range r) {
    while (r.first < r.end) {
      const auto held = holds_.lower_bound(r.first);
      const std::uintptr_t until = held == holds_.end() ? r.end : std::min(r.end, held->first);
      if (r.first < until) static_cast<void>(::munlock(r.at(), until - r.first));
      r.first = until < r.end ? until + page_bytes : r.end;
    }
  }

 private:
  std::map<std::uintptr_t, std::uint32_t> holds_;
};

std::uintptr_t present_end(int pagemap, page_range r) {
  std::array<std::uint64_t, 256> entries{};
  std::uintptr_t at = r.first;
  while (at < r.end) {
    const std::size_t wanted = std::min<std::size_t>(entries.size(), (r.end - at) / page_bytes);
    const ssize_t got = ::pread(pagemap, entries.data(), wanted * 8, static_cast<off_t>(at / page_bytes * 8));
    if (got < 8) return at;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got) / 8; ++i, at += page_bytes)
      if ((entries[i] & present_bit) == 0) return at;
  }
  return at;
}

}  // namespace

mapping_source::mapping_source(std::span<const std::byte> mapping)
    : mapping_(mapping), pagemap_(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC)) {}

mapping_source::~mapping_source() {
  if (pagemap_ >= 0) ::close(pagemap_);
}

std::span<const std::byte> mapping_source::acquire(std::uint64_t from_bytes, std::uint64_t bytes_max) {
  if (from_bytes >= mapping_.size() || bytes_max == 0 || pagemap_ < 0) return {};
  const auto wanted = mapping_.subspan(from_bytes, std::min({bytes_max, hold_bytes_max, mapping_.size() - from_bytes}));
  page_range pages = pages_of(wanted);
  page_locks& locks = page_locks::of_process();
  const std::lock_guard lock(locks.mutex);
  while (::syscall(SYS_mlock2, pages.at(), pages.bytes(), 1 /* MLOCK_ONFAULT */) != 0) {  // the limit, most likely
    locks.unlock(pages);
    if (pages.bytes() == page_bytes) return {};
    pages.end = pages.first + std::max(page_bytes, pages.bytes() / 2 / page_bytes * page_bytes);
  }
  const page_range present{pages.first, present_end(pagemap_, pages)};  // M2
  locks.add(present);
  locks.unlock({present.end, pages.end});
  const auto begin = reinterpret_cast<std::uintptr_t>(wanted.data());
  if (present.end <= begin) return {};
  return wanted.first(std::min<std::size_t>(wanted.size(), present.end - begin));
}

void mapping_source::release(std::span<const std::byte> held) {
  if (held.empty()) return;
  page_locks& locks = page_locks::of_process();
  const std::lock_guard lock(locks.mutex);
  locks.remove(pages_of(held));
  locks.unlock(pages_of(held));  // M1
}

error_code mapping_source::populate(std::uint64_t from_bytes, std::uint64_t bytes) {
  if (from_bytes >= mapping_.size()) return {};
  const page_range pages = pages_of(mapping_.subspan(from_bytes, std::min(bytes, mapping_.size() - from_bytes)));
  for (int tries = 0; ::madvise(pages.at(), pages.bytes(), MADV_POPULATE_READ) != 0; ++tries) {
    if ((errno == EINTR || errno == EAGAIN) && tries < populate_tries_max) continue;
    if (errno != EINVAL) return errc::source_failed;
    for (std::uintptr_t p = pages.first; p < pages.end; p += page_bytes) {  // a kernel that has no such advice
      std::byte b{};
      const iovec to{&b, 1}, from{reinterpret_cast<void*>(p), 1};
      if (::process_vm_readv(::getpid(), &to, 1, &from, 1, 0) != 1) return errc::source_failed;
    }
    return {};
  }
  return {};
}

error_code mapping_source::copy(std::uint64_t from_bytes, std::span<std::byte> to) {
  if (from_bytes > mapping_.size() || to.size() > mapping_.size() - from_bytes) return errc::out_of_range;
  auto from = mapping_.subspan(from_bytes, to.size());
  while (!to.empty()) {
    const iovec into{to.data(), to.size()};
    const iovec out_of{const_cast<std::byte*>(from.data()), from.size()};
    const ssize_t got = ::process_vm_readv(::getpid(), &into, 1, &out_of, 1, 0);
    if (got <= 0) return errc::source_failed;
    to = to.subspan(static_cast<std::size_t>(got));
    from = from.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace furrow
