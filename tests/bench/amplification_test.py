#!/usr/bin/env python3
"""What the engine writes to data zones for each byte of its user's, held to the bounds below.

Usage: amplification_test.py PROGRAM NAME...        The names are furrow-wa's.
"""
import json
import subprocess
import sys

# By garbage share: of what is written over at random, what such a share must cost; the rest is an upper bound.
UNIFORM = {0.10: 5.18, 0.15: 3.53, 0.22: 2.48}
UNIFORM_RANGE = (0.95, 1.03)
ZIPF_MAX = {0.10: 3.15, 0.15: 2.36, 0.22: 1.85}
ZIPF_TO_GREEDY_MAX = 0.5
DELETE_IN_ORDER_MAX = 1.02


def held(row):
    wa, garbage = row["wa"], row["garbage"]
    if row["name"] == "uniform":
        low, high = (part * UNIFORM[garbage] for part in UNIFORM_RANGE)
    elif row["name"] == "zipf1.0":
        low, high = 1, min(ZIPF_MAX[garbage], ZIPF_TO_GREEDY_MAX * row["greedy_wa"])
    else:
        low, high = 1, DELETE_IN_ORDER_MAX
    good = low <= wa <= high
    print(f"{row['name']} at {garbage:.0%} garbage: {wa:.3f}, {low:.3f} to {high:.3f} wanted (greedy: {row['greedy_wa']:.3f}; journal "
          f"{row['journal']:.3f}, pages {row['pages']:.3f}){'' if good else '  MISSED'}")
    return good


def main():
    program, names = sys.argv[1], sys.argv[2:]
    run = subprocess.run([program, "--json", "--only", *names], check=True, capture_output=True, text=True)
    rows = json.loads(run.stdout)
    return 0 if len(rows) == 3 * len(names) and all([held(row) for row in rows]) else 1


if __name__ == "__main__":
    sys.exit(main())
