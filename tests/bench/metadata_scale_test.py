#!/usr/bin/env python3
"""What metadata cost as extents grow many (metadata_scale): bounds of page bytes, memory and processor time.

Usage: metadata_scale_test.py PROGRAM [EXTENTS]        Default 100,000; 10,000,000 takes some GiB of memory and minutes.

Page bytes are those of one copy, over three checkpoints. Memory and opens are bounded for a million extents and more: below,
what a store takes of itself is most of it. The time of a write is bounded where a quarter of the pages fits the cache, which is
where a checkpoint that looks at all pages for each that it reads would show.
"""
import json
import subprocess
import sys

PAGE_BYTES_MAX = 2.5  # of each byte of journal
MEMORY_MAX = 32       # bytes an extent, with what is not needed paged out
OPEN_S_MAX = 0.3      # of a million extents, after a checkpoint
WRITE_US_MAX = 40


def main():
    program, extents = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    held = True
    for hot in ("0.01", "1"):
        run = json.loads(subprocess.run([program, str(extents), "--hot", hot, "--page-cache-mib", str(max(5, extents // 1_000_000 * 50))],
                                        check=True, capture_output=True, text=True).stdout)
        print(json.dumps(run))
        held = held and 0 < run["page_bytes_of_journal"] <= PAGE_BYTES_MAX and run["write_us"] <= WRITE_US_MAX
        if extents >= 1_000_000:
            held = held and run["memory_opened"] <= MEMORY_MAX and run["open_at_rest_s"] <= OPEN_S_MAX * extents / 1_000_000
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
