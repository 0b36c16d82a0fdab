#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <utility>
#include <vector>

#include "draw.hpp"
#include "fsx.hpp"
#include "furrow/engine/store.hpp"
#include "furrow/engine/view.hpp"
#include "furrow/failure.hpp"
#include "furrow/session.hpp"
#include "model.hpp"

namespace furrow::fsx {

namespace {

constexpr std::chrono::seconds patience{120};
constexpr std::size_t told_ops = 25;
constexpr std::uint64_t piece_bytes = 1 << 20;
constexpr int relieves_max = 3;  ///< In a row.

struct subject {
  std::string name;
  furrow::object object;
  model holds;
};

/// Bytes of an object.
struct byte_range {
  std::uint64_t first = 0;
  std::uint64_t end = 0;
  [[nodiscard]] bool meets(const byte_range& other) const { return other.first < end && first < other.end; }
};

/// An operation that was called.
struct flight {
  operation what;
  byte_range changes;
  byte_range looks;
  std::shared_ptr<furrow::view> view;  ///< That is written.
  std::vector<std::byte> memory;
  std::span<std::byte> bytes;  ///< In `memory`.
  error_detail why;
};

class runner {
 public:
  explicit runner(const run_options& options)
      : options_{options}, draw_{options, [this](std::size_t o) { return objects_[o].holds.size(); }} {}

  totals run() {
    try {
      device_ = await<store::device_pointer>([this](auto&& token) {
        store::async_format(context_, cli::open_device(options_.uri, cli::access::read_write),
                            {.force = options_.force}, std::move(token));
      });
      for (std::size_t i = 0; i < options_.objects; ++i) objects_.push_back({fmt::format("object-{}", i), {}, {}});
      open();
      for (std::uint64_t n = 1; n <= options_.ops; ++n) {
        carry_out(draw_.next(n));
        if (options_.verify_every > 0 && n % options_.verify_every == 0) verify();
      }
      verify();
      check();
      close();
      return counts_;
    } catch (const cli::failure& f) {
      tell_last();
      throw cli::failure{fmt::format("seed {}: {}", options_.seed, f.what()), f.status()};
    }
  }

 private:
  // -- waiting --

  void step() {
    if (context_.run_one_for(patience) == 0)
      throw cli::failure{
          fmt::format("nothing has ended for {} s, with {} operations in flight", patience.count(), in_flight_.size())};
  }

  /// Whatever the store runs on, handlers are called in step().
  template <class Handler>
  auto here(Handler handler) {
    return asio::bind_executor(context_.get_executor(), std::move(handler));
  }

  template <class T, class Start>
  T await(Start&& start) {
    std::optional<std::pair<error_code, T>> got;
    start(here([&got](error_code ec, T value) { got.emplace(ec, std::move(value)); }));
    while (!got) step();
    if (got->first) throw cli::make_failure(options_.uri, got->first);
    return std::move(got->second);
  }

  void drain() {
    while (!in_flight_.empty()) step();
    if (!trouble_.empty()) throw cli::failure{trouble_, cli::exit_status::damage_found};
    if (!upset_ && !unexcused_.empty()) throw cli::failure{unexcused_, cli::exit_status::damage_found};
    unexcused_.clear();
    if (upset_) relieve();
  }

  // -- the store --

  void open() {
    store_options how;
    how.checkpoint_journal_bytes_min = 64 << 10;
    how.ordered_extent_bytes_max = options_.seed % 3 == 0 ? 64 << 10 : 16 << 20;
    const run_on where = options_.maps ? run_on{own_thread} : run_on{context_};
    store_ = await<store>([&](auto&& t) { store::async_open(where, std::move(device_), how, std::move(t)); });
    for (subject& s : objects_) s.object = await<object>([&](auto&& t) { store_.async_create(s.name, std::move(t)); });
  }

  void close() {
    const auto s = await<statistics>([this](auto&& t) { store_.async_statistics(std::move(t)); });
    for (auto field :
         {&statistics::zone_resets, &statistics::checkpoints, &statistics::ordered_extents, &statistics::splits,
          &statistics::merges, &statistics::attempts, &statistics::extracted, &statistics::cancelled_blocks,
          &statistics::edge_reads, &statistics::fill_bytes, &statistics::bounced_bytes})
      counts_.store.*field += s.*field;
    for (subject& o : objects_) o.object = {};
    device_ = await<store::device_pointer>([this](auto&& t) { store_.async_close(std::move(t)); });
    store_ = {};
  }

