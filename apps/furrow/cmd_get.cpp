// furrow get: objects as files, links and directories below one directory, or their bytes to standard output.
//
// An argument that ends with '/', or that is no object's name, is a prefix: it stands for all names that begin with it.
//
// Invariants
//   I1  Nothing is written outside the directory, and no file is left half-written (output_tree.hpp).
//   I2  An object that fails is told on a line of its own, and the others are written all the same.
#include <fmt/format.h>
#include <sys/stat.h>

#include <boost/asio/bind_executor.hpp>
#include <memory>

#include "arguments.hpp"
#include "copy_jobs.hpp"
#include "copy_out.hpp"
#include "interrupt.hpp"
#include "live.hpp"
#include "output.hpp"
#include "output_tree.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

constexpr std::uint64_t piece_bytes = 1 << 20;
constexpr std::size_t pieces_per_file_max = 4;

struct arguments {
  std::string uri;
  bool live = false;
  std::vector<std::string> names;
  std::string to;
  bool json = false;
};

/// The names that the arguments stand for, one after the other, a page of them in memory.
class selected_names {
 public:
  selected_names(const session& s, const std::vector<std::string>& arguments) : session_{s}, arguments_{arguments} {
    if (arguments_.empty()) arguments_.emplace_back();
  }

  std::optional<std::string> next() {
    while (at_ == page_.entries.size()) {
      if (!fetch()) return std::nullopt;
    }
    return std::move(page_.entries[at_++].name);
  }

 private:
  /// The next page, or the next argument's first one; false at the end. A page may be empty.
  bool fetch() {
    at_ = 0;
    if (page_.more && !after_.empty()) {
      list(arguments_[argument_ - 1]);
      return true;
    }
    page_ = {};
    if (argument_ == arguments_.size()) return false;
    const std::string& argument = arguments_[argument_++];
    const bool prefix = argument.empty() || argument.ends_with('/');
    const auto exact = prefix ? outcome<blocking_object>{furrow::failure{errc::not_found, {}}}
                              : session_.blocking().open_object(object_key{argument});
    if (exact) {
      page_.entries.push_back({argument, exact->id()});
      return true;
    }
    if (exact.error().code != errc::not_found) throw make_failure(argument, exact.error().code, exact.error().detail);
    after_.clear();
    list(argument);
    if (page_.entries.empty() && !argument.empty()) {
      throw failure{escaped(argument) + ": no object has this name, and none begins with it; 'furrow ls' lists them"};
    }
    return true;
  }

  void list(const std::string& prefix) {
    list_query query;
    query.prefix = prefix;
    query.after = after_;
    page_ = take(session_.blocking().list(query), session_.uri());
    if (!page_.entries.empty()) after_ = page_.entries.back().name;
    if (page_.entries.empty()) page_.more = false;
  }

  const session& session_;
  std::vector<std::string> arguments_;
  std::size_t argument_ = 0;
  list_page page_;
  std::size_t at_ = 0;
  std::string after_;
};

class getter {
 public:
  getter(const session& s, copy_jobs& jobs, output_tree& tree) : store_{s.async()}, jobs_{jobs}, tree_{tree} {}

  asio::awaitable<void> get(std::string name) {
    error_detail why;
    auto [code, from] = co_await store_.with({.detail = &why}).async_open_object(object_key{name}, with_code);
    if (code) throw make_failure(name, code, why);
    auto [unknown, status] = co_await from.with({.detail = &why}).async_stat(with_code);
    if (unknown) throw make_failure(name, unknown, why);
    const attributes& a = status.attributes;
    if (S_ISLNK(a.mode)) {
      tree_.make_link(name, a.link_target, a.modified_ns);
    } else if (S_ISDIR(a.mode)) {
      tree_.make_directory(name, a.mode, a.modified_ns);
    } else {
      const std::unique_ptr<new_file> to = tree_.make_file(name);
      co_await read_all(from, name, status.bytes, *to);
      to->commit(a.mode, a.modified_ns);
    }
    jobs_.shown().add_file();
  }

