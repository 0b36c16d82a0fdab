#!/usr/bin/env python3
"""Shows that each check goes red: on a small tree that breaks one rule at a time, and on an object that breaks many.

  checks_test.py VIOLATOR_OBJECT CLEAN_OBJECT
"""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
VIOLATOR, CLEAN = sys.argv.pop(1), sys.argv.pop(1)

HEADER = "// What it is.\n#pragma once\n"
SOUND = {
    "zoned/include/furrow/zoned/units.hpp": HEADER + "#include <cstdint>\n",
    "zoned/include/furrow/zoned/error.hpp": HEADER + "#include <boost/system/error_code.hpp>\n",
    "zoned/include/furrow/zoned/command.hpp": HEADER + '#include "furrow/zoned/units.hpp"\n',
    "zoned/include/furrow/zoned/device.hpp": HEADER + '#include "furrow/zoned/command.hpp"\n',
    "zoned/src/zbd/zone_calls.cpp": "#include <libzbd/zbd.h>\n#include <fcntl.h>\n",
    "zoned/src/uring/ring.hpp": HEADER + "#include <liburing.h>\n",
    "engine/include/furrow/engine/types.hpp": HEADER + "#include <compare>\n",
    "engine/include/furrow/engine/store.hpp": HEADER + '#include <boost/asio/async_result.hpp>\n#include "furrow/zoned/device.hpp"\n',
    "engine/format/codec.hpp": HEADER + '#include <span>\n#include "furrow/zoned/units.hpp"\n',
    "engine/core/assert.hpp": HEADER + "#include <cstdlib>\n",
    "engine/format/fault.hpp": HEADER + '#include "core/assert.hpp"\n',
    "engine/core/splitter.hpp": HEADER + '#include "format/codec.hpp"\n#include "furrow/zoned/command.hpp"\n',
    "engine/driver/driver.cpp": '#include <thread>\n#include "core/splitter.hpp"\n#include "furrow/zoned/device.hpp"\n',
    "apps/furrow/main.cpp": '#include "furrow/engine/store.hpp"\n#include <iostream>\n',
    "tests/support/seed.hpp": HEADER + "#include <random>\n",
    "tests/unit/splitter_test.cpp": '#include "support/seed.hpp"\n#include "core/splitter.hpp"\n',
    "README.md": "# It\n\n<!-- file: tests/example.txt -->\n```cpp\nint x;\n```\n",
    "tests/example.txt": "int x;\n",
    "tests/unit/CMakeLists.txt": "furrow_add_test(splitter_test SOURCES splitter_test.cpp)\n",
}

