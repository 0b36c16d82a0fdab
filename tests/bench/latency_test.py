#!/usr/bin/env python3
"""Appends beside the cleaner on a simulated ZN540, at 70 % of its bandwidth: the bound of their 99th percentile.

Usage: latency_test.py PROGRAM
"""
import json
import subprocess
import sys

P99_RATIO_MAX = 2.0  # with the cleaner at work, of that without


def main():
    run = json.loads(subprocess.run([sys.argv[1], "--json"], check=True, capture_output=True, text=True).stdout)
    print(json.dumps(run))
    off, on = run["rows"]
    moved = off["moved_bytes"] == 0 and on["moved_bytes"] > 100 << 20
    return 0 if moved and on["zone_finishes"] == 0 and run["p99_ratio"] <= P99_RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
