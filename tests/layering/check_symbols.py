#!/usr/bin/env python3
"""Looks with nm for what sans-IO object files must not call: clocks, threads, chance, the system, streams; and for canaries
(engine/core/canary.hpp), which are for tests only.

  check_symbols.py OBJECT..      prints one line for each forbidden symbol; exit status 1 if there is any

An object of an `assert.cpp` may also say on stderr why it gives up.
"""
import argparse
import os
import re
import subprocess
import sys

FORBIDDEN = {
    "a clock": r"clock_\w+|clock|time|gettimeofday|ftime|localtime(_r)?|gmtime(_r)?|mktime|strftime|std::chrono::.*::now\(\)",
    "a wait": r"nanosleep|usleep|sleep|alarm|timer_\w+|timerfd_\w+|select|pselect|poll|ppoll|epoll_\w+|eventfd",
    "a thread or lock": r"pthread_\w+|sem_\w+|std::thread::.*|std::jthread::.*|std::this_thread::.*|std::condition_variable.*|"
                        r"std::__once_\w+|std::(recursive_)?(timed_)?mutex::.*|std::__atomic_futex\w+::.*|std::this_thread::.*",
    "chance": r"rand|rand_r|srand|random|srandom|d?rand48|getrandom|getentropy|arc4random\w*|std::random_device::.*",
    "the system": r"(open|openat|creat|stat|fstat|lseek|pread|pwrite|preadv|pwritev|mmap|truncate|ftruncate|fallocate)(64|v2)?|read|"
                  r"write|readv|writev|close|ioctl|fcntl(64)?|munmap|mlock2?|munlock|madvise|fsync|fdatasync|sync|syncfs|unlink|rename|"
                  r"syscall|fork|vfork|exec\w*|posix_spawn\w*|system|popen|kill|raise|signal|sigaction|getpid|gettid|std::filesystem::.*",
    "io_uring or libzbd": r"io_uring_\w+|zbd_\w+",
    "the environment": r"(secure_)?getenv|setenv|environ",
    "a stream": r"printf|vprintf|puts|putchar|scanf|__isoc99_\w*scanf|fopen(64)?|fread|fwrite|fputs|fputc|putc|fprintf|vfprintf|dprintf|"
                r"perror|__\w*printf_chk|stdin|stdout|stderr|std::(cin|cout|cerr|clog)|std::ios_base::Init::.*|"
                r"std::basic_[io]?fstream<.*|std::basic_filebuf<.*",
}
# Formatting into memory is no stream.
HARMLESS = re.compile(r"__v?snprintf_chk|__v?sprintf_chk")
ASSERT_OBJECT = re.compile(r"(^|/)assert\.cpp\.o(bj)?$")
ASSERT_MAY = re.compile(r"fprintf|__fprintf_chk|fputs|fwrite|fputc|stderr")


def undefined_symbols(path):
    listing = subprocess.run(["nm", "--undefined-only", "--demangle", "--format=just-symbols", path], check=True, capture_output=True,
                             text=True).stdout
    for line in listing.splitlines():
        yield line.strip().split("@")[0]


def canaries(path):
    listing = subprocess.run(["nm", "--demangle", "--format=just-symbols", path], check=True, capture_output=True, text=True).stdout
    return [line.strip() for line in listing.splitlines() if re.search(r"canary|::singing\b", line)]


def check(path):
    for symbol in canaries(path):
        yield f"{os.path.basename(path)}: a canary: {symbol}"
    for symbol in undefined_symbols(path):
        if HARMLESS.fullmatch(symbol) or (ASSERT_OBJECT.search(path) and ASSERT_MAY.fullmatch(symbol)):
            continue
        for what, pattern in FORBIDDEN.items():
            if re.fullmatch(pattern, symbol):
                yield f"{os.path.basename(path)}: {what}: {symbol}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("objects", nargs="+")
    objects = parser.parse_args().objects
    findings = [finding for path in objects for finding in check(path)]
    for finding in findings:
        print(finding)
    print(f"{len(objects)} objects, {len(findings)} forbidden symbols")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
