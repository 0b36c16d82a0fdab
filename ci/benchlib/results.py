"""From the files that steps left to the rows of the table."""
import os
import re
from statistics import median

from . import ratios, readings


def text_of(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def reading_of(folder, step):
    """The Reading of a fio or furrow step, or nanoseconds a byte of a checksum step."""
    base = os.path.join(folder, step.id)
    meta = dict(line.partition(" ")[::2] for line in text_of(base + ".meta").splitlines())
    output, status = text_of(base + ".json"), int(meta.get("status", -1))
    if step.program == "checksum":
        return readings.read_checksum(output, status)
    complaint = " ".join(text_of(base + ".err").split())
    if step.program == "furrow":
        reading = readings.read_furrow(output, status, complaint)
    else:
        reading = readings.read_fio(output, status)
        if reading.error and complaint:
            reading.error += ": " + re.sub(r".*?error=", "", complaint)[:90]
    if counted := readings.read_block_stat(meta.get("before", ""), meta.get("after", "")):
        reading.explains["block_bytes_read"], reading.explains["block_bytes_written"] = counted
    return reading


class GroupResult:
    """All that was measured of a group."""

    def __init__(self, group, steps, folder):
        self.group = group
        self.ns_per_byte = None
        self.rounds = {}  # (program, run) -> [Reading, ..] by round
        for step in steps:
            found = reading_of(folder, step)
            if step.program == "checksum":
                self.ns_per_byte = found
            else:
                self.rounds.setdefault((step.program, step.run), []).append(found)

    def rates(self, program, run):
        return [None if reading.error else reading.per_second for reading in self.rounds[program, run]]

    def best_fio(self):
        return ratios.best_of({fio.name: self.rates("fio", fio.name) for fio in self.group.fios if not fio.beside})

    def denominators(self, row, best):
        rates = self.rates("fio", best)
        if not row.bound:
            return rates
        if self.ns_per_byte is None:
            return [None] * len(rates)
        seconds = self.ns_per_byte * self.group.operation_bytes * 1e-9
        return [rate and ratios.with_sums(rate, seconds) for rate in rates]

    def rows(self, kernel, others_share):
        best = self.best_fio()
        for row in self.group.rows:
            numerators = self.rates("furrow", row.run)
            denominators = self.denominators(row, best) if best else [None] * len(numerators)
            found = ratios.ratio_of(numerators, denominators)
            of = f"fio {best}" + (f" and sums ({self.ns_per_byte * 4096:.0f} ns for 4 KiB)" if row.bound and self.ns_per_byte else "")
            middle = [median([v for v in values if v] or [0]) for values in (numerators, denominators)]
            yield {"name": row.name, "numerator": round(middle[0], 1), "denominator": round(middle[1], 1),
                   "ratio": found[0] if found else {"median": None, "min": None, "max": None}, "pairs": found[1] if found else 0,
                   "kernel": kernel, "device": self.group.device, "target": row.target,
                   "held": bool(found) and found[0]["median"] >= row.target, "numerator_of": f"furrow-bench {row.run}", "denominator_of": of, "others_share": others_share}
