#!/usr/bin/env python3
"""ci/zguest tried in real guests: what it passes on, what it keeps over a hard reset, and how it fails.

  zguest_test.py ZGUEST
"""
import os
import subprocess
import sys
import tempfile
import unittest

ZGUEST = sys.argv.pop(1)


def zguest(*arguments):
    done = subprocess.run([ZGUEST, "--timeout", "120", *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


class Guest(unittest.TestCase):
    def test_status_streams_input_and_files_pass_through(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "input"), "w", encoding="utf-8") as file:
                file.write("two words\n" * 50000)
            status, out, err = zguest(
                "--kernel", "6.1", "--null_blk", "size=512,zone_size=16,zone_capacity=12,max_open=8,max_active=14,conventional=2",
                "--scsi_debug", "zone_cap_mb=12", "--with", "zbd", "--env", "COLOUR=deep blue", "--out", os.path.join(folder, "out"),
                "--input", os.path.join(folder, "input"), "--",
                "wc -l; echo $COLOUR >&2; uname -r; zbd report /dev/nullb0 | head -3;"
                "cd /sys/block; cat sda/queue/zoned nullb0/queue/max_active_zones nullb0/queue/max_open_zones;"
                "mkdir /out/sub; echo left >/out/sub/file; exit 7")
            self.assertEqual(status, 7, err)
            lines = out.split("\n")
            self.assertEqual(lines[0].split(), ["50000"])
            self.assertTrue(lines[1].startswith("6.1."), out)
            self.assertIn("cnv", lines[2])
            self.assertIn("cap 00000012582912", lines[4])
            self.assertEqual(lines[5:8], ["host-managed", "14", "8"])
            self.assertIn("deep blue\n", err)
            with open(os.path.join(folder, "out", "sub", "file"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "left\n")

    def test_a_hard_reset_keeps_the_zones_and_what_was_said(self):
        status, out, err = zguest(
            "--nvme", "size=256M,zone_size=16M,zone_capacity=12M,max_open=8,max_active=14", "--with", "zbd",
            "--reset-on", "ack 2", "--after-reset", "echo given:; cat; zbd report /dev/nvme0n1 | head -1; ls /dev/ng0n1", "--",
            "dd if=/dev/zero of=/dev/nvme0n1 bs=64k count=3 oflag=direct 2>/dev/null; echo ack 1; echo ack 2; printf half; sleep 100; echo never")
        self.assertEqual(status, 0, err)
        before, given = out.split("given:\n")
        self.assertEqual(before, "ack 1\nack 2\n")
        lines = given.split("\n")
        self.assertEqual(lines[:2], ["ack 1", "ack 2"])
        self.assertIn("wp 00000000196608", lines[2])
        self.assertEqual(lines[3], "/dev/ng0n1")

    def test_time_up(self):
        status, _, err = zguest("--timeout", "8", "--", "sleep 100")
        self.assertEqual(status, 124)
        self.assertIn("the time of 8 s is up", err)

    def test_own_failures(self):
        for expected, arguments in (
            ("nullb0: power=1 refused", ("--null_blk", "zone_size=3", "--", "true")),
            ("the guest died", ("--", "echo c >/proc/sysrq-trigger; sleep 10")),
            ("before the guest was to be reset", ("--reset-on", "never said", "--after-reset", "true", "--", "exit 3")),
            ("no such file or program: no-such-program", ("--with", "no-such-program", "--", "true")),
            ("has no module 'no_such_module'", ("--module", "no-such-module", "--", "true")),
            ("no command", ()),
        ):
            with self.subTest(expected):
                status, _, err = zguest(*arguments)
                self.assertEqual(status, 125, err)
                self.assertIn(expected, err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
