#!/usr/bin/env python3
"""What a store costs by the zone, counted by callgrind: to open it, while it is idle, and to use it a little.

The cost of a zone is the difference between many zones and fewer, by zone; what does not depend on zones drops out.
"""

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FEW, MANY = 20_000, 100_000
# Instructions a zone. A used zone has an entry in the zone tree, sums and an object: their pages are read or made, and
# trees that are wider take more to change; nothing of that is a walk over zones.
LIMITS = {
    "fresh": {"open": 330, "idle": 0.25, "use": 0.25},
    "used": {"open": 500.5, "idle": 0.25, "use": 30},
}
PARTS = ("open", "idle", "use")


def count(program: str, zones: int, kind: str) -> dict[str, int]:
    with tempfile.TemporaryDirectory() as place:
        out = pathlib.Path(place) / "out"
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", program, str(zones), kind],
            capture_output=True, text=True)
        if run.returncode != 0:
            sys.exit(f"many_zones {zones} {kind} returned {run.returncode}:\n{run.stdout}{run.stderr}")
        print(run.stdout.strip())
        found = {}
        for dump in pathlib.Path(place).iterdir():
            text = dump.read_text()
            trigger = re.search(r"^desc: Trigger: Client Request: (\w+)$", text, re.M)
            total = re.search(r"^totals: (\d+)", text, re.M)
            if trigger and total:
                found[trigger[1]] = int(total[1])
        return found


def main() -> int:
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed (ci/packages.txt has it)")
        return 77
    bad = 0
    for kind in ("fresh", "used"):
        few, many = count(sys.argv[1], FEW, kind), count(sys.argv[1], MANY, kind)
        if set(few) != set(PARTS) or set(many) != set(PARTS):
            print("skipped: built without valgrind/callgrind.h")
            return 77
        for part in PARTS:
            each = (many[part] - few[part]) / (MANY - FEW)
            limit = LIMITS[kind][part]
            good = few[part] > 0 and each <= limit
            bad += not good
            print(f"{kind} {part}: {few[part]} instructions with {FEW} zones, {many[part]} with {MANY}: "
                  f"{each:.2f} a zone, at most {limit}{'' if good else '  TOO MANY'}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
