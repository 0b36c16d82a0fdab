#!/usr/bin/env python3
"""What a split costs for each piece that it leaves (the new parts, and what stays in place): instructions under callgrind, and
heap allocations.

Usage: split_cost_test.py PROGRAM        Skipped (exit 77) where valgrind is missing.
"""
import json
import re
import shutil
import subprocess
import sys
import tempfile

# Of a piece, by itself and in a map of what is in flight. scattered: 16 segments a part.
INSTRUCTIONS_MAX = {"front": (150, 150), "middle": (150, 150), "landed": (150, 150), "scattered": (200, 200)}
LISTS = {"front": 2, "middle": 2, "landed": 3, "scattered": 2}  # of a new node: memory, sums, places
WARM_MAX = 8  # in all: ordered extents over some length are not kept


def instructions(program, *how):
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(["valgrind", "--tool=callgrind", "--collect-atstart=no", "--toggle-collect=furrow::core::split(*",
                        "--toggle-collect=furrow::core::extract(*", f"--callgrind-out-file={out.name}", program, *how],
                       check=True, capture_output=True)
        with open(out.name, encoding="utf-8") as file:
            return int(re.search(r"^summary: (\d+)", file.read(), re.M)[1])


def main():
    program = sys.argv[1]
    if not shutil.which("valgrind"):
        print("skipped: valgrind is missing")
        return 77
    held = True
    for kind, limits in INSTRUCTIONS_MAX.items():
        for most, more in zip(limits, (["--alone"], [])):
            counts = json.loads(subprocess.run([program, kind, *more], check=True, capture_output=True, text=True).stdout)
            cold, warm = counts["cold"] / counts["parts"], counts["warm"]
            total = instructions(program, kind, *more)
            cost = total / (counts["splits"] + counts["parts"])
            print(f"{kind}{'' if more else ', in a map'}: {cost:.0f} instructions a piece, at most {most} ({total / counts['parts']:.0f} a "
                  f"new part); allocations: {cold:.2f} a new part by a cold pool, at most {1 + LISTS[kind]}, and {warm} in all by a warm one")
            held = held and 0 < cost <= most and cold <= 1 + LISTS[kind] and warm <= WARM_MAX
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
