// furrow append: standard input to the end of an object, made if it is absent.
//
// Each piece that the input gives is appended when it comes, so that a slow writer's lines are stored as they are
// written; several appends are in flight, in order. With --durable (the default), bytes are acknowledged when they
// survive a loss of power; the status is 0 only if all are.
//
// Invariants
//   I1  Pieces are appended in the order of the input; after one that failed, none is.
//   I2  At most pieces_max pieces of piece_bytes_max are in memory.
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <boost/asio/use_future.hpp>
#include <cerrno>
#include <deque>
#include <future>
#include <memory>
#include <optional>

#include "arguments.hpp"
#include "interrupt.hpp"
#include "output.hpp"
#include "progress.hpp"
#include "session.hpp"
#include "text.hpp"

namespace furrow::cli {

namespace {

constexpr std::size_t piece_bytes_max = 1 << 20;
constexpr std::size_t pieces_max = 8;

struct arguments {
  std::string uri;
  std::string name;
  bool written = false;
  std::optional<std::uint64_t> expected_offset_bytes;
  std::optional<std::uint64_t> fence_epoch;
  bool json = false;
};

struct appended {
  error_code error;
  append_result result;
};

class appender {
 public:
  appender(object to, const arguments& a) : to_{std::move(to)}, arguments_{a} {}
  appender(const appender&) = delete;
  appender& operator=(const appender&) = delete;
  ~appender() {
    for (pending& p : pending_) p.done.wait();  // the memory is the operation's until then
  }

  void append(std::vector<std::byte> bytes) {
    if (pending_.size() == pieces_max) finish_first();
    append_options options;
    options.level = arguments_.written ? durability::written : durability::durable;
    options.fence_epoch = arguments_.fence_epoch;
    if (arguments_.expected_offset_bytes) {
      options.expected_offset_bytes = *arguments_.expected_offset_bytes + submitted_bytes_;
    }
    submitted_bytes_ += bytes.size();
    pending& p = pending_.emplace_back();
    p.bytes = std::move(bytes);
    const auto keep = [](error_code code, append_result result) { return appended{code, result}; };
    p.done = to_.with({.detail = &p.detail}).async_append(asio::buffer(p.bytes), options, asio::use_future(keep));
  }

  void finish_all() {
    while (!pending_.empty()) finish_first();
  }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] std::optional<std::uint64_t> offset_bytes() const { return offset_bytes_; }
  [[nodiscard]] sequence last_sequence() const { return sequence_; }

 private:
  struct pending {
    std::vector<std::byte> bytes;
    error_detail detail;
    std::future<appended> done;
  };

  void finish_first() {
    pending& p = pending_.front();
    const appended got = p.done.get();
    const error_detail detail = p.detail;
    pending_.pop_front();
    if (got.error) throw make_failure(arguments_.name, got.error, detail);
    if (!offset_bytes_) offset_bytes_ = got.result.offset_bytes;
    bytes_ += got.result.bytes;
    sequence_ = got.result.sequence;
  }

  object to_;
  const arguments& arguments_;
  std::deque<pending> pending_;
  std::uint64_t submitted_bytes_ = 0;
  std::uint64_t bytes_ = 0;
  std::optional<std::uint64_t> offset_bytes_;
  sequence sequence_ = 0;
};

/// What the input gives now; empty at its end, or when the command was asked to stop.
std::vector<std::byte> read_piece() {
  std::vector<std::byte> piece(piece_bytes_max);
  std::size_t filled = 0;
  while (filled < piece.size() && !interrupt::requested()) {
    const ssize_t got = ::read(STDIN_FILENO, piece.data() + filled, piece.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw system_failure("standard input", errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
    // A full piece is better, but not worth waiting for.
    pollfd more{STDIN_FILENO, POLLIN, 0};
    if (::poll(&more, 1, 0) <= 0) break;
  }
  piece.resize(filled);
  return piece;
}

exit_status run(const arguments& a) {
  if (a.name.empty()) throw make_failure("append", errc::name_empty);
  interrupt::install();
  session s{a.uri, access::read_write};
  create_options options;
  options.name = a.name;
  const blocking_object object = take(s.blocking().create(options), a.name);
  appender to{object.async(), a};
  progress shown{"append", 0, 0};
  for (std::vector<std::byte> piece = read_piece(); !piece.empty(); piece = read_piece()) {
    const std::size_t bytes = piece.size();
    to.append(std::move(piece));
    shown.add_bytes(bytes);
  }
  to.finish_all();
  shown.clear();
  // Also makes the object itself durable, where nothing was appended to it.
  if (!a.written) static_cast<void>(take(object.sync(), a.name));
  s.close();
  if (a.json) {
    nlohmann::json result{{"bytes", to.bytes()}, {"sequence", to.last_sequence()}, {"object", object.id()}};
    set_bytes(result, "name", a.name);
    if (to.offset_bytes()) result["offset_bytes"] = *to.offset_bytes();
    output out;
    out.json(result);
    out.flush();
  }
  if (interrupt::requested()) throw interrupted{};
  return exit_status::good;
}

}  // namespace

action declare_append(CLI::App& app) {
  auto a = std::make_shared<arguments>();
  add_uri(app, a->uri);
  add_name(app, "NAME", a->name, "The object; made if it is absent")->required();
  app.add_flag("--written,!--durable", a->written, "Don't wait until the bytes survive a loss of power");
  app.add_option("--expect-offset", a->expected_offset_bytes, "Fail unless the object ends at this byte");
  app.add_option("--fence-epoch", a->fence_epoch, "Fail if a higher epoch was stated; raise it if it is lower");
  add_json(app, a->json);
  return [a] { return run(*a); };
}

}  // namespace furrow::cli
