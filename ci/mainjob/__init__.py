"""The parts of ci/main-job."""
import subprocess
import time


class JobError(Exception):
    """The job failed; the text says how."""


class Clock:
    """Prints what happens with the time since the job began, and keeps what is to be told at the end."""

    def __init__(self):
        self.began = time.monotonic()
        self.summary = []

    def say(self, text):
        print(f"[{time.monotonic() - self.began:6.1f} s] {text}", flush=True)

    def sum_up(self, text):
        self.summary.append(text)
        self.say(text)


def run(*command, status=0, stdin=subprocess.DEVNULL):
    """Runs a program; returns its standard output and its seconds. Its standard error is ours."""
    began = time.monotonic()
    done = subprocess.run([str(part) for part in command], stdin=stdin, stdout=subprocess.PIPE, check=False)
    if done.returncode != status:
        shown = " ".join(str(part) for part in command)
        raise JobError(f"status {done.returncode} from: {shown[:300]}\n{done.stdout.decode(errors='replace')[-2000:]}")
    return done.stdout, time.monotonic() - began


def megabytes(count):
    return f"{count / 1e6:,.1f} MB"


def rate(count, seconds):
    return f"{count / 1e6 / max(seconds, 1e-9):,.0f} MB/s"
