// Processor time of the process, in seconds.
#pragma once

#include <ctime>

namespace furrow::wa {

inline double cpu_s() {
  std::timespec t{};
  ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

}  // namespace furrow::wa
