// A private mapping of a file in memory, of which the test says what is resident; and a source that does as it is told.
#pragma once

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <mutex>
#include <vector>

#include "furrow/engine/source.hpp"

namespace furrow::test {

constexpr std::size_t page = 4096;

class file_mapping {
 public:
  explicit file_mapping(const std::vector<std::byte>& content) : bytes_(content.size()) {
    fd_ = ::memfd_create("mapped", MFD_CLOEXEC);
    REQUIRE(::write(fd_, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    data_ = static_cast<std::byte*>(::mmap(nullptr, bytes_, PROT_READ, MAP_PRIVATE, fd_, 0));
    REQUIRE(static_cast<void*>(data_) != MAP_FAILED);
  }
  file_mapping(const file_mapping&) = delete;
  file_mapping& operator=(const file_mapping&) = delete;
  ~file_mapping() {
    ::munmap(data_, bytes_);
    ::close(fd_);
  }
  [[nodiscard]] std::span<const std::byte> all() const { return {data_, bytes_}; }
  [[nodiscard]] std::size_t pages() const { return (bytes_ + page - 1) / page; }
  void shorten(std::size_t bytes) const { REQUIRE(::ftruncate(fd_, static_cast<off_t>(bytes)) == 0); }

  /// Just these pages are resident from now on, as the page table says.
  void make_resident(const std::vector<bool>& which) const {
    REQUIRE(::madvise(data_, bytes_, MADV_DONTNEED) == 0);
    for (std::size_t i = 0; i < pages(); ++i)
      if (which[i]) static_cast<void>(*static_cast<const volatile std::byte*>(data_ + i * page));
    for (std::size_t i = 0; i < pages(); ++i)  // a fault brings its neighbours along
      if (!which[i]) REQUIRE(::madvise(data_ + i * page, page, MADV_DONTNEED) == 0);
    for (std::size_t i = 0; i < pages(); ++i) REQUIRE(is_resident(i) == which[i]);
  }
  void make_resident(std::size_t front) const {
    std::vector<bool> which(pages());
    for (std::size_t i = 0; i < front; ++i) which[i] = true;
    make_resident(which);
  }
  [[nodiscard]] bool is_resident(std::size_t i) const {
    const int fd = ::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    std::uint64_t entry = 0;
    const auto at = static_cast<off_t>((reinterpret_cast<std::uintptr_t>(data_) / page + i) * 8);
    REQUIRE(::pread(fd, &entry, 8, at) == 8);
    ::close(fd);
    return entry >> 63 != 0;
  }

 private:
  int fd_ = -1;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

/// Bytes of which `front` are resident from the start, and more when populate() says so.
class scripted_source final : public source {
 public:
  explicit scripted_source(std::vector<std::byte> content, std::uint64_t front = 0)
      : content_(std::move(content)), resident_(front) {}

  std::function<error_code(std::uint64_t from, std::uint64_t bytes)> on_populate;  ///< Else it all becomes resident.
  std::function<error_code()> on_copy;
  std::uint64_t acquire_max = ~std::uint64_t{0};

  void set_resident(std::uint64_t end) {
    const std::lock_guard lock(mutex_);
    resident_ = end;
  }
  [[nodiscard]] std::uint64_t held() const {
    const std::lock_guard lock(mutex_);
    return held_;
  }
  [[nodiscard]] std::uint64_t populates() const {
    const std::lock_guard lock(mutex_);
    return populates_;
  }

  [[nodiscard]] std::uint64_t bytes() const override { return content_.size(); }
  [[nodiscard]] std::span<const std::byte> acquire(std::uint64_t from, std::uint64_t most) override {
    const std::lock_guard lock(mutex_);
    if (from >= resident_) return {};
    const std::uint64_t n = std::min({most, resident_ - from, acquire_max});
    held_ += n;
    return std::span<const std::byte>(content_).subspan(from, n);
  }
  void release(std::span<const std::byte> s) override {
    const std::lock_guard lock(mutex_);
    REQUIRE(held_ >= s.size());
    held_ -= s.size();
  }
  [[nodiscard]] error_code populate(std::uint64_t from, std::uint64_t n) override {
    {
      const std::lock_guard lock(mutex_);
      ++populates_;
      CHECK(held_ == 0);
    }
    if (on_populate) return on_populate(from, n);
    set_resident(content_.size());
    return {};
  }
  [[nodiscard]] error_code copy(std::uint64_t from, std::span<std::byte> to) override {
    if (on_copy)
      if (const error_code e = on_copy()) return e;
    std::memcpy(to.data(), content_.data() + from, to.size());
    return {};
  }

 private:
  std::vector<std::byte> content_;
  mutable std::mutex mutex_;
  std::uint64_t resident_;
  std::uint64_t held_ = 0;
  std::uint64_t populates_ = 0;
};

}  // namespace furrow::test
