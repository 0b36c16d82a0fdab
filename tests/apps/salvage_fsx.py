#!/usr/bin/env python3
"""Salvages stores that furrow-fsx has changed at random, after parts of their metadata were spoiled, and compares.

  salvage_fsx.py FIRST END      seeds; at every other one furrow-fsx is killed in the middle. FURROW_BIN: where the programs are

What `furrow get` gives before is what is right. Prints for each kind of damage how many objects came out equal, in part with
all that differs named as missing, other than they were, or not under their names. Where pages are lost, other may mean as it
was at an earlier time, which is no fault; with all pages at hand it is one. Of zone pages alone come whole blocks under ids, and
what was cut off, cloned over or made a hole is there as it was before. Exit status 1: such a fault, the device was written to,
or salvage came to another end than 0, 1 and 4.
"""
import collections
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile

from cli import BIN, FURROW, positions

BLOCK = 4096
FSX = os.path.join(BIN, "furrow-fsx")
KINDS = ("sound", "no superblocks", "no index pages", "no superblocks, no index pages", "a fifth of the pages", "no superblocks, no pages",
         "zone pages alone")

WHOLE_TREES = ("sound", "no superblocks")


def files_of(top):
    found = {}
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            with open(path, "rb") as file:
                found[os.path.relpath(path, top)] = file.read()
    return found


def spoil(image, what, chosen=lambda block: True):
    for at in list(positions(image, what, 512)):
        if chosen(image[at:at + BLOCK]):
            image[at + 200] ^= 0x10


def damage(image, kind, chance):
    if "no superblocks" in kind:
        spoil(image, b"FURROWS0")
    if "no index pages" in kind:
        spoil(image, b"FRGP", lambda page: page[5] != 0)
    if "no pages" in kind:
        spoil(image, b"FRGP")
    if kind == "zone pages alone":
        spoil(image, b"FURROWS0")
        spoil(image, b"FURROWJ0")
        spoil(image, b"FRGP", lambda page: page[4] == 1)
    if "a fifth" in kind:
        spoil(image, b"FRGP", lambda page: chance.random() < 0.2)


def make_store(uri, seed, chance):
    killed = seed % 2 == 1
    size = chance.choice((24, 48))
    with subprocess.Popen([FSX, f"{uri}?size={size}M&zone_size=512K&max_open=8&max_active=12", "--ops", "1000000" if killed else "3000",
                           "--seed", str(seed), "--depth", chance.choice(("1", "8")), "--objects", "5", "--no-verify", "--no-map"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as fsx:
        try:
            fsx.communicate(timeout=chance.uniform(0.5, 3) if killed else 300)
        except subprocess.TimeoutExpired:
            fsx.kill()


def outcome(name, object_id, right, got, report):
    """equal, partial, absent, or other: a block that is not as it was is not named."""
    if got is None:
        return "absent"
    if got == right:
        return "equal"
    lost = [(part["offset_bytes"], part["offset_bytes"] + part.get("bytes", 0)) for part in report["missing"]
            if (part.get("name") == name or part.get("object") == object_id) and "offset_bytes" in part]
    differ = [at for at in range(0, len(right), BLOCK) if got[at:at + BLOCK] != right[at:at + BLOCK]]
    named = all(any(first <= at < end for first, end in lost) for at in differ)
    return "partial" if named and len(got) == len(right) else "other"


def run_seed(seed, folder, counts):
    chance = random.Random(seed)
    path = os.path.join(folder, "disk.img")
    uri, good = "file:" + path, True
    make_store(uri, seed, chance)
    subprocess.run([FURROW, "get", uri, "--to", os.path.join(folder, "right")], check=True)
    right = files_of(os.path.join(folder, "right"))
    listed = subprocess.run([FURROW, "ls", uri, "--json"], check=True, stdout=subprocess.PIPE).stdout.splitlines()
    ids = {entry["name"]: entry["id"] for entry in map(json.loads, listed)}
    with open(path, "rb") as file:
        sound = file.read()
    for kind in KINDS:
        image = bytearray(sound)
        damage(image, kind, chance)
        with open(path, "wb") as file:
            file.write(image)
        out = os.path.join(folder, "out")
        shutil.rmtree(out, ignore_errors=True)
        done = subprocess.run([FURROW, "salvage", uri, "--to", out, "--json"], stdout=subprocess.PIPE, check=False)
        if done.returncode not in (0, 1, 4):
            print(f"seed {seed}, {kind}: salvage ended with {done.returncode}")
            good = False
            continue
        report, got = json.loads(done.stdout), files_of(out)
        with open(path, "rb") as file:
            if file.read() != image:
                print(f"seed {seed}, {kind}: the device was written to")
                good = False
        for name, data in right.items():
            its = got.get("objects/" + name)
            if kind == "zone pages alone":
                its, data = got.get("by-id/%d" % ids[name]), data[:len(data) // BLOCK * BLOCK]
            how = outcome(name, ids[name], data, its, report)
            counts[kind][how] += 1
            if how == "other":
                if kind != "zone pages alone":
                    print(f"seed {seed}, {kind}: {name} differs where nothing is named")
                good &= kind not in WHOLE_TREES
    return good


def main():
    counts = {kind: collections.Counter() for kind in KINDS}
    good = True
    for seed in range(int(sys.argv[1]), int(sys.argv[2])):
        with tempfile.TemporaryDirectory(prefix="furrow-salvage-") as folder:
            good &= run_seed(seed, folder, counts)
    for kind, count in counts.items():
        print(f"{kind}: {dict(sorted(count.items()))}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
