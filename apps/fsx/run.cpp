#include <fmt/format.h>

#include <algorithm>
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

/// An operation that was called.
struct flight {
  operation what;
  std::uint64_t first = 0;  ///< Bytes of the object that it changes or looks at,
  std::uint64_t end = 0;
  bool looks = false;  ///< and whether it only looks.
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

  template <class T, class Start>
  T await(Start&& start) {
    std::optional<std::pair<error_code, T>> got;
    start([&got](error_code ec, T value) { got.emplace(ec, std::move(value)); });
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
    store_ = await<store>([&](auto&& t) { store::async_open(context_, std::move(device_), how, std::move(t)); });
    for (subject& s : objects_) s.object = await<object>([&](auto&& t) { store_.async_create(s.name, std::move(t)); });
  }

  void close() {
    const auto s = await<statistics>([this](auto&& t) { store_.async_statistics(std::move(t)); });
    for (auto field : {&statistics::zone_resets, &statistics::checkpoints, &statistics::ordered_extents,
                       &statistics::splits, &statistics::merges, &statistics::attempts, &statistics::edge_reads})
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
      const bool same = other->what.object == f->what.object && other->first < f->end && f->first < other->end;
      return f->looks ? same && !other->looks : same && other->looks;
    };
    while (std::any_of(in_flight_.begin(), in_flight_.end(), meets)) step();
    while (in_flight_.size() >= options_.depth) step();
    if (upset_ || !trouble_.empty()) return drain();
    call(std::move(f));
    if (options_.depth == 1) drain();
  }

  void set_range(flight& f) const {
    const operation& o = f.what;
    const std::uint64_t size = objects_[o.object].holds.size();
    constexpr std::uint64_t far = std::uint64_t{1} << 62;
    f.looks = o.kind == op_kind::read || o.kind == op_kind::extents || o.kind == op_kind::sync;
    f.first = o.offset_bytes;
    f.end = o.offset_bytes + o.bytes;
    if (o.kind == op_kind::trim_front) f.first = 0, f.end = o.offset_bytes;
    if (o.kind == op_kind::truncate) f.first = std::min(o.offset_bytes, size), f.end = far;
    if (o.kind == op_kind::sync) f.end = f.first;
    if (o.kind == op_kind::extents) {  // whole blocks, and where the tail begins
      f.first = f.first / block_bytes * block_bytes;
      f.end = far;
    }
    if (!f.looks && f.end >= size) f.first = std::min(f.first, size), f.end = far;
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
    if (writes) {
      draw_.fill(f.bytes);
      counts_.bytes_written += o.bytes;
    }
    const auto place = in_flight_.insert(in_flight_.end(), std::move(owned));
    const auto ended = [this, place](error_code ec, const auto& result) {
      const std::unique_ptr<flight> done = std::move(*place);
      in_flight_.erase(place);
      this->ended(*done, ec, result);
    };
    const furrow::object to = objects_[o.object].object.with({.detail = &f.why});
    const write_options how{.level = o.durable ? durability::durable : durability::written};
    start(to, f, how, ended);
    if (options_.depth > 1) apply(f);
  }

  template <class Ended>
  void start(const furrow::object& to, const flight& f, const write_options& how, const Ended& ended) {
    const operation& o = f.what;
    switch (o.kind) {
      case op_kind::append:
        return to.async_append(pieces(f), {.level = how.level}, ended);
      case op_kind::write:
        return to.async_write(o.offset_bytes, pieces(f), how, ended);
      case op_kind::read:
        return to.async_read(o.offset_bytes, asio::buffer(f.bytes.data(), f.bytes.size()), ended);
      case op_kind::punch:
        return to.async_punch(o.offset_bytes, o.bytes, how, ended);
      case op_kind::write_zeroes:
        return to.async_write_zeroes(o.offset_bytes, o.bytes, how, ended);
      case op_kind::truncate:
        return to.async_truncate(o.offset_bytes, how, ended);
      case op_kind::trim_front:
        return to.async_trim_front(o.offset_bytes, how, ended);
      case op_kind::clone:
        return to.async_clone(o.offset_bytes, objects_[o.source].object, o.source_offset_bytes, o.bytes, how, ended);
      case op_kind::extents:
        return to.async_extents(o.offset_bytes, o.bytes, 1 + static_cast<std::uint32_t>(draw_.below(200)), ended);
      case op_kind::sync:
      case op_kind::recreate:
      case op_kind::reopen:
        return to.async_sync(ended);
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
  store::device_pointer device_;
  store store_;
  std::vector<subject> objects_;
  std::list<std::unique_ptr<flight>> in_flight_;
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
