"""What else ran on this machine meanwhile."""
import os
import resource
import time

from . import ratios


def busy_seconds():
    """Of all processors since the machine started, without what was idle or waiting for IO."""
    with open("/proc/stat", encoding="ascii") as file:
        user, nice, system, _, _, *rest = (int(word) for word in file.readline().split()[1:])
    return (user + nice + system + sum(rest[:3])) / os.sysconf("SC_CLK_TCK")


def own_seconds():
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


class Watch:
    """From its making on; children count as our own when they have been waited for."""

    def __init__(self):
        self.began = time.monotonic(), busy_seconds(), own_seconds()

    def others_share(self):
        now = time.monotonic(), busy_seconds(), own_seconds()
        wall, busy, own = (n - b for n, b in zip(now, self.began))
        return ratios.others_share(busy, own, wall, os.cpu_count())