  void check() {
    const auto r = await<check_result>([this](auto&& t) { store_.async_check(true, std::move(t)); });
    ++counts_.checks;
    if (r.damage == 0) return;
    std::string text = fmt::format("check found {} faults", r.damage);
    for (const check_finding& f : r.findings) text += "; " + f.what;
    throw cli::failure{text, cli::exit_status::damage_found};
  }

  void reopen() {
    drain();
    close();
    open();
    check();
    verify();
  }

  void verify() {
    drain();
    std::vector<std::byte> to;
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      const subject& s = objects_[i];
      const auto status = await<object_status>([&](auto&& t) { s.object.async_stat(std::move(t)); });
      if (status.bytes != s.holds.size())
        throw cli::failure{fmt::format("object {} has {} bytes, and was to have {}", i, status.bytes, s.holds.size()),
                           cli::exit_status::damage_found};
      for (std::uint64_t at = 0; at < status.bytes; at += piece_bytes) {
        to.resize(std::min(piece_bytes, status.bytes - at));
        static_cast<void>(await<std::uint64_t>(
            [&](auto&& t) { s.object.async_read(at, asio::buffer(to.data(), to.size()), std::move(t)); }));
        compare(i, at, to);
      }
    }
    ++counts_.verifications;
  }

  void compare(std::size_t object, std::uint64_t at, std::span<const std::byte> read) {
    counts_.bytes_compared += read.size();
    if (const auto difference = objects_[object].holds.compare(at, read))
      throw cli::failure{fmt::format("object {}: {}", object, *difference), cli::exit_status::damage_found};
  }

  /// There was no space: what is in the objects is not known, and it goes.
  void relieve() {
    upset_ = false;
    ++counts_.no_space;
    if (++relieves_ > relieves_max) throw cli::failure{"the store stays full though its objects are empty"};
    for (subject& s : objects_) {
      s.holds = {};
      static_cast<void>(await<sequence>([&](auto&& t) { s.object.async_truncate(0, {}, std::move(t)); }));
    }
    static_cast<void>(await<sequence>([this](auto&& t) { store_.async_checkpoint(std::move(t)); }));
  }

  // -- one operation --

  void carry_out(const operation& o) {
    last_.push_back(o);
    if (last_.size() > told_ops + options_.depth) last_.pop_front();
    ++counts_.ops[static_cast<std::size_t>(o.kind)];
    if (o.kind == op_kind::reopen) return reopen();
    if (o.kind == op_kind::recreate) return recreate(o);
    auto f = std::make_unique<flight>();
    f->what = o;
    set_range(*f);
    const auto meets = [&f](const std::unique_ptr<flight>& other) {
      const bool same = other->what.object == f->what.object;
      return same && (other->changes.meets(f->looks) || other->looks.meets(f->changes));
    };
    while (std::any_of(in_flight_.begin(), in_flight_.end(), meets)) step();
    while (in_flight_.size() >= options_.depth) step();
    if (upset_ || !trouble_.empty()) return drain();
    if (o.kind == op_kind::map || o.kind == op_kind::write_view) {
      map(*f);
      if (upset_ || !trouble_.empty()) return drain();
    }
    if (o.kind == op_kind::map) return look_at_all(*f);
    call(std::move(f));
    if (options_.depth == 1) drain();
  }

  void set_range(flight& f) const {
    const operation& o = f.what;
    const std::uint64_t size = objects_[o.object].holds.size();
    constexpr std::uint64_t far = std::uint64_t{1} << 62;
    byte_range r{o.offset_bytes, o.offset_bytes + o.bytes};
    switch (o.kind) {
      case op_kind::sync:
        return;
      case op_kind::read:
      case op_kind::map:
        f.looks = r;
        return;
      case op_kind::extents:  // whole blocks, and where the tail begins
        f.looks = {r.first / block_bytes * block_bytes, far};
        return;
      case op_kind::write_view:
        f.looks = {o.source_offset_bytes, o.source_offset_bytes + o.bytes};
        break;
      case op_kind::trim_front:
        r = {0, o.offset_bytes};
        break;
      case op_kind::truncate:
        r = {std::min(o.offset_bytes, size), far};
        break;
      case op_kind::append:
      case op_kind::write:
      case op_kind::punch:
      case op_kind::write_zeroes:
      case op_kind::clone:
      case op_kind::recreate:
      case op_kind::reopen:
        break;
    }
    if (r.end >= size) r = {std::min(r.first, size), far};
    f.changes = r;
  }

