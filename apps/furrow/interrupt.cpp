#include "interrupt.hpp"

#include <csignal>
#include <cstdlib>

namespace furrow::cli::interrupt {

namespace {

volatile std::sig_atomic_t signal_seen = 0;

extern "C" void remember(int number) { signal_seen = number; }

}  // namespace

void install() {
  struct sigaction act {};
  act.sa_handler = remember;
  act.sa_flags = static_cast<int>(SA_RESETHAND);  // the second signal has its usual effect
  sigemptyset(&act.sa_mask);
  sigaction(SIGINT, &act, nullptr);
  sigaction(SIGTERM, &act, nullptr);
}

bool requested() { return signal_seen != 0; }

kept_from_new_threads::kept_from_new_threads() {
  sigset_t kept;
  sigemptyset(&kept);
  sigaddset(&kept, SIGINT);
  sigaddset(&kept, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &kept, &before_);
}

kept_from_new_threads::~kept_from_new_threads() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

void die_of_it() {
  const int number = signal_seen == 0 ? SIGINT : signal_seen;
  std::signal(number, SIG_DFL);
  std::raise(number);
  std::_Exit(128 + number);
}

}  // namespace furrow::cli::interrupt
