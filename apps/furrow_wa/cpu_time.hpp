// Processor time of the process, in seconds.
#pragma once

#include <algorithm>
#include <ctime>

namespace furrow::wa {

inline double cpu_s() {
  std::timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

/// What asking for it takes, at least.
inline double cpu_clock_s() {
  double least = 1;
  for (int i = 0; i < 100; ++i) {
    const double before = cpu_s();
    least = std::min(least, cpu_s() - before);
  }
  return least;
}

}  // namespace furrow::wa
