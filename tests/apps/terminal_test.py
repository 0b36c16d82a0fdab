"""What is only so on a terminal: progress, colours, escaped names."""
import os
import pty
import subprocess
import unittest

from cli import FURROW, TIMEOUT_S, Cli


class Terminal(Cli):
    def setUp(self):
        super().setUp()
        self.format()

    def on_terminal(self, *args, stdout=True, stderr=True, env=None):
        """Exit status and what a terminal shows of standard output, standard error, or both."""
        master, slave = pty.openpty()
        process = subprocess.Popen([FURROW, *args], stdin=subprocess.DEVNULL, stdout=slave if stdout else subprocess.DEVNULL,
                                   stderr=slave if stderr else subprocess.DEVNULL,
                                   env={**os.environ, "TERM": "xterm", **(env or {})})
        os.close(slave)
        shown = b""
        while True:
            try:
                more = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not more:
                break
            shown += more
        os.close(master)
        return process.wait(TIMEOUT_S), shown

    def test_progress_of_put_and_get(self):
        os.mkdir(self.path("tree"))
        for i in range(16):
            with open(self.path("tree", str(i)), "wb") as file:
                file.write(os.urandom(1_000_000))
        status, shown = self.on_terminal("put", self.uri, self.path("tree"), stdout=False)
        self.assertEqual(status, 0)
        self.assertRegex(shown, rb"\rput  \d+/17 files  [\d.]+ \w+ of 15\.3 MiB  [\d.]+ \w+/s")
        self.assertRegex(shown.split(b"\r")[-2], rb"put 17 files, 15\.3 MiB in [\d.]+ s \([\d.]+ MiB/s\)$")
        status, shown = self.on_terminal("get", self.uri, "--to", self.path("back"), stdout=False)
        self.assertEqual(status, 0)
        self.assertRegex(shown, rb"\rget  \d+/17 files  .*ETA \d+:\d\d")

    def test_no_progress_elsewhere(self):
        with open(self.path("file"), "wb") as file:
            file.write(b"x" * 5_000_000)
        status, shown = self.on_terminal("put", self.uri, self.path("file"), stderr=False)
        self.assertEqual((status, shown), (0, b""))

    def test_names_are_escaped(self):
        self.append(b"a\x1b[31m\nb\xff", b"x")
        status, shown = self.on_terminal("ls", self.uri)
        self.assertEqual((status, shown), (0, b"a\\x1b[31m\\nb\\xff\r\n"))
        self.assertEqual(self.furrow("ls", self.uri), b"a\x1b[31m\nb\xff\n")
        status, shown = self.on_terminal("cat", self.uri, b"\x1b[2J")
        self.assertEqual(status, 1)
        self.assertNotIn(b"\x1b", shown)

    def test_zones_have_colours_on_a_terminal_alone(self):
        status, shown = self.on_terminal("zones", self.uri, "--map")
        self.assertEqual(status, 0)
        self.assertIn(b"\x1b[", shown)
        status, shown = self.on_terminal("zones", self.uri, "--map", env={"NO_COLOR": "1"})
        self.assertNotIn(b"\x1b[", shown)
        self.assertNotIn(b"\x1b[", self.furrow("zones", self.uri))


if __name__ == "__main__":
    unittest.main()
