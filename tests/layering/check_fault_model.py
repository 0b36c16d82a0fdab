#!/usr/bin/env python3
"""Holds engine/FAULTS.md against the tests: its rows are numbered without a gap, each names a test, and every test exists.

  check_fault_model.py ROOT BUILD      prints one line for each breach; exit status 1 if there is any

A test is named as `ctest -N` in the folder BUILD names it; BUILD may be a file of such names, one a line.
"""
import os
import re
import subprocess
import sys

ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$")


def names_of(build):
    if os.path.isfile(build):
        with open(build, encoding="utf-8") as file:
            return set(file.read().splitlines())
    listed = subprocess.run(["ctest", "--test-dir", build, "-N"], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^ *Test +#\d+: (.*)$", listed, re.MULTILINE))


def check(root, build):
    tests = names_of(build)
    with open(os.path.join(root, "engine", "FAULTS.md"), encoding="utf-8") as file:
        rows = [match for match in map(ROW.match, file.read().split("\n")) if match]
    if not rows or [int(row[1]) for row in rows] != list(range(1, len(rows) + 1)):
        yield "the rows are not numbered from 1 without a gap"
    for row in rows:
        named = [name for name in re.findall(r"`([^`]+)`", row[4]) if not name.startswith("-")]
        if not named:
            yield f"row {row[1]}: no test"
        for name in named:
            if name not in tests:
                yield f"row {row[1]}: there is no test {name}"


def main():
    findings = list(check(*sys.argv[1:3]))
    for finding in findings:
        print(finding)
    print(f"{len(findings)} breaches")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
