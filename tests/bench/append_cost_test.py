#!/usr/bin/env python3
"""What an append and a read cost the engine: heap allocations, and instructions under callgrind.

Usage: append_cost_test.py PROGRAM        Skipped (exit 77) where valgrind is missing.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile

OPERATIONS = 6400
DEPTH = "32"
ALLOCATIONS_MAX = {"append": 0.01, "read": 0}  # per operation; under appends the trees grow
# Instructions of an operation of 4 KiB, without the device and the checksum, at most: what it is, the depth, options.
INSTRUCTIONS_MAX = (
    ("append", "32", (), 1470),
    ("read", "1", ("--reads", "--no-checksums"), 3170),
    ("read", "32", ("--reads", "--no-checksums"), 2115),
)


def run(program, *more):
    done = subprocess.run([program, str(OPERATIONS), DEPTH, *more], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def instructions(program, depth, options):
    """Self costs of all functions that ran between the collection's marks, but for the checksum's."""
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out.name}",
                        program, str(OPERATIONS), depth, *options], check=True, capture_output=True)
        table = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", out.name], check=True, capture_output=True,
                               text=True).stdout
    total = checksum = 0
    for line in table.splitlines():
        row = re.match(r"\s*([\d,]+) \(\s*[\d.]+%\)\s+(\S.*)", line)
        if not row:
            continue
        cost = int(row[1].replace(",", ""))
        if "PROGRAM TOTALS" in line:
            total = cost
        elif "crc32" in line:
            checksum += cost
    return (total - checksum) / OPERATIONS, checksum / OPERATIONS


def main():
    program = sys.argv[1]
    if not shutil.which("valgrind"):
        print("skipped: valgrind is missing")
        return 77
    held = True
    for what, more in (("append", ()), ("read", ("--reads",))):
        count = run(program, *more)["allocations"] / OPERATIONS
        print(f"heap allocations per {what}: {count:.3f}, at most {ALLOCATIONS_MAX[what]}")
        held = held and count <= ALLOCATIONS_MAX[what]
    for what, depth, options, most in INSTRUCTIONS_MAX:
        count, checksum = instructions(program, depth, options)
        print(f"instructions per {what} of 4 KiB at depth {depth}: {count:.0f}, at most {most}; beside that {checksum:.0f} of the checksum")
        held = held and 0 < count <= most
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
