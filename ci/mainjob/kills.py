"""Kills furrow-torture at chosen moments, and verifies from its acknowledgements after each.

The first kills are on the store that holds the files, all others on small ones, made anew for every few, so that what there is
to verify does not grow, and zones and the journal's room end often.

A kill is inside a checkpoint if the store had told its begin and not its end; it is inside a zone switch if the store
had told the switch and no append was acknowledged since.
"""
import os
import queue
import random
import signal
import subprocess
import threading
import time

from . import JobError, run

WAIT_SECONDS_MAX = 20
KILLS_ON_FILES = 10
KILLS_ON_A_STORE = 20
SMALL = "size=512M&zone_size=1M&zone_capacity=768K&block_size=4096&max_open=12&max_active=14"
SMALL_RUN_SECONDS_MAX = 0.2
AIM_SECONDS_MAX = 4  # then the kill comes without its phase: the device is not to be filled by waiting
MARKERS = {"a checkpoint": b"phase checkpoint begin", "a zone switch": b"phase zone-switch"}


class Torturer:
    """A running furrow-torture whose lines land in a log and, as they come, in a queue."""

    def __init__(self, program, uri, seed, tasks, bytes_per_second, log):
        self.process = subprocess.Popen([program, uri, "--tasks", str(tasks), "--seed", str(seed), "--rate", str(bytes_per_second)],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.lines = queue.SimpleQueue()
        self.all_lines = []
        self.fatal = None  # the beginning of a line at which it is killed at once
        self.thread = threading.Thread(target=self.read, args=(log,))
        self.thread.start()

    def read(self, log):
        with open(log, "ab") as file:
            for line in self.process.stdout:
                if self.fatal is not None and line.startswith(self.fatal):
                    self.process.send_signal(signal.SIGKILL)
                if line.endswith(b"\n"):  # half a line acknowledges nothing
                    file.write(line)
                    self.all_lines.append(line)
                    self.lines.put(line)
        self.lines.put(None)

    def wait_for(self, start, seconds):
        """Waits for a line that begins so; false if the time is up."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return False
            if line is None:
                raise JobError(f"furrow-torture ended by itself, with status {self.process.wait()}")
            if line.startswith(start):
                return True

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.thread.join()
        if self.process.returncode != -signal.SIGKILL:
            raise JobError(f"furrow-torture ended by itself, with status {self.process.returncode}")

    def phase(self):
        """In what the kill fell, or none."""
        in_checkpoint = in_switch = False
        for line in self.all_lines:
            if line.startswith(b"phase checkpoint"):
                in_checkpoint = b"begin" in line
            elif line.startswith(b"phase zone-switch"):
                in_switch = True
            elif line.startswith(b"ack "):
                in_switch = False
        return "a checkpoint" if in_checkpoint else "a zone switch" if in_switch else None

    def acknowledged(self):
        return [int(line.split()[3]) for line in self.all_lines if line.startswith(b"ack ")]


class Store:
    """Where kills happen, and what was acknowledged there."""

    def __init__(self, uri, log, run_seconds_max, aims):
        self.uri, self.log, self.run_seconds_max, self.aims = uri, log, run_seconds_max, aims

    @staticmethod
    def small(options):
        image, log = (os.path.join(options.folder, name) for name in ("small.img", "small.log"))
        for path in (image, log):
            if os.path.exists(path):
                os.remove(path)
        run(options.furrow, "format", f"file:{image}?{SMALL}")
        return Store("file:" + image, log, SMALL_RUN_SECONDS_MAX, [None] * 4 + ["a zone switch"])

    def check(self, options):
        run(options.furrow, "check", "--data", self.uri)


def one_round(options, store, chance, aim, at_once):
    """Runs, kills, verifies; (phase, acknowledged lengths, verdict)."""
    torturer = Torturer(options.torture, store.uri, chance.randrange(1, 1 << 32), options.tasks, options.rate, store.log)
    try:
        if not torturer.wait_for(b"ack ", WAIT_SECONDS_MAX):
            raise JobError(f"no append was acknowledged in {WAIT_SECONDS_MAX} s")
        time.sleep(chance.uniform(0, store.run_seconds_max))
        if aim is not None:
            while not torturer.lines.empty():  # only what comes from now on is fresh enough to aim at
                if torturer.lines.get() is None:
                    raise JobError("furrow-torture ended by itself")
            torturer.fatal = MARKERS[aim] if at_once else None
            torturer.wait_for(MARKERS[aim], AIM_SECONDS_MAX)
            time.sleep(chance.choice([0, 0, chance.uniform(0, 0.004)]))
    finally:
        torturer.kill()
    verdict, _ = run(options.torture, store.uri, "--verify", store.log)
    return torturer.phase(), torturer.acknowledged(), verdict.decode().strip()


def kill_rounds(options, clock, log):
    """At least options.kills rounds, and more aimed ones until options.inside_min kills fell inside a phase."""
    chance = random.Random(options.seed)
    inside = {name: 0 for name in MARKERS}
    files = store = Store(options.uri, log, options.run_seconds_max, [None, *MARKERS])  # its caller checks it
    appends = total = number = 0
    while number < options.kills or sum(inside.values()) < options.inside_min:
        if number == 3 * options.kills:
            raise JobError(f"of {number} kills, only {sum(inside.values())} fell inside a checkpoint or a zone switch")
        # Beyond the asked ones, what comes often, and killed where it is read: waiting for what is rare fills the device.
        beyond = number >= options.kills
        if not beyond and number >= KILLS_ON_FILES and (number - KILLS_ON_FILES) % KILLS_ON_A_STORE == 0:
            if store is not files:
                store.check(options)
            store = Store.small(options)
        aim = "a zone switch" if beyond else store.aims[number % len(store.aims)]
        phase, lengths, verdict = one_round(options, store, chance, aim, beyond)
        number += 1
        appends += len(lengths)
        total += sum(lengths)
        if phase is not None:
            inside[phase] += 1
        clock.say(f"kill {number}: after {len(lengths)} acknowledged appends{', inside ' + phase if phase else ''}; {verdict}")
    if store is not files:
        store.check(options)
    return number, inside, appends, total
