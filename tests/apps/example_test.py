"""The store that FORMAT_EXAMPLES.md explains line by line is what the commands given there leave behind."""
import os
import re
import subprocess
import time
import unittest

from cli import FURROW, Cli

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "engine", "format", "FORMAT_EXAMPLES.md")
SHAPE = "size=64M&zone_size=2M&zone_capacity=1536K"
# What differs from one such store to the next.
CHANGING = [(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"), (r"_ns=\d+", "_ns=TIME"), (r"crc32c:[0-9a-f]{8}", "crc32c:SUM")]


def steady(line):
    line = line.strip()
    for pattern, word in CHANGING:
        line = re.sub(pattern, word, line)
    return line


def lines_of_page():
    with open(PAGE, encoding="utf-8") as file:
        fences = re.findall(r"^```dump\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
    return [steady(line) for fence in fences for line in fence.splitlines()]


class Example(Cli):
    def killed_while_appending(self, name, data, seconds):
        process = subprocess.Popen([FURROW, "append", self.uri, name], stdin=subprocess.PIPE)
        process.stdin.write(data)
        process.stdin.flush()
        time.sleep(seconds)
        process.kill()
        process.wait()
        process.stdin.close()

    def lines_of_store(self, seconds):
        if os.path.exists(self.image):
            os.unlink(self.image)
        self.format(SHAPE)
        self.append("notes/first", b"hello, zones\n")
        self.append("blob", b"b" * 10000)
        self.killed_while_appending("log", b"l" * 5000, seconds)
        lines = [steady(line) for line in self.furrow("dump", self.uri).decode("utf-8").splitlines()]
        return lines[next(i for i, line in enumerate(lines) if line.startswith("newest superblock")):]

    def test_the_small_store_is_as_the_page_says(self):
        expected = lines_of_page()
        self.assertGreater(len(expected), 60)
        for seconds in 0.5, 2, 8, 20:  # A busy machine may need longer until the bytes are durable.
            found = self.lines_of_store(seconds)
            if any(line.startswith("publish ") for line in found):
                break
        self.assertEqual(found, expected)


if __name__ == "__main__":
    unittest.main()