  // -- views --

  /// Makes a view, of which some is filled then.
  void map(flight& f) {
    const subject& s = objects_[f.what.object];
    const std::uint64_t first = f.looks.first, bytes = f.looks.end - f.looks.first;
    const map_options how{.copy_where_denied = true, .fill_bytes = block_bytes << draw_.below(5)};
    f.view = await<std::shared_ptr<view>>([&](auto&& t) { s.object.async_map(first, bytes, how, std::move(t)); });
    if (upset_) return;
    if (f.view->copied()) ++counts_.copied_views;
    for (std::uint64_t parts = draw_.below(4); parts > 0; --parts) {
      const std::uint64_t at = draw_.one_in(3) ? 0 : draw_.below(bytes);
      compare(f.what.object, first + at, f.view->memory().subspan(at, 1 + draw_.below(bytes - at)));
    }
  }

  void look_at_all(flight& f) {
    const std::uint64_t bytes = f.view->bytes();
    if (draw_.one_in(2)) f.view->release_pages(draw_.below(bytes), 1 + draw_.below(bytes));
    if (draw_.one_in(2))
      if (const error_code ec = f.view->populate(draw_.below(bytes), bytes)) throw cli::make_failure("a view", ec);
    compare(f.what.object, f.what.offset_bytes, f.view->memory());
  }

  void recreate(const operation& o) {
    drain();
    subject& s = objects_[o.object];
    static_cast<void>(await<sequence>([&](auto&& t) { store_.async_remove(s.name, std::move(t)); }));
    s.holds = {};
    s.object = await<object>([&](auto&& t) { store_.async_create(s.name, std::move(t)); });
  }

  void give_memory(flight& f) {
    // Half of it has the block's offset in the memory that it has in the object, so that it needs no copy.
    const std::uint64_t lead = draw_.one_in(2) ? f.what.offset_bytes % block_bytes : draw_.below(block_bytes);
    f.memory.resize(f.what.bytes + 2 * block_bytes);
    const auto begin = reinterpret_cast<std::uintptr_t>(f.memory.data());
    f.bytes = std::span{f.memory}.subspan((block_bytes - begin % block_bytes) % block_bytes + lead, f.what.bytes);
  }

  /// The bytes in up to three pieces.
  std::vector<asio::const_buffer> pieces(const flight& f) {
    std::vector<asio::const_buffer> to;
    std::size_t at = 0;
    while (f.bytes.size() > at) {
      std::size_t bytes = f.bytes.size() - at;
      if (to.size() < 2 && draw_.one_in(3)) bytes = std::min(bytes, 1 + draw_.below(bytes));
      to.emplace_back(f.bytes.data() + at, bytes);
      at += bytes;
    }
    return to;
  }

  void apply(const flight& f) {
    const operation& o = f.what;
    model& m = objects_[o.object].holds;
    switch (o.kind) {
      case op_kind::append:
      case op_kind::write:
      case op_kind::write_view:
        return m.write(o.offset_bytes, f.bytes);
      case op_kind::punch:
        return m.zero(o.offset_bytes, o.bytes, false);
      case op_kind::write_zeroes:
        return m.zero(o.offset_bytes, o.bytes, true);
      case op_kind::trim_front:
        return m.zero(0, o.offset_bytes / block_bytes * block_bytes, false);
      case op_kind::truncate:
        return m.truncate(o.offset_bytes);
      case op_kind::clone:
        return m.clone(o.offset_bytes, objects_[o.source].holds, o.source_offset_bytes, o.bytes);
      case op_kind::read:
      case op_kind::extents:
      case op_kind::map:
      case op_kind::sync:
      case op_kind::recreate:
      case op_kind::reopen:
        return;
    }
  }

  void call(std::unique_ptr<flight> owned) {
    flight& f = *owned;
    const operation& o = f.what;
    const bool writes = o.kind == op_kind::append || o.kind == op_kind::write;
    if (writes || o.kind == op_kind::read) give_memory(f);
    if (writes) draw_.fill(f.bytes);
    if (o.kind == op_kind::write_view) {  // what the view shows
      const auto shown = objects_[o.object].holds.bytes(o.source_offset_bytes, o.bytes);
      f.memory.assign(shown.begin(), shown.end());
      f.bytes = f.memory;
    }
    if (writes || f.view) counts_.bytes_written += o.bytes;
    const auto place = in_flight_.insert(in_flight_.end(), std::move(owned));
    const auto ended = [this, place](error_code ec, const auto& result) {
      const std::unique_ptr<flight> done = std::move(*place);
      in_flight_.erase(place);
      this->ended(*done, ec, result);
    };
    const furrow::object to = objects_[o.object].object.with({.detail = &f.why});
    const write_options how{.level = o.durable ? durability::durable : durability::written};
    start(to, f, how, here(ended));
    if (options_.depth > 1) apply(f);
  }

