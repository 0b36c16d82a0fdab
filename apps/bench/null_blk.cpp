#include "bench/null_blk.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace furrow::bench {

namespace {

namespace fs = std::filesystem;

const fs::path configfs = "/sys/kernel/config";

void check_prerequisites() {
  std::error_code ignored;
  if (::geteuid() != 0) throw std::runtime_error{"--null-blk needs root, to make a device"};
  if (fs::is_directory(configfs / "nullb", ignored)) return;
  // Not mounted, the folder is there and empty, or not there at all.
  if (!fs::is_directory(configfs, ignored) || fs::is_empty(configfs, ignored)) {
    throw std::runtime_error{"--null-blk: there is no configfs in " + configfs.string() + ": mount -t configfs none " +
                             configfs.string() + " (modprobe configfs, if that fails)"};
  }
  throw std::runtime_error{"--null-blk: the kernel has no null_blk: modprobe null_blk nr_devices=0"};
}

/// The device; it is removed with this.
class null_blk {
 public:
  explicit null_blk(const null_blk_attributes& attributes)
      : folder_{configfs / "nullb" / ("furrow_bench_" + std::to_string(::getpid()))} {
    fs::create_directory(folder_);
    try {
      for (const auto& [name, value] : attributes) set(name, value);
      set("power", "1");
      path_ = await_node();
    } catch (...) {
      remove();
      throw;
    }
  }
  null_blk(const null_blk&) = delete;
  null_blk& operator=(const null_blk&) = delete;
  ~null_blk() { remove(); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void set(const std::string& name, const std::string& value) const {
    const int fd = ::open((folder_ / name).c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) throw std::runtime_error{"--null-blk: this kernel's null_blk has no " + name};
    const ssize_t written = ::write(fd, value.data(), value.size());
    const int why = errno;
    ::close(fd);
    if (written != static_cast<ssize_t>(value.size())) {
      throw std::runtime_error{fmt::format("--null-blk: null_blk refused {}={}: {}", name, value, std::strerror(why))};
    }
  }
  /// The disk is named after the folder; older kernels name it by the index.
  [[nodiscard]] std::string await_node() const {
    std::ifstream in{folder_ / "index"};
    std::string index;
    in >> index;
    for (int tries = 0; tries < 500; ++tries) {
      for (const fs::path& path : {fs::path{"/dev"} / folder_.filename(), fs::path{"/dev/nullb" + index}}) {
        std::error_code ignored;
        if (fs::is_block_file(path, ignored)) return path;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    throw std::runtime_error{"--null-blk: the device was made, and no /dev/" + folder_.filename().string() + " came"};
  }
  void remove() noexcept {
    if (::rmdir(folder_.c_str()) != 0) {
      fmt::print(stderr, "furrow-bench: cannot remove {}: {}\n", folder_.c_str(), std::strerror(errno));
    }
  }

  fs::path folder_;
  std::string path_;
};

/// Signals that would end this process wait until they are asked for.
class held_signals {
 public:
  held_signals() {
    sigemptyset(&held_);
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&held_, number);
    ::sigprocmask(SIG_BLOCK, &held_, &before_);
  }
  held_signals(const held_signals&) = delete;
  held_signals& operator=(const held_signals&) = delete;
  ~held_signals() { release(); }
  void release() const { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }

  /// The child's status, as of wait(2).
  [[nodiscard]] int await(pid_t child) const {
    for (;;) {
      int status = 0;
      if (::waitpid(child, &status, WNOHANG) == child) return status;
      const int number = ::sigwaitinfo(&held_, nullptr);
      if (number > 0 && number != SIGCHLD) ::kill(child, number);
    }
  }

 private:
  sigset_t held_{}, before_{};
};

[[noreturn]] void end_as_worker(const held_signals& held, pid_t parent, const std::string& path,
                                const std::function<int(const std::string&)>& work) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) std::_Exit(1);
  held.release();
  const int status = work(path);
  std::fflush(nullptr);
  std::_Exit(status);
}

int run_worker(const held_signals& held, const null_blk_attributes& attributes,
               const std::function<int(const std::string&)>& work) {
  const null_blk device{attributes};
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error{std::string{"fork: "} + std::strerror(errno)};
  if (child == 0) end_as_worker(held, parent, device.path(), work);
  return held.await(child);
}

}  // namespace

int with_null_blk(const null_blk_attributes& attributes, const std::function<int(const std::string& path)>& work) {
  check_prerequisites();
  int status = 0;
  {
    const held_signals held;
    status = run_worker(held, attributes, work);
  }
  if (!WIFSIGNALED(status)) return WEXITSTATUS(status);
  fmt::print(stderr, "furrow-bench: ended by signal {}; the device is removed\n", WTERMSIG(status));
  std::fflush(nullptr);
  std::signal(WTERMSIG(status), SIG_DFL);
  std::raise(WTERMSIG(status));
  return 128 + WTERMSIG(status);
}

}  // namespace furrow::bench
