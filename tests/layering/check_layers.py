#!/usr/bin/env python3
"""Holds every #include of the project against the table of layers below.

  check_layers.py ROOT      prints one line for each include that a layer may not have; exit status 1 if there is any

A layer is a pattern of paths; the first that fits a file is the file's. `may` names the project's files it may include,
`system` the only system headers (absent: any but BANNED for all), `never` system headers that it must not have. `pure`
layers answer for what their includes include, too: the clock must not come in through a value header.
"""
import argparse
import os
import re
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

ZONED_VALUES = [f"zoned/include/furrow/zoned/{h}.hpp" for h in ("units", "geometry", "zone", "error")]
ZONED_VOCABULARY = ZONED_VALUES + [
    f"zoned/include/furrow/zoned/{h}.hpp" for h in ("guarantees", "zone_machine", "command")]
ASSERT = ["engine/core/assert.hpp", "engine/core/assert.cpp"]
ENGINE_VALUES = [f"engine/include/furrow/engine/{h}.hpp" for h in (
    "types", "short_list", "options", "error", "statistics", "event", "check", "clean", "health",
    "scrub", "repair")]

VALUE_HEADERS = """
    algorithm any array bit cassert cctype cerrno charconv climits compare concepts cstddef cstdint cstdlib cstring deque
    functional initializer_list iterator limits list map memory new numeric optional ranges set span stdexcept string
    string_view tuple type_traits unordered_map unordered_set utility variant vector queue version
    boost/system/* boost/intrusive/* boost/circular_buffer.hpp boost/smart_ptr/intrusive_*.hpp boost/endian/* boost/container/*.hpp boost/unordered/* boost/icl/interval_set.hpp
""".split()
OS_HEADERS = ["unistd.h", "fcntl.h", "poll.h", "pthread.h", "sys/*", "linux/*", "liburing*", "libzbd/*", "blkid/*"]


@dataclass
class Layer:
    name: str
    files: list
    may: list
    system: list = field(default_factory=list)
    never: list = field(default_factory=list)
    pure: bool = False


LAYERS = [
    Layer("zoned public", ["zoned/include/*"], ["zoned/include/*"], never=OS_HEADERS),
    Layer("zoned", ["zoned/*"], ["zoned/*"]),
    Layer("engine value", ENGINE_VALUES, ENGINE_VALUES + ZONED_VOCABULARY, never=OS_HEADERS + ["boost/asio*"]),
    Layer("engine public", ["engine/include/*"], ["engine/include/*", "zoned/include/*"], never=OS_HEADERS),
    Layer("assert", ASSERT, ASSERT, system=VALUE_HEADERS + ["cstdio"]),
    Layer("format", ["engine/format/*"], ["engine/format/*"] + ASSERT + ZONED_VALUES,
          system=VALUE_HEADERS + ["atomic", "isa-l.h", "isa-l/crc.h", "crc.h"], pure=True),
    Layer("core", ["engine/core/*"], ["engine/core/*", "engine/format/*"] + ZONED_VOCABULARY + ENGINE_VALUES,
          system=VALUE_HEADERS, pure=True),
    Layer("driver", ["engine/driver/*"], ["engine/*", "zoned/include/*"]),
    Layer("furrow-latency", ["apps/furrow_latency/*"], ["apps/furrow_latency/*", "apps/furrow_wa/*", "engine/core/*", "engine/include/*", "zoned/include/*"]),
    Layer("furrow-wa", ["apps/furrow_wa/*"], ["apps/furrow_wa/*", "engine/core/*", "engine/include/*", "zoned/include/*"]),
    Layer("apps", ["apps/*"], ["apps/*", "engine/include/*", "engine/format/*", "zoned/include/*"]),
    Layer("the README's example", ["tests/install/*"], ["zoned/include/*", "engine/include/*"], never=OS_HEADERS),
    Layer("tests", ["tests/*"], ["*"]),
]

