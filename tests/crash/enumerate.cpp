#include "crash/enumerate.hpp"

namespace furrow::crash {
namespace {

class odometer {
 public:
  odometer(const moment& m, const std::function<void(std::span<const std::uint32_t>, std::uint64_t)>& call)
      : m_{m}, call_{call}, at_(m.loose.size()) {}

  void all() {
    for (;;) {
      tell();
      std::size_t i = 0;
      while (i < at_.size() && ++at_[i] == m_.outcomes(i)) at_[i++] = 0;
      if (i == at_.size()) return;
    }
  }
  /// Each zone alone, beside others of which each has its last outcome, or its first.
  void each_alone(bool others_keep) {
    set_all(others_keep);
    tell();
    for (std::size_t i = 0; i < at_.size(); ++i) {
      const std::uint32_t usual = at_[i];
      for (std::uint32_t o = 0; o < m_.outcomes(i); ++o) {
        if (o == usual) continue;
        at_[i] = o;
        tell();
      }
      at_[i] = usual;
    }
  }

 private:
  void set_all(bool keep) {
    for (std::size_t i = 0; i < at_.size(); ++i) at_[i] = keep ? static_cast<std::uint32_t>(m_.outcomes(i)) - 1 : 0;
  }
  void tell() {
    std::uint64_t hash = m_.base_hash;
    for (std::size_t i = 0; i < at_.size(); ++i) hash += m_.hashes[i][at_[i]];
    call_(at_, hash);
  }

  const moment& m_;
  const std::function<void(std::span<const std::uint32_t>, std::uint64_t)>& call_;
  std::vector<std::uint32_t> at_;
};

}  // namespace

bool enumerate(const moment& m, std::uint64_t product_max,
               const std::function<void(std::span<const std::uint32_t>, std::uint64_t)>& call) {
  std::uint64_t product = 1;
  for (std::size_t i = 0; i < m.loose.size() && product <= product_max; ++i) product *= m.outcomes(i);
  odometer o{m, call};
  if (product <= product_max) {
    o.all();
    return true;
  }
  o.each_alone(false);
  o.each_alone(true);
  return false;
}

}  // namespace furrow::crash