 private:
  asio::awaitable<void> read_all(const object& from, const std::string& name, std::uint64_t bytes, new_file& to) {
    in_flight pieces{jobs_.context()};
    std::exception_ptr failed;
    std::uint64_t arrived = 0;
    for (std::uint64_t at = 0; at < bytes && !pieces.error() && !failed && !interrupt::requested(); at += piece_bytes) {
      co_await pieces.until(pieces_per_file_max - 1);
      const std::uint64_t length = std::min(piece_bytes, bytes - at);
      co_await jobs_.memory().take(length);
      start_read(from, at, length, to, pieces, failed, arrived);
    }
    co_await pieces.until(0);
    if (failed) std::rethrow_exception(failed);
    if (pieces.error()) throw make_failure(name, pieces.error(), pieces.detail());
    if (interrupt::requested()) throw interrupted{};
    if (arrived != bytes) {
      throw failure{fmt::format("{}: {} bytes of {} came", escaped(name), arrived, bytes), exit_status::damage_found};
    }
  }

  void start_read(const object& from, std::uint64_t at, std::uint64_t length, new_file& to, in_flight& pieces,
                  std::exception_ptr& failed, std::uint64_t& arrived) {
    auto bytes = std::make_shared<std::vector<std::byte>>(length);
    auto why = std::make_shared<error_detail>();
    pieces.begun();
    const asio::mutable_buffer memory = asio::buffer(*bytes);
    from.with({.detail = why.get()})
        .async_read(at, memory,
                    asio::bind_executor(jobs_.context(), [this, bytes, why, at, &to, &pieces, &failed, &arrived](
                                                             error_code code, std::uint64_t got) {
                      if (!code && !failed) {
                        try {
                          to.write_at(at, std::span{*bytes}.first(got));
                          arrived += got;
                          jobs_.shown().add_bytes(got);
                        } catch (...) {
                          failed = std::current_exception();
                        }
                      }
                      jobs_.memory().give(bytes->size());
                      pieces.ended(code, *why);
                    }));
  }

  store store_;
  copy_jobs& jobs_;
  output_tree& tree_;
};

exit_status get_to_directory(const session& s, const arguments& a, progress& shown) {
  output_tree tree{a.to};
  selected_names names{s, a.names};
  copy_jobs jobs{shown};
  getter get{s, jobs, tree};
  std::optional<failure> not_selected;
  exit_status status = jobs.run([&]() -> std::optional<copy_jobs::job> {
    for (;;) {
      try {
        std::optional<std::string> name = names.next();
        if (!name) return std::nullopt;
        return [&get, name = std::move(*name)] { return get.get(name); };
      } catch (const failure& f) {
        if (f.final()) throw;
        shown.clear();
        complain(f.what());
        not_selected = f;
      }
    }
  });
  if (not_selected) status = std::max(status, not_selected->status());
  tree.finish_directories();
  return status;
}

exit_status get_to_output(const session& s, const arguments& a) {
  if (a.names.empty()) throw wrong_usage("get: say which objects are to go to standard output");
  output out;
  selected_names names{s, a.names};
  while (const auto name = names.next()) {
    const blocking_object from = s.open_object(*name);
    const object_status status = take(from.stat(), *name);
    if (status.attributes.mode != 0 && !S_ISREG(status.attributes.mode)) continue;
    copy_out(out, from.async(), *name, {0, status.bytes});
  }
  out.flush();
  return exit_status::good;
}

/// For an estimate of the time: worth a pass over the names only if somebody sees it.
std::uint64_t count_of(const session& s, const arguments& a) {
  std::uint64_t count = 0;
  try {
    for (selected_names names{s, a.names}; names.next();) ++count;
  } catch (const failure&) {
    return 0;  // told when it is met again
  }
  return count;
}

exit_status run(const arguments& a) {
  session s{a.uri, reading(a.live)};
  if (a.to == "-") {
    const exit_status status = get_to_output(s, a);
    s.close();
    return status;
  }
  interrupt::install();
  const bool told = progress{"", 0, 0}.enabled();
  progress shown{"get", told ? count_of(s, a) : 0, 0};
  const exit_status status = get_to_directory(s, a, shown);
  shown.clear();
  s.close();
  if (told) fmt::print(stderr, "{}\n", shown.summary());
  if (a.json) {
    output out;
    out.json({{"files", shown.files()}, {"bytes", shown.bytes()}, {"seconds", shown.seconds()}});
    out.flush();
  }
  return status;
}

}  // namespace

action declare_get(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_live(app, a->live);
  add_names(app, "NAME", a->names, "Objects; one that ends with '/' or is no object's name is a prefix; none: all");
  add_name(app, "--to", a->to, "The directory to write to, or '-' for standard output")->required();
  add_json(app, a->json);
  return [a] { return attach(a->live, [&a] { return run(*a); }); };
}

}  // namespace furrow::cli
