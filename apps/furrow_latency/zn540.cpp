#include "furrow_latency/zn540.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace furrow::latency {
namespace {

constexpr nanoseconds turn_ns = 7'576;  // 132,000 a second
constexpr nanoseconds append_ns = 3'800;
constexpr nanoseconds read_ns = 71'000;
constexpr nanoseconds other_ns = 11'000;
constexpr double reset_empty_ns = 1.6e6, reset_full_ns = 15.8e6, finish_ns = 907e6;

}  // namespace

void shared_bandwidth::advance(nanoseconds now) {
  if (!parts_.empty()) {
    const double each = static_cast<double>(now - at_) * bytes_a_ns_ / static_cast<double>(parts_.size());
    for (part& p : parts_) p.left -= each;
  }
  at_ = now;
}

std::size_t shared_bandwidth::least() const {
  const auto less = [](const part& a, const part& b) { return a.left < b.left; };
  return static_cast<std::size_t>(std::min_element(parts_.begin(), parts_.end(), less) - parts_.begin());
}

void shared_bandwidth::add(std::uint64_t tag, std::uint64_t bytes, nanoseconds now) {
  advance(now);
  parts_.push_back({tag, static_cast<double>(bytes)});
}

std::optional<nanoseconds> shared_bandwidth::next() const {
  if (parts_.empty()) return {};
  const double left = std::max(parts_[least()].left, 0.0);
  return at_ + static_cast<nanoseconds>(std::ceil(left * static_cast<double>(parts_.size()) / bytes_a_ns_));
}

std::uint64_t shared_bandwidth::take(nanoseconds now) {
  advance(now);
  const std::size_t at = least();
  const std::uint64_t tag = parts_[at].tag;
  parts_.erase(parts_.begin() + static_cast<std::ptrdiff_t>(at));
  return tag;
}

double zn540::write_bytes_a_second() { return 1146.0 * (1 << 20); }

nanoseconds zn540::managed(const zoned::command& c, nanoseconds now, double fill) {
  const double took = c.op == zoned::opcode::reset ? reset_empty_ns + fill * (reset_full_ns - reset_empty_ns)
                      : fill == 0                  ? 13e3
                                                   : finish_ns * (1 - fill);
  return managing_until_ = std::max(now, managing_until_) + static_cast<nanoseconds>(took);
}

void zn540::submit(const zoned::command& c, nanoseconds now) {
  const std::uint64_t tag = ++last_;
  const zoned::completion done = does_.execute(c);
  at_work_.emplace(tag, done);
  double& filled = fill_bytes_[c.zone.value];
  const double fill = std::min(1.0, filled / static_cast<double>(does_.zone_bytes()));
  switch (c.op) {
    case zoned::opcode::append:
    case zoned::opcode::write: {
      filled += static_cast<double>(done.bytes);
      const nanoseconds turn = std::max(now, turn_at_);
      turn_at_ = turn + turn_ns;
      due_.emplace(turn_at_ + append_ns, due{stage::to_write, tag});
      return;
    }
    case zoned::opcode::read:
      due_.emplace(now + read_ns, due{stage::to_read, tag});
      return;
    case zoned::opcode::reset:
    case zoned::opcode::finish:
      due_.emplace(managed(c, now, fill), due{stage::done, tag});
      filled = c.op == zoned::opcode::reset ? 0 : static_cast<double>(does_.zone_bytes());
      return;
    case zoned::opcode::report:
    case zoned::opcode::flush:
    case zoned::opcode::open:
    case zoned::opcode::close:
      due_.emplace(now + other_ns, due{stage::done, tag});
      return;
  }
}

std::optional<nanoseconds> zn540::next() const {
  std::optional<nanoseconds> first;
  const auto consider = [&first](std::optional<nanoseconds> t) {
    if (t && (!first || *t < *first)) first = t;
  };
  if (!due_.empty()) consider(due_.begin()->first);
  consider(writes_.next());
  consider(reads_.next());
  return first;
}

std::optional<zoned::completion> zn540::step(nanoseconds now) {
  std::uint64_t tag = 0;
  if (writes_.next() && *writes_.next() <= now) {
    tag = writes_.take(now);
  } else if (reads_.next() && *reads_.next() <= now) {
    tag = reads_.take(now);
  } else if (!due_.empty() && due_.begin()->first <= now) {
    const due d = due_.begin()->second;
    due_.erase(due_.begin());
    if (d.then != stage::done) {
      (d.then == stage::to_write ? writes_ : reads_).add(d.tag, at_work_.at(d.tag).bytes, now);
      return {};
    }
    tag = d.tag;
  } else {
    return {};
  }
  const auto it = at_work_.find(tag);
  const zoned::completion done = it->second;
  at_work_.erase(it);
  return done;
}

}  // namespace furrow::latency
