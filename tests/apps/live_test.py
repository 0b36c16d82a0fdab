"""--live: commands that read beside a process that writes all the time."""
import os
import subprocess
import unittest

from cli import BIN, Cli

ROUNDS = 5


class Live(Cli):
    def setUp(self):
        super().setUp()
        self.writer = subprocess.Popen(
            [os.path.join(BIN, "live_attach"), self.uri + "?size=48M&zone_size=1M&max_open=8&max_active=12", "60",
             "--write"], stdout=subprocess.PIPE)
        self.assertEqual(self.writer.stdout.readline(), b"written\n")

    def tearDown(self):
        self.writer.kill()
        self.writer.wait()
        self.writer.stdout.close()
        super().tearDown()

    def test_beside_a_writer(self):
        self.fails("ls", self.uri, says="in use by another process")
        names = {f"object-{i}".encode() for i in range(16)}
        went_well = 0
        for turn in range(ROUNDS):
            seen = self.furrow("ls", "--live", self.uri, "-0").split(b"\0")[:-1]
            self.assertLessEqual(names, set(seen))
            for args in (["stat", "object-1"], ["info"], ["check"], ["cat", "object-3"], ["dump", "--superblocks"],
                         ["get", "object-1", "object-2", "--to", self.path(f"back{turn}")]):
                done = self.run_raw(args[0], "--live", self.uri, *args[1:])
                if done.returncode == 0:
                    went_well += 1
                else:
                    self.assertIn(b"has moved on", done.stderr, msg=args)
            for name in ("object-1", "object-2"):
                if os.path.exists(self.path(f"back{turn}", name)):
                    self.assertGreater(os.path.getsize(self.path(f"back{turn}", name)), 0)
        self.assertGreater(went_well, 3 * ROUNDS)
        self.assertIsNone(self.writer.poll())
        self.writer.kill()
        self.writer.wait()
        self.furrow("check", "--data", self.uri)
        self.furrow("check", "--data", "--live", self.uri)


if __name__ == "__main__":
    unittest.main()
