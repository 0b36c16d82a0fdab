#!/usr/bin/env python3
"""What metadata cost as extents grow many (metadata_scale): bounds of page bytes, memory and processor time.

Usage: metadata_scale_test.py PROGRAM [EXTENTS]        Default 100,000; 10,000,000 takes some GiB of memory and minutes.

Page bytes are those of one copy, over three checkpoints. Memory is bounded with what a store takes of itself on top. The time of an
open with the longest journal is that of a million extents, and more for what else runs on the machine; below a million the journal is
no shorter, so what there is to replay is bounded, too. The time of a write is bounded where a quarter of the pages fits the cache,
which is where a checkpoint that looks at all pages for each that it reads would show.
"""
import json
import subprocess
import sys

PAGE_BYTES_MAX = 2.5  # of each byte of journal
MEMORY_MAX = 32       # bytes an extent, with what is not needed paged out
MEMORY_OWN = 10 << 20 # of the store itself
OPEN_S_MAX = 0.3      # of processor time, for a million extents
OTHERS = 3            # a processor that others use takes so many times as long
RECORDS_MAX = 500_000 # to be replayed, for a million extents
WRITE_US_MAX = 40


def main():
    program, extents = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    held = True
    cache_mib = str(max(5, extents // 1_000_000 * 50))
    runs = subprocess.run([program, str(extents), "--hot", "0.01", "1", "--page-cache-mib", cache_mib], check=True, capture_output=True,
                          text=True).stdout
    for run in map(json.loads, runs.splitlines()):
        print(json.dumps(run))
        millions = max(1, extents / 1_000_000)
        own = MEMORY_OWN / extents if extents < 1_000_000 else 0
        held = held and 0 < run["page_bytes_of_journal"] <= PAGE_BYTES_MAX and run["write_us"] <= WRITE_US_MAX
        held = held and run["memory_opened"] <= MEMORY_MAX + own
        held = held and run["open_at_rest_s"] <= OPEN_S_MAX * millions and run["open_s"] <= OPEN_S_MAX * OTHERS * millions
        held = held and run["open_records"] <= RECORDS_MAX * millions
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
