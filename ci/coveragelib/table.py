"""The table of ci/coverage: table.py BRANCHES.JSON LEAST_PER_CENT. Exit status 1 if a part is below it."""
import json
import re
import sys

PARTS = {
    "format": r"engine/format/",
    "recovery": r"engine/core/(recovery|recovery_replay|replay_batch|journal_scan|lost_journal|survey|apply|apply_edit)\.",
    "splitter": r"engine/core/(splitter|in_flight_map|ordered_extent|segment_cursor)\.",
    "allocator": r"engine/core/(zone_table|zone_budget|zone_opener|zone_condition|data_writer|space|placement|reclaimer)\.",
    "cleaner": r"engine/core/(cleaner|victim_index|back_references|evacuation)\.",
}


def branches_of(file):
    """(taken, all, the lines where one never was)"""
    taken = total = 0
    missing = []
    for line in file["lines"]:
        counts = [branch["count"] for branch in line.get("branches", [])]
        total += len(counts)
        taken += sum(1 for count in counts if count)
        if not all(counts):
            missing.append(line["line_number"])
    return taken, total, missing


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        files = json.load(file)["files"]
    least, low = float(sys.argv[2]), False
    rows = []
    for part, pattern in PARTS.items():
        found = [(file["file"], *branches_of(file)) for file in files if re.match(pattern, file["file"])]
        taken, total = sum(f[1] for f in found), sum(f[2] for f in found)
        share = 100 * taken / total if total else 0
        low = low or share < least
        rows.append(f"{part:10} {taken:6} of {total:6}  {share:5.1f} %")
        for name, t, n, missing in sorted(found, key=lambda f: f[1] - f[2]):
            if n:
                lines = " ".join(map(str, missing[:12])) + (" .." if len(missing) > 12 else "")
                print(f"  {name:40} {t:5} of {n:5}  {100 * t / n:5.1f} %  not all of lines {lines}" if missing else f"  {name:40} {t:5} of {n:5}  100.0 %")
    print("\n".join(rows))
    sys.exit(1 if low else 0)


if __name__ == "__main__":
    main()
