// Calls and has what a sans-IO object must not: check_symbols.py has to name every one of these.
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iostream>
#include <mutex>
#include <random>
#include <thread>

namespace furrow::layering {

long clocks() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto since =
      std::chrono::steady_clock::now().time_since_epoch() + std::chrono::system_clock::now().time_since_epoch();
  return since.count() + now.tv_nsec + time(nullptr);
}

void threads(pthread_mutex_t& lock) {
  pthread_mutex_lock(&lock);
  std::thread([] {}).join();
}

unsigned chance() { return std::random_device{}(); }

long system_calls(char* bytes) {
  const int fd = open("x", O_RDWR);
  return read(fd, bytes, 1) + write(fd, bytes, 1) + pwrite(fd, bytes, 1, 0) + ioctl(fd, 0) + fsync(fd);
}

void streams() {
  std::cout << std::getenv("HOME");
  std::printf("%ld\n", clocks());
}

unsigned char singing = 0;

}  // namespace furrow::layering
