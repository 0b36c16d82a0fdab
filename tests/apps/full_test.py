"""furrow-full: what is written over on a nearly full store stays as it was written, and what is not is noticed."""
import json
import os
import subprocess
import unittest

from cli import BIN, TIMEOUT_S, Cli

FULL = os.path.join(BIN, "furrow-full")
SMALL = "size=64M&zone_size=512K&max_open=8&max_active=12"


class Full(Cli):
    def full(self, *args, status=0):
        done = subprocess.run([FULL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, status, msg=f"{args}: {done.stdout[-1500:]!r} {done.stderr[-500:]!r}")
        return done

    def told(self, *args, **more):
        return json.loads(self.full(*args, "--json", **more).stdout)

    def test_the_device_is_written_over_three_times_and_every_byte_is_right(self):
        told = self.told("memory:?" + SMALL, "--seed", "3")
        self.assertIsNone(told["failed"])
        self.assertEqual(told["refusals"], 0)
        self.assertEqual(told["wrong_blocks"] + told["unsure_blocks"], 0)
        self.assertEqual(told["compared_blocks"], told["filled_bytes"] // 65536)
        self.assertEqual(told["filled_bytes"] // 65536, int(told["capacity_bytes"] * 0.8) // 65536)
        self.assertEqual(told["bytes"], 3 * 64 << 20)
        self.assertEqual(len(told["slice_seconds"]), 10)
        self.assertGreater(told["amplification"], 1)
        self.assertGreater(told["told"]["zones_cleaned"], 0)

    def test_a_file_as_a_device(self):
        told = self.told(f"{self.uri}?{SMALL}", "--overwrite", "32M", "--depth", "3")
        self.assertEqual(told["wrong_blocks"], 0)
        self.full(self.uri, "--overwrite", "1M", status=1)
        self.assertTrue(self.json("check", self.uri, "--data")["sound"])
        self.full(self.uri, "--overwrite", "1M", "--force")

    def test_a_wrong_byte_is_found(self):
        told = self.told("memory:?" + SMALL, "--overwrite", "8M", "--spoil", "5", status=1)
        self.assertEqual(told["wrong_blocks"], 1)
        self.assertIn("block 5 ", told["first_wrong"])
        self.assertIn("byte 65535", told["first_wrong"])

    def test_no_room_ends_a_run(self):
        told = self.told("memory:?" + SMALL, "--full", "1", status=1)
        self.assertTrue(told["failed"]["no_space"])
        self.assertIn(told["failed"]["when"].split(" ")[0], ("filling", "writing"))

    def test_a_plain_file(self):
        counters = self.path("stat")
        with open(counters, "w", encoding="utf-8") as file:
            file.write("1 2 3 4 5 6 7 8 9 10 11\n")
        # The share is of all that the file system has: as little of it as can be, in few blocks.
        where = "/dev/shm" if os.path.isdir("/dev/shm") else self.dir
        path = os.path.join(where, f"furrow-full.{os.getpid()}")
        self.addCleanup(lambda: os.path.exists(path) and os.remove(path))
        room = os.statvfs(where).f_bavail * os.statvfs(where).f_frsize
        told = self.told(path, "--file", "--full", str((8 << 20) / room), "--overwrite", "4M", "--bytes", "4K", "--counters", counters)
        self.assertEqual(told["wrong_blocks"], 0)
        self.assertEqual(told["bytes"], 4 << 20)
        self.assertEqual(told["device_written_bytes"], 0)
        self.full(path, "--file", "--full", str((8 << 20) / room), "--overwrite", "4M", status=1)

    def test_wrong_usage(self):
        self.assertIn(b"ALL DATA", self.full("--help").stdout)
        self.full(status=2)
        self.full("memory:?" + SMALL, "--bytes", "5000", status=2)
        self.full("memory:?" + SMALL, "--full", "1.5", status=2)
        self.full("memory:?size=4M&zone_size=512K", "--counters", "/dev/null", status=1)


if __name__ == "__main__":
    unittest.main()
