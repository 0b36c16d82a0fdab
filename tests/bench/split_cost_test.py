#!/usr/bin/env python3
"""What a split costs for each piece that it makes: instructions under callgrind, and heap allocations.

Usage: split_cost_test.py PROGRAM        Skipped (exit 77) where valgrind is missing.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile

INSTRUCTIONS_MAX = {"front": 150, "middle": 150, "landed": 150, "scattered": 400}  # scattered: 16 segments a piece
LISTS = {"front": 2, "middle": 2, "landed": 3, "scattered": 2}  # of a new node: memory, sums, places


def main():
    program = sys.argv[1]
    if not shutil.which("valgrind"):
        print("skipped: valgrind is missing")
        return 77
    held = True
    for kind, most in INSTRUCTIONS_MAX.items():
        counts = json.loads(subprocess.run([program, kind], check=True, capture_output=True, text=True).stdout)
        cold, warm = counts["cold"] / counts["pieces"], counts["warm"]
        with tempfile.NamedTemporaryFile() as out:
            subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", f"--callgrind-out-file={out.name}",
                            program, kind], check=True, capture_output=True)
            with open(out.name, encoding="utf-8") as file:
                total = int(re.search(r"^(?:summary|totals): (\d+)", file.read(), re.M)[1])
        cost = total / counts["pieces"]
        print(f"{kind}: {cost:.0f} instructions a piece, at most {most}; {cold:.2f} allocations a piece by a cold pool, "
              f"at most {1 + LISTS[kind]}; {warm} by a warm one, at most 8 in all")
        held = held and 0 < cost <= most and cold <= 1 + LISTS[kind] and warm <= 8
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
