"""The arithmetic of the table: from readings of alternating runs to ratios, and ratios of several runs as one file."""
import json
import os
from statistics import median


def best_of(rates):
    """The name with the best median among those that never failed, of {name: [rate or None, ..]}; None if all failed."""
    whole = {name: median(values) for name, values in rates.items() if values and None not in values}
    return max(whole, key=whole.get) if whole else None


def with_sums(per_second, checksum_seconds):
    """The rate of something that takes as long, and computes a sum as well, one after the other."""
    return 1 / (1 / per_second + checksum_seconds)


def ratio_of(numerators, denominators):
    """Median, least and greatest ratio of the pairs that are whole; None if there is none."""
    ratios = [n / d for n, d in zip(numerators, denominators) if n is not None and d]
    if not ratios:
        return None
    return {"median": round(median(ratios), 3), "min": round(min(ratios), 3), "max": round(max(ratios), 3)}, len(ratios)


def others_share(busy_seconds, own_seconds, wall_seconds, processors):
    """The part of the machine's processors that everything else took, 0 to 1: how much a figure can be trusted."""
    return round(min(1.0, max(0.0, busy_seconds - own_seconds) / (wall_seconds * processors)), 2)


def merge(before, new):
    """Rows by name: new ones take the place of old ones, and come behind the others if there was none."""
    by_name = {row["name"]: row for row in before}
    by_name.update({row["name"]: row for row in new})
    return list(by_name.values())


def load(path):
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def store(path, rows):
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
    os.replace(path + ".new", path)
