#!/usr/bin/env python3
"""What it costs to tell the victim index of a block that died and to pick a victim, with 100,000 zones: instructions under
callgrind, and memory.

Usage: victim_cost_test.py PROGRAM        Skipped (exit 77) where valgrind is missing.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile

ZONES, ROUNDS = 100_000, 50_000
INSTRUCTIONS_MAX = 1_500  # of a pick and an update; a sixteenth of a victim that goes and comes back is in it
ENTER_MAX = 150           # of a zone that is added, as at an open
BYTES_MAX = 32            # of a zone


def instructions(program, rounds):
    with tempfile.NamedTemporaryFile() as out:
        run = subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no",
                              "--toggle-collect=furrow::core::victim_index::*", f"--callgrind-out-file={out.name}",
                              program, str(ZONES), str(rounds)], check=True, capture_output=True, text=True)
        with open(out.name, encoding="utf-8") as file:
            return int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M)[1]), json.loads(run.stdout)


def main():
    program = sys.argv[1]
    if not shutil.which("valgrind"):
        print("skipped: valgrind is missing")
        return 77
    (entered, _), (total, counts) = instructions(program, 0), instructions(program, ROUNDS)
    enter, each = entered / ZONES, (total - entered) / ROUNDS
    memory = counts["memory"] / ZONES
    print(f"{ZONES} zones: {each:.0f} instructions a pick and update, at most {INSTRUCTIONS_MAX}; {enter:.0f} a zone added, at most "
          f"{ENTER_MAX}; {memory:.1f} bytes a zone, at most {BYTES_MAX}; {counts['picked']} victims in {ROUNDS} rounds")
    held = counts["picked"] == ROUNDS and 0 < each <= INSTRUCTIONS_MAX and 0 < enter <= ENTER_MAX and memory <= BYTES_MAX
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
