#!/usr/bin/env python3
"""Holds every file of the project to the house rules that can be read off it.

  check_files.py ROOT      prints one line for each breach; exit status 1 if there is any

- ASCII only, except in the licence; no tab in C++, Python and JSON; the last line ends.
- No file over 600 lines.
- No function of the product over 70 lines.
- No leftover marks: what is to be done is done, or is not in the file.
- Every header says in a comment at its head what it is for, and has `#pragma once`.
- A document's code that says `<!-- file: PATH -->` above it is that file, so that it is compiled and run by a test.
- Every *_test.cpp and fuzz_*.cpp is named by a CMakeLists.txt above it: a test that nothing builds cannot fail.
"""
import argparse
import os
import re
import sys

LINES_MAX = 600
FUNCTION_LINES_MAX = 70
TOPS = ["zoned", "engine", "apps", "tests", "cmake", "ci", ".ci"]
TEXT_SUFFIXES = (".hpp", ".cpp", ".h", ".py", ".sh", ".cmake", ".in", ".txt", ".md", ".json", ".clang-format", ".clang-tidy")
UNCAPPED = ("LICENSE",)
TABLESS_SUFFIXES = (".hpp", ".cpp", ".py", ".json")
LEFTOVERS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"]) + r")\b")
PRODUCT = ("zoned/", "engine/", "apps/")
NOT_CODE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.S)
NO_FUNCTION = re.compile(r"\s*(namespace|class|struct|union|enum|extern|template\s*<[^(]*>\s*(class|struct)|if|for|while|switch|do|else|try|"
                         r"catch|case|default)\b")
QUOTED_FILE = re.compile(r"^<!-- file: (\S+) -->\n(```\w*\n(.*?)^```$)?", re.M | re.S)
NEEDS_BUILD = re.compile(r"(_test|^fuzz_\w+)\.cpp$")
SPLIT_CASE = re.compile(rb'^TEST_CASE\w*\("[^"]*;')


def text_files(root):
    """Paths below `root` of the project's text files; build trees and data files are none."""
    for name in sorted(os.listdir(root)):
        if os.path.isfile(os.path.join(root, name)) and (name.endswith(TEXT_SUFFIXES) or name in UNCAPPED):
            yield name
    for top in TOPS:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(f for f in folders if f not in ("__pycache__", "corpus"))
            for name in sorted(names):
                if name.endswith(TEXT_SUFFIXES) or "." not in name:
                    yield os.path.relpath(os.path.join(folder, name), root)


def built_names(root, path):
    """What the CMakeLists.txt files from the folder of `path` up to the root say, as one text."""
    said, folder = [], os.path.dirname(path)
    while True:
        lists = os.path.join(root, folder, "CMakeLists.txt")
        if os.path.isfile(lists):
            with open(lists, encoding="utf-8") as file:
                said.append(file.read())
        if not folder:
            return "\n".join(said)
        folder = os.path.dirname(folder)


def long_functions(text):
    """(first line, lines) of each function body that is too long. Lambdas count as part of what they stand in."""
    code = NOT_CODE.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)
    blocks, statement, line = [], 0, 1
    for position, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character == "{":
            head = code[statement:position]
            within = any(is_function for _, is_function in blocks)
            blocks.append((line, not within and ")" in head and not NO_FUNCTION.match(head)))
            statement = position + 1
        elif character == "}" and blocks:
            first, is_function = blocks.pop()
            if is_function and line - first > FUNCTION_LINES_MAX:
                yield first, line - first
            statement = position + 1
        elif character == ";":
            statement = position + 1


def wrong_quotes(root, path, text):
    for match in QUOTED_FILE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        try:
            with open(os.path.join(root, match.group(1)), encoding="utf-8") as file:
                if file.read() != match.group(3):
                    yield f"{path}:{line}: is not what {match.group(1)} is now"
        except OSError:
            yield f"{path}:{line}: there is no {match.group(1)}"


def check_file(root, path):
    name = os.path.basename(path)
    with open(os.path.join(root, path), "rb") as file:
        data = file.read()
    lines = data.split(b"\n")
    if data and lines[-1]:
        yield f"{path}:{len(lines)}: the last line does not end"
    if len(lines) - 1 > LINES_MAX and name not in UNCAPPED:
        yield f"{path}: {len(lines) - 1} lines; {LINES_MAX} is the most"
    for number, line in enumerate(lines, 1):
        if not line.isascii():
            yield f"{path}:{number}: not ASCII"
        if b"\t" in line and name.endswith(TABLESS_SUFFIXES):
            yield f"{path}:{number}: a tab"
        if SPLIT_CASE.search(line):
            yield f"{path}:{number}: a test case with a semicolon in its name, which CTest never runs"
        if found := LEFTOVERS.search(line.decode("utf-8", "replace")):
            yield f"{path}:{number}: leftover {found.group(1)}"
    if name.endswith(".md"):
        yield from wrong_quotes(root, path, data.decode("utf-8", "replace"))
    if path.startswith(PRODUCT) and name.endswith((".cpp", ".hpp")):
        for first, count in long_functions(data.decode("utf-8", "replace")):
            yield f"{path}:{first}: a function of {count} lines; {FUNCTION_LINES_MAX} is the most"
    if name.endswith(".hpp"):
        if not data.startswith(b"//"):
            yield f"{path}:1: the head does not say what the file is for"
        if b"\n#pragma once\n" not in data:
            yield f"{path}: no #pragma once"
    if NEEDS_BUILD.search(name) and not re.search(rf"(^|[\s/]){re.escape(name)}\b", built_names(root, path)):
        yield f"{path}: no CMakeLists.txt names it, so it never runs"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root")
    root = parser.parse_args().root
    paths = list(text_files(root))
    if not paths:
        sys.exit("check_files: nothing found")
    findings = [finding for path in paths for finding in check_file(root, path)]
    for finding in findings:
        print(finding)
    print(f"{len(paths)} files, {len(findings)} breaches")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
