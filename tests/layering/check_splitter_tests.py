#!/usr/bin/env python3
"""Holds tests/SPLITTER_TESTS.md against the tests: its rows are 1 to 95, and every case it names exists.

  check_splitter_tests.py ROOT      prints one line for each breach; exit status 1 if there is any

A row's last column has `FILE: CASE`, `FILE` alone, planned: `FILE`, or `not here` with the reason.
"""
import os
import re
import sys

ROWS = 95
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|$")
CASE = re.compile(r"(planned: )?`([^`:]+)(?:: ([^`]+))?`")


def path_of(root, name):
    return os.path.join(root, "tests", name if "/" in name or name == "sim" else os.path.join("unit/engine/core", name))


def check(root):
    with open(os.path.join(root, "tests", "SPLITTER_TESTS.md"), encoding="utf-8") as file:
        rows = [match for match in map(ROW.match, file.read().split("\n")) if match]
    numbers = [int(row[1]) for row in rows]
    if numbers != list(range(1, ROWS + 1)):
        yield f"the rows are not 1 to {ROWS}: {sorted(set(range(1, ROWS + 1)) ^ set(numbers))} and their order"
    for row in rows:
        named = CASE.findall(row[3])
        if not named and not row[3].startswith("not here"):
            yield f"row {row[1]}: neither a test nor why not"
        for planned, name, case in named:
            path = path_of(root, name)
            if planned:
                continue
            if not os.path.exists(path):
                yield f"row {row[1]}: there is no {name}"
            elif case:
                with open(path, encoding="utf-8") as file:
                    if f'TEST_CASE("{case}")' not in file.read():
                        yield f"row {row[1]}: {name} has no case: {case}"


def main():
    findings = list(check(sys.argv[1]))
    for finding in findings:
        print(finding)
    print(f"{ROWS} rows, {len(findings)} breaches")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
