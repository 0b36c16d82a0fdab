// A file, by pread and pwrite.
#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "furrow/failure.hpp"
#include "furrow_full/place.hpp"

namespace furrow::full {

namespace {

ending ending_of(int error_number) {
  const error_code code{error_number, boost::system::system_category()};
  return {code, code.message(), error_number == ENOSPC};
}

class file_place final : public place {
 public:
  explicit file_place(const std::string& path) : path_{path} {
    open(O_RDWR | O_CREAT | O_EXCL);
    struct ::statvfs room {};
    if (::fstatvfs(file_, &room) != 0) throw cli::system_failure(path, errno);
    capacity_bytes_ = std::uint64_t{room.f_bavail} * room.f_frsize;
  }
  ~file_place() override { ::close(file_); }

  [[nodiscard]] std::string name() const override { return "the file " + path_; }
  [[nodiscard]] std::uint64_t capacity_bytes() const override { return capacity_bytes_; }
  [[nodiscard]] std::uint64_t device_bytes() const override { return 0; }

  ending put(std::uint64_t offset_bytes, std::span<const std::byte> from) override {
    while (!from.empty()) {
      const ssize_t n = ::pwrite(file_, from.data(), from.size(), static_cast<off_t>(offset_bytes));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return ending_of(n < 0 ? errno : EIO);
      from = from.subspan(static_cast<std::size_t>(n));
      offset_bytes += static_cast<std::uint64_t>(n);
    }
    return {};
  }
  ending get(std::uint64_t offset_bytes, std::span<std::byte> to) override {
    while (!to.empty()) {
      const ssize_t n = ::pread(file_, to.data(), to.size(), static_cast<off_t>(offset_bytes));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return ending_of(n < 0 ? errno : EIO);
      to = to.subspan(static_cast<std::size_t>(n));
      offset_bytes += static_cast<std::uint64_t>(n);
    }
    return {};
  }
  ending sync() override { return ::fsync(file_) == 0 ? ending{} : ending_of(errno); }

  void reopen() override {
    static_cast<void>(::posix_fadvise(file_, 0, 0, POSIX_FADV_DONTNEED));
    ::close(file_);
    open(O_RDONLY);  // a file system that has given up is compared, too
  }

  [[nodiscard]] std::uint64_t written_bytes() const override { return 0; }
  [[nodiscard]] nlohmann::ordered_json told() const override { return nullptr; }

 private:
  void open(int flags) {
    file_ = ::open(path_.c_str(), O_CLOEXEC | O_DIRECT | flags, 0644);
    // A file system that has no direct access may have made the file all the same.
    if (file_ < 0 && errno == EINVAL) file_ = ::open(path_.c_str(), O_CLOEXEC | (flags & ~O_EXCL), 0644);
    if (file_ < 0) throw cli::system_failure(path_, errno);
  }

  std::string path_;
  int file_ = -1;
  std::uint64_t capacity_bytes_ = 0;
};

}  // namespace

std::unique_ptr<place> make_file_place(const std::string& path) { return std::make_unique<file_place>(path); }

}  // namespace furrow::full
