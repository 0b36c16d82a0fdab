// Drawing the fate of one command.
#include "sim/faults.hpp"

namespace furrow::sim {

bool fault_plan::nth_hits(zoned::opcode op) {
  if (!nth_ || (nth_->only && *nth_->only != op)) return false;
  ++counted_;
  return counted_ == nth_->command || (nth_->persistent && counted_ > nth_->command);
}

fate fault_plan::draw(zoned::opcode op, prng& chance) {
  const bool writes = op == zoned::opcode::append || op == zoned::opcode::write;
  if (allowed_ && (nth_hits(op) || chance.chance_per_million(weights_.failing(op)))) {
    ++failures_;
    ++failures_of_[static_cast<std::size_t>(op)];
    return fate::failed;
  }
  if (writes && chance.chance_per_million(weights_.shortened_ppm)) {
    ++shortened_;
    return fate::shortened;
  }
  return fate::whole;
}

}  // namespace furrow::sim
