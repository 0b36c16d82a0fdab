// Compares a store with what runs have acknowledged.
//
// For each log that is named in the lines:
//   V1  every acknowledged append is there, byte for byte
//   V2  what lies between and behind them are whole appends of these runs: none is cut short or mixed up
// An append that nobody acknowledged is recognised by its length and content, which follow from a run's seed; where two
// seeds would do (an append of one byte), the way that explains all bytes up to the next acknowledged one counts.
#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "content.hpp"
#include "furrow/session.hpp"
#include "torture.hpp"

namespace furrow::torture {

namespace {

constexpr std::uint64_t piece_bytes = 4 << 20;

struct acknowledged {
  std::uint64_t bytes = 0;
  std::uint64_t seed = 0;
};
using acknowledgements = std::map<std::uint64_t, acknowledged>;  // by offset

struct history {
  std::vector<std::uint64_t> seeds;  ///< Of the runs, in their order, each once.
  std::map<std::string, acknowledgements> logs;
};

history read_history(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in) throw cli::failure{path + ": cannot be read"};
  history to;
  std::string line;
  for (std::uint64_t number = 1; std::getline(in, line); ++number) {
    if (in.eof()) break;  // the process was killed while it wrote this line
    std::istringstream words{line};
    std::string kind;
    words >> kind;
    std::string name;
    std::uint64_t offset = 0;
    acknowledged ack;
    if (kind == "begin" && words >> ack.seed) {
      if (std::find(to.seeds.begin(), to.seeds.end(), ack.seed) == to.seeds.end()) to.seeds.push_back(ack.seed);
    } else if (kind == "ack" && words >> name >> offset >> ack.bytes >> ack.seed) {
      to.logs[name][offset] = ack;
    } else if (kind != "phase" && kind != "done") {
      throw cli::failure{fmt::format("{}: line {} is none of furrow-torture's", path, number)};
    }
  }
  return to;
}

std::vector<std::byte> read_all(const blocking_object& from, const std::string& name) {
  std::vector<std::byte> to(cli::take(from.stat(), name).bytes);
  for (std::uint64_t at = 0; at < to.size(); at += piece_bytes) {
    const std::uint64_t bytes = std::min<std::uint64_t>(piece_bytes, to.size() - at);
    static_cast<void>(cli::take(from.read(at, asio::buffer(to.data() + at, bytes)), name));
  }
  return to;
}

struct totals {
  std::uint64_t acknowledged = 0;
  std::uint64_t acknowledged_bytes = 0;
  std::uint64_t others = 0;
  std::uint64_t losses = 0;
};

class log_verifier {
 public:
  log_verifier(const history& h, const std::string& name, std::vector<std::byte> bytes, totals& count)
      : history_{h}, name_{name}, bytes_{std::move(bytes)}, count_{count} {}

  void verify() {
    std::uint64_t at = 0;
    for (const auto& [offset, ack] : history_.logs.at(name_)) {
      if (offset > at) explain_gap(at, std::min<std::uint64_t>(offset, bytes_.size()));
      verify_acknowledged(offset, ack);
      at = std::max(at, offset + ack.bytes);
    }
    if (at < bytes_.size()) explain_gap(at, bytes_.size());
  }

 private:
  [[nodiscard]] std::span<const std::byte> range(std::uint64_t at, std::uint64_t bytes) const {
    return std::span{bytes_}.subspan(at, bytes);
  }

  void verify_acknowledged(std::uint64_t offset, const acknowledged& ack) {
    ++count_.acknowledged;
    count_.acknowledged_bytes += ack.bytes;
    if (offset + ack.bytes > bytes_.size()) {
      return lost(
          fmt::format("{} bytes at {} were acknowledged, and the object ends at {}", ack.bytes, offset, bytes_.size()));
    }
    const std::size_t same = matching(range(offset, ack.bytes), ack.seed, name_, offset);
    if (same < ack.bytes) {
      lost(fmt::format("{} bytes at {} were acknowledged, and byte {} is another", ack.bytes, offset, offset + same));
    }
  }

  void explain_gap(std::uint64_t begin, std::uint64_t end) {
    std::uint64_t appends = 0;
    if (!explained(begin, end, appends)) {
      return lost(fmt::format("bytes {}..{} are no whole appends of any run", begin, end));
    }
    count_.others += appends;
  }

  /// Depth first, since a short append may be like one of another run. Iterative: a gap may be many appends.
  bool explained(std::uint64_t begin, std::uint64_t end, std::uint64_t& appends) {
    struct step {
      std::uint64_t at;
      std::size_t seed;  ///< To be tried next.
    };
    std::vector<step> path{{begin, 0}};
    while (!path.empty()) {
      if (path.back().at == end) {
        appends = path.size() - 1;
        return true;
      }
      if (path.back().seed == history_.seeds.size()) {
        path.pop_back();
        continue;
      }
      const std::uint64_t at = path.back().at;
      const std::uint64_t seed = history_.seeds[path.back().seed++];
      const std::uint64_t bytes = append_bytes_at(seed, name_, at);
      if (bytes <= end - at && matching(range(at, bytes), seed, name_, at) == bytes) path.push_back({at + bytes, 0});
    }
    return false;
  }

  void lost(const std::string& what) {
    ++count_.losses;
    cli::complain(fmt::format("{}: {}", name_, what));
  }

  const history& history_;
  const std::string& name_;
  std::vector<std::byte> bytes_;
  totals& count_;
};

}  // namespace

cli::exit_status verify(const std::string& uri, const std::string& log_path) {
  const history h = read_history(log_path);
  cli::session s{uri, cli::access::read_write};
  totals count;
  for (const auto& [name, acks] : h.logs) {
    const auto opened = s.blocking().open_object(object_key{name});
    if (!opened && opened.error().code == errc::not_found) {
      count.losses += acks.size();
      cli::complain(fmt::format("{}: {} appends were acknowledged, and there is no such object", name, acks.size()));
      continue;
    }
    const blocking_object log = cli::take(opened, name);
    log_verifier{h, name, read_all(log, name), count}.verify();
  }
  const std::uint64_t replayed = s.blocking().opened().groups_replayed;
  s.close();
  fmt::print("verified {} logs: {} acknowledged appends, {} bytes; {} others whole; {} groups replayed; {} lost\n",
             h.logs.size(), count.acknowledged, count.acknowledged_bytes, count.others, replayed, count.losses);
  return count.losses == 0 ? cli::exit_status::good : cli::exit_status::damage_found;
}

}  // namespace furrow::torture
