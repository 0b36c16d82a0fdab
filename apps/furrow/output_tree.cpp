#include "output_tree.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "failure.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t opened_directories_max = 64;
constexpr std::uint32_t permission_bits = 07777;

std::array<timespec, 2> times_of(std::int64_t modified_ns) {
  constexpr std::int64_t second = 1'000'000'000;
  timespec modified{};
  modified.tv_sec = modified_ns / second;
  modified.tv_nsec = modified_ns % second;
  if (modified.tv_nsec < 0) {
    modified.tv_nsec += second;
    --modified.tv_sec;
  }
  timespec accessed{};
  accessed.tv_nsec = UTIME_NOW;
  return {accessed, modified};
}

struct split_name {
  std::string directory;  ///< Without a slash at its end; empty: the top.
  std::string last;
};

/// Refuses what is not a relative path of ordinary components (I1).
split_name split(std::string_view name) {
  const auto refuse = [&](const char* why) {
    return failure{fmt::format("{}: {}; use --to - for its bytes", escaped(name), why)};
  };
  if (name.find('\0') != std::string_view::npos) throw refuse("a file name cannot contain a NUL");
  if (name.starts_with('/')) throw refuse("an absolute name would leave the target directory");
  for (std::size_t at = 0; at <= name.size();) {
    const std::size_t end = std::min(name.find('/', at), name.size());
    const std::string_view component = name.substr(at, end - at);
    if (component == "..") throw refuse("'..' would leave the target directory");
    if (component.empty() || component == ".") throw refuse("an empty or '.' component cannot be a file name");
    at = end + 1;
  }
  const std::size_t slash = name.rfind('/');
  if (slash == std::string_view::npos) return {{}, std::string{name}};
  return {std::string{name.substr(0, slash)}, std::string{name.substr(slash + 1)}};
}

void replace_by_rename(int directory, const std::string& from, const std::string& to, std::string_view thing) {
  if (::renameat(directory, from.c_str(), directory, to.c_str()) == 0) return;
  const int why = errno;
  ::unlinkat(directory, from.c_str(), 0);
  throw system_failure(thing, why);
}

std::string temporary_name() {
  static std::uint64_t serial = 0;
  return fmt::format(".furrow-{}-{}", ::getpid(), serial++);
}

}  // namespace

descriptor::~descriptor() {
  if (value_ >= 0) ::close(value_);
}

new_file::new_file(std::shared_ptr<const descriptor> directory, std::string name, std::string thing)
    : directory_{std::move(directory)},
      name_{std::move(name)},
      thing_{std::move(thing)},
      temporary_name_{temporary_name()} {
  file_ = descriptor{
      ::openat(directory_->get(), temporary_name_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (file_.get() < 0) throw system_failure(thing_, errno);
}

new_file::~new_file() {
  if (!committed_) ::unlinkat(directory_->get(), temporary_name_.c_str(), 0);
}

void new_file::write_at(std::uint64_t offset_bytes, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset_bytes));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw system_failure(thing_, errno);
    offset_bytes += static_cast<std::uint64_t>(written);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void new_file::set_bytes(std::uint64_t bytes) {
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes)) != 0) throw system_failure(thing_, errno);
}

void new_file::commit(std::uint32_t mode, std::int64_t modified_ns) {
  const std::uint32_t permissions = mode == 0 ? 0644 : mode & permission_bits;
  const auto times = times_of(modified_ns);
  if (::fchmod(file_.get(), permissions) != 0 || ::futimens(file_.get(), times.data()) != 0) {
    throw system_failure(thing_, errno);
  }
  // After this the destructor has nothing to remove, whether the rename succeeded or not.
  committed_ = true;
  replace_by_rename(directory_->get(), temporary_name_, name_, thing_);
}

output_tree::output_tree(const std::string& path) {
  if (::mkdir(path.c_str(), 0777) != 0 && errno != EEXIST) throw system_failure(path, errno);
  top_ = std::make_shared<descriptor>(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (top_->get() < 0) throw system_failure(path, errno);
}

std::shared_ptr<const descriptor> output_tree::directory(const std::string& name, std::string_view thing) {
  if (name.empty()) return top_;
  const auto known = std::find_if(opened_.begin(), opened_.end(), [&](const auto& o) { return o.name == name; });
  if (known != opened_.end()) {
    opened_.splice(opened_.begin(), opened_, known);
    return opened_.front().directory;
  }
  const split_name parts = split(name);
  const auto above = directory(parts.directory, thing);
  if (::mkdirat(above->get(), parts.last.c_str(), 0777) != 0 && errno != EEXIST) throw system_failure(thing, errno);
  auto opened = std::make_shared<descriptor>(
      ::openat(above->get(), parts.last.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (opened->get() < 0) {
    if (errno == ELOOP || errno == ENOTDIR) {
      throw failure{
          fmt::format("{}: '{}' in the target is not a directory; move it away first", escaped(thing), escaped(name))};
    }
    throw system_failure(thing, errno);
  }
  opened_.push_front({name, opened});
  if (opened_.size() > opened_directories_max) opened_.pop_back();
  return opened;
}

bool output_tree::taken(const std::string& name) const {
  struct stat found {};
  return ::fstatat(top_->get(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
}

std::unique_ptr<new_file> output_tree::make_file(std::string_view name) {
  split_name parts = split(name);
  return std::make_unique<new_file>(directory(parts.directory, name), std::move(parts.last), std::string{name});
}

void output_tree::make_link(std::string_view name, const std::string& target, std::int64_t modified_ns) {
  const split_name parts = split(name);
  const auto parent = directory(parts.directory, name);
  const std::string temporary = temporary_name();
  if (::symlinkat(target.c_str(), parent->get(), temporary.c_str()) != 0) throw system_failure(name, errno);
  const auto times = times_of(modified_ns);
  // A file system that keeps no times of links is no reason to fail.
  static_cast<void>(::utimensat(parent->get(), temporary.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
  replace_by_rename(parent->get(), temporary, parts.last, name);
}

void output_tree::make_directory(std::string_view name, std::uint32_t mode, std::int64_t modified_ns) {
  std::string_view bare = name;
  if (bare.ends_with('/')) bare.remove_suffix(1);
  static_cast<void>(split(bare));
  static_cast<void>(directory(std::string{bare}, name));
  made_.push_back({std::string{bare}, mode, modified_ns});
}

void output_tree::finish_directories() {
  // Deepest first: what is above a directory may become unsearchable.
  std::sort(made_.begin(), made_.end(), [](const auto& a, const auto& b) { return a.name > b.name; });
  for (const made_directory& m : made_) {
    const auto opened = directory(m.name, m.name);
    const auto times = times_of(m.modified_ns);
    if (::fchmod(opened->get(), m.mode & permission_bits) != 0 || ::futimens(opened->get(), times.data()) != 0) {
      throw system_failure(m.name, errno);
    }
  }
  made_.clear();
}

}  // namespace furrow::cli