  template <class Ended>
  void start(const furrow::object& to, const flight& f, const write_options& how, Ended ended) {
    const operation& o = f.what;
    switch (o.kind) {
      case op_kind::append:
        return to.async_append(pieces(f), {.level = how.level}, std::move(ended));
      case op_kind::write:
        return to.async_write(o.offset_bytes, pieces(f), how, std::move(ended));
      case op_kind::write_view:
        return to.async_write(o.offset_bytes, f.view, how, std::move(ended));
      case op_kind::read:
        return to.async_read(o.offset_bytes, asio::buffer(f.bytes.data(), f.bytes.size()), std::move(ended));
      case op_kind::punch:
        return to.async_punch(o.offset_bytes, o.bytes, how, std::move(ended));
      case op_kind::write_zeroes:
        return to.async_write_zeroes(o.offset_bytes, o.bytes, how, std::move(ended));
      case op_kind::truncate:
        return to.async_truncate(o.offset_bytes, how, std::move(ended));
      case op_kind::trim_front:
        return to.async_trim_front(o.offset_bytes, how, std::move(ended));
      case op_kind::clone:
        return to.async_clone(o.offset_bytes, objects_[o.source].object, o.source_offset_bytes, o.bytes, how,
                              std::move(ended));
      case op_kind::extents:
        return to.async_extents(o.offset_bytes, o.bytes, 1 + static_cast<std::uint32_t>(draw_.below(200)),
                                std::move(ended));
      case op_kind::map:
      case op_kind::sync:
      case op_kind::recreate:
      case op_kind::reopen:
        return to.async_sync(std::move(ended));
    }
  }

  template <class Result>
  void ended(const flight& f, error_code ec, const Result& result) {
    if (ec) return failed(f, ec);
    relieves_ = 0;
    if (upset_) return;
    std::string wrong;
    if constexpr (std::is_same_v<Result, append_result>) {
      if (result.offset_bytes != f.what.offset_bytes || result.bytes != f.what.bytes)
        wrong = fmt::format("{} bytes went to {}", result.bytes, result.offset_bytes);
    } else if constexpr (std::is_same_v<Result, std::uint64_t>) {
      if (f.what.kind == op_kind::read) {
        counts_.bytes_compared += f.bytes.size();
        wrong = objects_[f.what.object].holds.compare(f.what.offset_bytes, f.bytes).value_or("");
      }
    } else if constexpr (std::is_same_v<Result, extent_list>) {
      wrong = objects_[f.what.object].holds.compare(f.what.offset_bytes, f.what.bytes, result).value_or("");
    }
    if (!wrong.empty() && trouble_.empty()) trouble_ = to_text(f.what) + ": " + wrong;
    if (options_.depth == 1) apply(f);
  }

  /// What comes of an operation that failed for want of space is excused.
  void failed(const flight& f, error_code ec) {
    const std::string text = cli::describe(to_text(f.what), ec, f.why);
    const bool follows = ec == errc::predecessor_failed || ec == errc::out_of_range || ec == errc::invalid_argument;
    if (ec == errc::no_space)
      upset_ = true;
    else if (follows && options_.depth > 1)
      unexcused_ = unexcused_.empty() ? text : unexcused_;
    else if (trouble_.empty())
      trouble_ = text;
  }

  void tell_last() const {
    fmt::print(stderr, "the last operations:\n");
    for (const operation& o : last_) fmt::print(stderr, "  {}\n", to_text(o));
  }

  const run_options& options_;
  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
  drawer draw_;
  std::list<std::unique_ptr<flight>> in_flight_;  ///< Whose memory the store may use as long as it is there.
  store::device_pointer device_;
  store store_;
  std::vector<subject> objects_;
  std::deque<operation> last_;
  totals counts_;
  std::string trouble_;    ///< The first thing that is wrong.
  std::string unexcused_;  ///< Wrong unless there was no space.
  bool upset_ = false;     ///< There was no space.
  int relieves_ = 0;
};

}  // namespace

totals run(const run_options& options) { return runner{options}.run(); }

}  // namespace furrow::fsx