# Headers of which only these files know.
PRIVATE_HEADERS = [
    ("libzbd/*", ["zoned/src/zbd/zone_calls.cpp"]),
    ("liburing*", ["zoned/src/uring/*", "zoned/src/nvme/*", "zoned/src/file/*"]),
    ("boost/asio.hpp", []),
]

# Where an include is looked for, besides the folder of the file that has it.
INCLUDE_ROOTS = ["zoned/include", "zoned/src", "engine/include", "engine", "tests", "apps", "."]
SOURCE_ROOTS = ["zoned", "engine", "apps", "tests"]
SUFFIXES = (".hpp", ".cpp", ".h", ".ipp")
# Headers of clocks, threads, chance, streams and the system: what a pure layer must not even reach.
IMPURE = OS_HEADERS + ["boost/asio*", "thread", "mutex", "shared_mutex", "condition_variable", "future", "semaphore", "latch",
                       "barrier", "stop_token", "chrono", "ctime", "time.h", "random", "iostream", "fstream", "ostream",
                       "sstream", "iomanip", "cstdio", "stdio.h", "filesystem", "fmt/*", "format"]
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.M)


def fits(path, patterns):
    return any(fnmatchcase(path, pattern) for pattern in patterns)


def layer_of(path):
    return next(layer for layer in LAYERS if fits(path, layer.files))


class Tree:
    def __init__(self, root):
        self.root = root
        self.includes = {}
        for top in SOURCE_ROOTS:
            for folder, _, names in os.walk(os.path.join(root, top)):
                for name in sorted(names):
                    if name.endswith(SUFFIXES):
                        path = os.path.relpath(os.path.join(folder, name), root)
                        self.includes[path] = self.read(path)

    def read(self, path):
        """The includes of a file: (spelling, line, the project's file that it is or None)."""
        with open(os.path.join(self.root, path), encoding="utf-8") as file:
            text = file.read()
        found = []
        for match in INCLUDE.finditer(text):
            spelling = match.group(1) or match.group(2)
            found.append((spelling, text.count("\n", 0, match.start(0)) + 1, self.resolve(path, spelling)))
        return found

    def resolve(self, path, spelling):
        for folder in [os.path.dirname(path), *INCLUDE_ROOTS]:
            candidate = os.path.normpath(os.path.join(folder, spelling))
            if os.path.isfile(os.path.join(self.root, candidate)):
                return candidate
        return None

    def reached(self, path):
        """Every (file, spelling, chain) of a system header that the project's files bring into `path`."""
        seen, stack = {path}, [(path, [])]
        while stack:
            current, chain = stack.pop()
            for spelling, _, target in self.includes.get(current, []):
                if target is None:
                    if chain:
                        yield spelling, chain
                elif target not in seen:
                    seen.add(target)
                    stack.append((target, chain + [target]))


def check(tree):
    for path, includes in tree.includes.items():
        layer = layer_of(path)
        for spelling, line, target in includes:
            where = f"{path}:{line}: {layer.name} must not include"
            if target is not None:
                if not fits(target, layer.may):
                    yield f"{where} {target} ({layer_of(target).name})"
                continue
            if layer.system and not fits(spelling, layer.system):
                yield f"{where} <{spelling}>: not among its value headers"
            elif fits(spelling, layer.never):
                yield f"{where} <{spelling}>"
            elif spelling.startswith("furrow/"):
                yield f"{path}:{line}: no such header: {spelling}"
            for pattern, owners in PRIVATE_HEADERS:
                if fits(spelling, [pattern]) and layer.name != "tests" and not fits(path, owners):
                    yield f"{where} <{spelling}>: only {' and '.join(owners) or 'nobody'} may"
        if layer.pure:
            for spelling, chain in tree.reached(path):
                if fits(spelling, IMPURE):
                    yield f"{path}: {layer.name} must not reach <{spelling}>, through {' > '.join(chain)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root")
    tree = Tree(parser.parse_args().root)
    if not tree.includes:
        sys.exit("check_layers: no sources found")
    findings = list(check(tree))
    for finding in findings:
        print(finding)
    print(f"{len(tree.includes)} files, {sum(map(len, tree.includes.values()))} includes, {len(findings)} against the layers")
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
