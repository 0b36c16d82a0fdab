// furrow put: files, links and directories as objects.
//
// Up to small_bytes_max, an object is made with its bytes and attributes as one batch. A larger file becomes an object
// without a name, appended to piece by piece, which gets its name when it is whole. So a name always stands for a whole
// file, and an object that had the name is replaced in one step.
//
// Invariants
//   I1  When the command succeeds, everything that it put is durable. When it fails or is stopped, what was put is.
//   I2  Memory is bounded by the budget of the jobs, whatever the sizes of the files.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <memory>

#include "arguments.hpp"
#include "copy_jobs.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "output_tree.hpp"
#include "session.hpp"
#include "text.hpp"
#include "tree_source.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t small_bytes_max = 256 << 10;
constexpr std::uint64_t piece_bytes = 1 << 20;
constexpr std::size_t pieces_per_file_max = 4;

struct arguments {
  std::string uri;
  std::vector<std::string> paths;
  std::string prefix;
  std::string as;
  bool json = false;
};

using buffer = std::vector<std::byte>;

/// Fills the buffer as far as the file goes; less means its end.
std::size_t read_full(int file, std::span<std::byte> to, const std::string& path) {
  std::size_t filled = 0;
  while (filled < to.size()) {
    if (interrupt::requested()) throw interrupted{};
    const ssize_t got = ::read(file, to.data() + filled, to.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_failure(path, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return filled;
}

class putter {
 public:
  putter(const session& s, copy_jobs& jobs) : store_{s.async()}, jobs_{jobs} {}

  asio::awaitable<void> put(const source_entry& e) {
    if (!e.is_file()) {
      co_await put_whole(e, {});
    } else if (e.path == "-") {
      co_await put_file(e, STDIN_FILENO);
    } else {
      const descriptor file{::open(e.path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
      if (file.get() < 0) throw system_failure(e.path, errno);
      co_await put_file(e, file.get());
    }
    jobs_.shown().add_file();
  }

 private:
  asio::awaitable<void> put_file(const source_entry& e, int file) {
    // One byte more than was seen tells a file that has grown from one that has ended.
    const std::uint64_t first = e.bytes > small_bytes_max || e.path == "-" ? piece_bytes : e.bytes + 1;
    co_await jobs_.memory().take(first);
    buffer bytes(first);
    std::exception_ptr why;
    try {
      bytes.resize(read_full(file, bytes, e.path));
      if (bytes.size() < first && bytes.size() <= small_bytes_max) {
        co_await put_whole(e, bytes);
      } else {
        co_await put_large(e, file, bytes, bytes.size() < first);
      }
    } catch (...) {
      why = std::current_exception();
    }
    jobs_.memory().give(first);
    if (why) std::rethrow_exception(why);
  }

  static attributes attributes_of(const source_entry& e) {
    attributes to;
    to.mode = e.mode;
    to.modified_ns = e.modified_ns;
    to.created_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    to.link_target = e.link_target;
    return to;
  }

  static batch batch_of(const source_entry& e, const buffer& bytes, bool replace) {
    batch group;
    if (replace) static_cast<void>(group.remove(object_key{e.name}));
    create_options options;
    options.name = e.name;
    options.fail_if_exists = true;
    options.attributes = attributes_of(e);
    const batch::index created = group.create(std::move(options));
    append_options how;
    how.modified_ns = e.modified_ns;
    if (!bytes.empty()) static_cast<void>(group.append_to_created(created, asio::buffer(bytes), how));
    return group;
  }

  asio::awaitable<void> put_whole(const source_entry& e, const buffer& bytes) {
    error_detail why;
    const store told = store_.with({.detail = &why});
    auto [code, done] = co_await told.async_commit(batch_of(e, bytes, false), durability::written, with_code);
    if (code == errc::exists) {
      std::tie(code, done) = co_await told.async_commit(batch_of(e, bytes, true), durability::written, with_code);
    }
    if (code) throw make_failure(e.name, code, why);
    jobs_.shown().add_bytes(bytes.size());
  }

  asio::awaitable<void> put_large(const source_entry& e, int file, const buffer& first, bool ended) {
    error_detail why;
    create_options options;
    options.attributes = attributes_of(e);
    auto [code, made] = co_await store_.with({.detail = &why}).async_create(std::move(options), with_code);
    if (code) throw make_failure(e.name, code, why);
    std::exception_ptr failed;
    try {
      co_await append_all(e, made, file, first, ended);
      auto [refused, at] =
          co_await store_.with({.detail = &why}).async_rename(object_key{made.id()}, e.name, true, with_code);
      if (refused) throw make_failure(e.name, refused, why);
    } catch (...) {
      failed = std::current_exception();
    }
    if (failed) {
      // If this fails too, the first reason is still the one to tell.
      static_cast<void>(co_await store_.async_remove(object_key{made.id()}, with_code));
      std::rethrow_exception(failed);
    }
  }

  /// `first` was read already; the rest is read and appended piece by piece.
  asio::awaitable<void> append_all(const source_entry& e, const object& to, int file, const buffer& first, bool ended) {
    in_flight pieces{jobs_.context()};
    std::exception_ptr failed;
    try {
      start_append(e, to, std::make_shared<buffer>(first), 0, pieces);
      while (!ended && !pieces.error()) {
        co_await pieces.until(pieces_per_file_max - 1);
        co_await jobs_.memory().take(piece_bytes);
        auto bytes = std::make_shared<buffer>(piece_bytes);
        try {
          bytes->resize(read_full(file, *bytes, e.path));
        } catch (...) {
          jobs_.memory().give(piece_bytes);
          throw;
        }
        ended = bytes->size() < piece_bytes;
        start_append(e, to, std::move(bytes), piece_bytes, pieces);
      }
    } catch (...) {
      failed = std::current_exception();
    }
    co_await pieces.until(0);
    if (failed) std::rethrow_exception(failed);
    if (pieces.error()) throw make_failure(e.name, pieces.error(), pieces.detail());
  }

  void start_append(const source_entry& e, const object& to, std::shared_ptr<buffer> bytes, std::uint64_t taken,
                    in_flight& pieces) {
    append_options how;
    how.modified_ns = e.modified_ns;
    auto why = std::make_shared<error_detail>();
    pieces.begun();
    const asio::const_buffer memory = asio::buffer(*bytes);
    to.with({.detail = why.get()})
        .async_append(memory, how,
                      asio::bind_executor(jobs_.context(), [this, bytes = std::move(bytes), why, taken, &pieces](
                                                               error_code code, const append_result& result) {
                        jobs_.memory().give(taken);
                        if (!code) jobs_.shown().add_bytes(result.bytes);
                        pieces.ended(code, *why);
                      }));
  }

  store store_;
  copy_jobs& jobs_;
};

source_tree collect_all(const arguments& a) {
  source_tree tree;
  for (const std::string& path : a.paths) {
    if (path != "-") {
      collect(tree, path, a.prefix, a.as);
      continue;
    }
    if (a.as.empty()) throw wrong_usage("put: standard input needs a name: --as NAME");
    source_entry e;
    e.path = path;
    e.name = a.prefix + a.as;
    e.mode = S_IFREG | 0644;
    e.modified_ns =
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    tree.entries.push_back(std::move(e));
    ++tree.files;
  }
  return tree;
}

exit_status put_all(const session& s, const source_tree& tree, progress& shown) {
  copy_jobs jobs{shown};
  putter put{s, jobs};
  std::size_t next = 0;
  return jobs.run([&]() -> std::optional<copy_jobs::job> {
    if (next == tree.entries.size()) return std::nullopt;
    const source_entry& e = tree.entries[next++];
    return [&put, &e] { return put.put(e); };
  });
}

exit_status run(const arguments& a) {
  if (!a.as.empty() && a.paths.size() != 1) throw wrong_usage("put: --as names one PATH");
  const source_tree tree = collect_all(a);
  exit_status status = tree.errors.empty() ? exit_status::good : exit_status::failed;
  for (const std::string& line : tree.errors) complain(line);
  for (const std::string& line : tree.warnings) complain(line);
  if (tree.entries.empty() && status != exit_status::good) return status;
  interrupt::install();
  session s{a.uri, access::read_write};
  progress shown{"put", tree.entries.size(), tree.bytes};
  std::exception_ptr stopped;
  try {
    status = std::max(status, put_all(s, tree, shown));
  } catch (...) {
    stopped = std::current_exception();
  }
  const bool told = shown.enabled();
  static_cast<void>(take(s.blocking().sync(), a.uri));
  s.close();
  if (told) fmt::print(stderr, "{}\n", shown.summary());
  if (a.json) {
    output out;
    out.json({{"files", shown.files()}, {"bytes", shown.bytes()}, {"seconds", shown.seconds()}});
    out.flush();
  }
  if (stopped) std::rethrow_exception(stopped);
  return status;
}

}  // namespace

action declare_put(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_names(app, "PATH", a->paths, "Files and trees; '-' is standard input (with --as)")->required();
  add_name(app, "--prefix", a->prefix, "Put before each name, as it is");
  add_name(app, "--as", a->as, "The name, in place of PATH's last component");
  add_json(app, a->json);
  app.footer(
      "A tree DIR becomes the objects DIR/ and DIR/...; the names of DIR/. begin below it.\n"
      "Objects that have the names are replaced, each in one step.");
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
