"""What the programs printed, as readings: one number each, what explains it, and what went wrong instead."""
import json
from dataclasses import dataclass, field


@dataclass
class Reading:
    per_second: float = 0.0
    error: str = ""
    user_bytes: int = 0  # that the program moved
    device_bytes: int = 0  # that the device was given, by the program's own counters
    explains: dict = field(default_factory=dict)


def json_of(text):
    """The JSON object in a program's output; fio prints notes before it."""
    begin = text.find("{")
    if begin < 0:
        return None
    try:
        return json.JSONDecoder().raw_decode(text[begin:])[0]
    except ValueError:
        return None


def read_fio(text, status=0):
    """The sum of all jobs, of the direction that moved anything. A run in which any IO failed has no rate."""
    found = json_of(text)
    if not found or not found.get("jobs"):
        first = text.strip().splitlines()[:1]
        return Reading(error=first[0] if first else f"no output, exit status {status}")
    if codes := [job["error"] for job in found["jobs"] if job["error"]]:
        return Reading(error=f"error {codes[0]}")
    if status:
        return Reading(error=f"exit status {status}")
    sides = [job[side] for job in found["jobs"] for side in ("read", "write") if job[side]["io_bytes"]]
    moved = sum(side["io_bytes"] for side in sides)
    if not moved:
        return Reading(error="it moved nothing")
    explains = {key: round(sum(job[key] for job in found["jobs"]), 1) for key in ("usr_cpu", "sys_cpu")}
    percentiles = sides[0].get("clat_ns", {}).get("percentile", {})
    for name, key in ("p50_us", "50.000000"), ("p99_us", "99.000000"):
        if key in percentiles:
            explains[name] = round(percentiles[key] / 1e3, 1)
    return Reading(sum(side["iops"] for side in sides), user_bytes=moved, device_bytes=moved, explains=explains)


def read_furrow(text, status=0, complaint=""):
    found = json_of(text)
    if status or not found:
        return Reading(error=complaint.strip() or f"exit status {status}")
    sides = [found[side] for side in ("reads", "writes") if found[side]["operations"]]
    operations = sum(side["operations"] for side in sides)
    if not operations:
        return Reading(error="it did nothing")
    counted = found["statistics"]
    commands = counted["data_commands"]
    explains = {"user_us": round(found["cpu_user_seconds"] * 1e6 / operations, 1),
                "system_us": round(found["cpu_system_seconds"] * 1e6 / operations, 1),
                "p50_us": round(sides[0]["p50_ns"] / 1e3, 1), "p99_us": round(sides[0]["p99_ns"] / 1e3, 1)}
    if commands:
        explains |= {"data_commands": commands, "bytes_per_command": counted["data_bytes"] // commands, "coalesced": counted["coalesced_bios"],
                     "journal_bytes": counted["journal_bytes"], "groups": counted["groups"], "page_bytes": counted["page_bytes"],
                     "zone_resets": counted["zone_resets"], "retries": counted["retries"], "copied_bytes": counted["copied_bytes"]}
    return Reading(sum(side["operations_per_second"] for side in sides), user_bytes=operations * found["operation_bytes"],
                   device_bytes=found["device_bytes_written"], explains=explains)


def read_checksum(text, status=0):
    """Nanoseconds for one byte."""
    found = json_of(text)
    if status or not found:
        return None
    return found["ns_per_block"] / found["block_bytes"]


def read_block_stat(before, after):
    """Bytes read and written, of two states of /sys/block/X/stat (fields in sectors of 512 bytes)."""
    try:
        was, now = ([int(word) for word in text.split()] for text in (before, after))
        return (now[2] - was[2]) * 512, (now[6] - was[6]) * 512
    except (IndexError, ValueError):
        return None