# file, what is appended to it, what the check must say
LAYER_BREACHES = [
    ("zoned/src/zbd/zone_calls.cpp", '#include "furrow/engine/types.hpp"', "zoned must not include engine/include"),
    ("zoned/src/uring/ring.hpp", '#include "support/seed.hpp"', "zoned must not include tests/support/seed.hpp"),
    ("zoned/src/uring/ring.hpp", "#include <libzbd/zbd.h>", "only zoned/src/zbd/zone_calls.cpp may"),
    ("zoned/src/zbd/zone_calls.cpp", "#include <liburing.h>", "only zoned/src/uring/* and zoned/src/nvme/* and zoned/src/file/* may"),
    ("zoned/include/furrow/zoned/device.hpp", "#include <liburing.h>", "zoned public must not include <liburing.h>"),
    ("zoned/include/furrow/zoned/device.hpp", '#include "uring/ring.hpp"', "must not include zoned/src/uring/ring.hpp"),
    ("engine/include/furrow/engine/store.hpp", '#include "core/splitter.hpp"', "engine public must not include engine/core"),
    ("engine/include/furrow/engine/store.hpp", "#include <unistd.h>", "engine public must not include <unistd.h>"),
    ("engine/include/furrow/engine/store.hpp", "#include <boost/asio.hpp>", "only nobody may"),
    ("engine/format/codec.hpp", '#include "furrow/zoned/command.hpp"', "format must not include zoned/include"),
    ("engine/format/codec.hpp", '#include "core/splitter.hpp"', "format must not include engine/core"),
    ("engine/format/codec.hpp", "#include <fstream>", "<fstream>: not among its value headers"),
    ("engine/core/splitter.hpp", '#include "furrow/zoned/device.hpp"', "core must not include zoned/include/furrow/zoned/device.hpp"),
    ("engine/core/splitter.hpp", '#include "furrow/engine/store.hpp"', "core must not include engine/include"),
    ("engine/core/splitter.hpp", "#include <boost/asio/post.hpp>", "<boost/asio/post.hpp>: not among"),
    ("engine/core/splitter.hpp", "#include <thread>", "<thread>: not among"),
    ("engine/core/splitter.hpp", "#include <chrono>", "<chrono>: not among"),
    ("engine/core/splitter.hpp", "#include <random>", "<random>: not among"),
    ("engine/core/assert.hpp", '#include "core/splitter.hpp"', "assert must not include engine/core/splitter.hpp"),
    ("engine/core/splitter.hpp", "# include <mutex>", "<mutex>: not among"),
    ("engine/core/splitter.hpp", "#include <unistd.h>", "<unistd.h>: not among"),
    ("engine/core/splitter.hpp", '#include "../../apps/furrow/main.cpp"', "core must not include apps/furrow/main.cpp"),
    ("engine/core/splitter.hpp", '#include "furrow/engine/gone.hpp"', "not among its value headers"),
    ("zoned/include/furrow/zoned/units.hpp", "#include <chrono>", "core must not reach <chrono>, through zoned/include/furrow/zoned/command.hpp > zoned"),
    ("engine/include/furrow/engine/types.hpp", "#include <boost/asio/buffer.hpp>", "engine value must not include <boost/asio"),
    ("engine/driver/driver.cpp", '#include "uring/ring.hpp"', "driver must not include zoned/src/uring/ring.hpp"),
    ("apps/furrow/main.cpp", '#include "core/splitter.hpp"', "apps must not include engine/core"),
    ("apps/furrow/main.cpp", '#include "support/seed.hpp"', "apps must not include tests/"),
]

FILE_BREACHES = [
    ("engine/core/splitter.hpp", "// " + "TO" + "DO later", "leftover"),
    ("engine/core/splitter.hpp", "// caf\u00e9", "not ASCII"),
    ("engine/core/splitter.hpp", "\tint x;", "a tab"),
    ("engine/core/splitter.hpp", "//\n" * 600, "lines; 600 is the most"),
    ("engine/core/long.cpp", "namespace n {\nvoid f(int x)\n    noexcept {\n" + "  g(\"{\");\n" * 70 + "  if (x) { g(); }\n}\n}", "a function of 72"),
    ("tests/example.txt", "int y;", "README.md:3: is not what tests/example.txt is now"),
    ("README.md", "<!-- file: gone.txt -->", "there is no gone.txt"),
    ("engine/core/bare.hpp", "#pragma once", "does not say what the file is for"),
    ("engine/core/bare.hpp", "// Head.", "no #pragma once"),
    ("tests/unit/reader_test.cpp", "// Never built.", "no CMakeLists.txt names it"),
    ("tests/fuzz/fuzz_codec.cpp", "// Never built.", "no CMakeLists.txt names it"),
    ("engine/core/splitter.hpp", 'TEST_CASE("one; two") {}', "a semicolon in its name"),
]

FORBIDDEN = ["clock_gettime", "time", "std::chrono::_V2::steady_clock::now()", "std::chrono::_V2::system_clock::now()",
             "pthread_mutex_lock", "std::thread::join()", "open", "read", "write", "pwrite", "ioctl", "fsync", "std::cout", "getenv"]


def run(check, *arguments):
    done = subprocess.run([sys.executable, os.path.join(HERE, check), *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout + done.stderr


class Checks(unittest.TestCase):
    def tree(self, path=None, more=""):
        root = tempfile.TemporaryDirectory()
        self.addCleanup(root.cleanup)
        for name, text in {**SOUND, **({path: SOUND.get(path, "") + more + "\n"} if path else {})}.items():
            os.makedirs(os.path.join(root.name, os.path.dirname(name)), exist_ok=True)
            with open(os.path.join(root.name, name), "w", encoding="utf-8") as file:
                file.write(text)
        return root.name

    def test_a_sound_tree_is_green(self):
        for check in ("check_layers.py", "check_files.py"):
            status, said = run(check, self.tree())
            self.assertEqual(status, 0, said)

    def test_each_breach_is_red(self):
        for check, breaches in (("check_layers.py", LAYER_BREACHES), ("check_files.py", FILE_BREACHES)):
            for path, more, expected in breaches:
                with self.subTest(check=check, path=path, more=more[:60]):
                    status, said = run(check, self.tree(path, more))
                    self.assertEqual(status, 1, said)
                    self.assertIn(expected, said)

    def test_an_empty_tree_is_red(self):
        with tempfile.TemporaryDirectory() as root:
            for check in ("check_layers.py", "check_files.py"):
                self.assertEqual(run(check, root)[0], 1)

    def test_the_table_of_splitter_tests(self):
        sound = {n: "not here: no reason" for n in range(1, 96)} | {7: "`a_test.cpp: one, two`<br>planned: `gone_test.cpp`"}
        for change, expected in (({}, None), ({9: None}, "not 1 to 95"), ({9: "somewhere"}, "row 9: neither"),
                                 ({9: "`a_test.cpp: two`"}, "row 9: a_test.cpp has no case: two"), ({9: "`b_test.cpp: one`"}, "there is no b_test.cpp")):
            with self.subTest(expected=expected), tempfile.TemporaryDirectory() as root:
                os.makedirs(os.path.join(root, "tests/unit/engine/core"))
                with open(os.path.join(root, "tests/unit/engine/core/a_test.cpp"), "w", encoding="utf-8") as file:
                    file.write('TEST_CASE("one, two") {}\n')
                with open(os.path.join(root, "tests/SPLITTER_TESTS.md"), "w", encoding="utf-8") as file:
                    file.writelines(f"| {n} | what | {where} |\n" for n, where in (sound | change).items() if where)
                status, said = run("check_splitter_tests.py", root)
                self.assertEqual(status, 1 if expected else 0, said)
                self.assertIn(expected or "0 breaches", said)

    def test_the_fault_model(self):
        sound = ["| 1 | a | b | *sim*, `one: two, three`, `--option` | |", "| 2 | a | b | `four` | c |"]
        for rows, expected in ((sound, None), (sound[1:], "without a gap"), ([*sound, "| 3 | a | b | *sim* | |"], "row 3: no test"),
                               ([*sound, "| 3 | a | b | `one` | |"], "row 3: there is no test one")):
            with self.subTest(expected=expected), tempfile.TemporaryDirectory() as root:
                os.makedirs(os.path.join(root, "engine"))
                names = os.path.join(root, "names")
                with open(names, "w", encoding="utf-8") as file:
                    file.write("one: two, three\nfour\n")
                with open(os.path.join(root, "engine/FAULTS.md"), "w", encoding="utf-8") as file:
                    file.writelines(row + "\n" for row in rows)
                status, said = run("check_fault_model.py", root, names)
                self.assertEqual(status, 1 if expected else 0, said)
                self.assertIn(expected or "0 breaches", said)

    def test_symbols(self):
        status, said = run("check_symbols.py", CLEAN)
        self.assertEqual(status, 0, said)
        status, said = run("check_symbols.py", CLEAN, VIOLATOR)
        self.assertEqual(status, 1, said)
        named = {line.rsplit(": ", 1)[-1] for line in said.splitlines()}
        for symbol in FORBIDDEN:
            self.assertIn(symbol, named)
        self.assertIn("std::random_device", said)
        self.assertRegex(said, "a stream: (__printf_chk|printf)")
        self.assertIn("a canary: furrow::layering::singing", said)


if __name__ == "__main__":
    unittest.main()
