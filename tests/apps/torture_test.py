"""furrow-torture: what it acknowledges survives SIGKILL, and what is lost is noticed."""
import os
import subprocess
import time
import unittest

from cli import TIMEOUT_S, TORTURE, Cli


class Torture(Cli):
    def setUp(self):
        super().setUp()
        self.log = self.path("log")

    def torture(self, *args, status=0):
        done = subprocess.run([TORTURE, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S,
                              check=False)
        self.assertEqual(done.returncode, status, msg=f"{args}: {done.stdout[-500:]!r} {done.stderr[-500:]!r}")
        return done.stdout.decode()

    def killed_run(self, seed, kill_at):
        """A run that is killed when `kill_at(lines so far)` says so; its whole lines go to the log."""
        process = subprocess.Popen([TORTURE, self.uri, "--tasks", "6", "--seed", str(seed), "--rate", "20M",
                                    "--checkpoint-bytes", "64K"], stdout=subprocess.PIPE)
        deadline = time.monotonic() + TIMEOUT_S
        lines = []
        for line in process.stdout:
            lines.append(line)
            if kill_at(lines) or time.monotonic() > deadline:
                break
        process.kill()
        lines += process.stdout.readlines()
        process.stdout.close()
        process.wait()
        with open(self.log, "ab") as file:
            file.writelines(line for line in lines if line.endswith(b"\n"))
        return lines

    def test_an_orderly_run(self):
        self.format("size=128M&zone_size=4M")
        told = self.torture(self.uri, "--tasks", "4", "--seed", "3", "--bytes", "3M", "--checkpoint-bytes", "64K")
        lines = told.splitlines()
        self.assertEqual(lines[0], "begin 3")
        acks = [line.split() for line in lines if line.startswith("ack ")]
        self.assertGreater(len(acks), 20)
        done = [line.split() for line in lines if line.startswith("done ")]
        self.assertEqual(done, [["done", str(len(acks)), str(sum(int(a[3]) for a in acks))]])
        self.assertIn("phase checkpoint begin", lines)
        self.assertIn("phase checkpoint end", lines)
        with open(self.log, "w", encoding="ascii") as file:
            file.write(told)
        verified = self.torture(self.uri, "--verify", self.log)
        self.assertIn(f"{len(acks)} acknowledged appends", verified)
        self.assertIn(" 0 others whole", verified)

    def test_kills(self):
        self.format("size=256M&zone_size=4M&max_open=8&max_active=12")
        moments = [lambda lines: lines[-1] == b"phase checkpoint begin\n",
                   lambda lines: lines[-1].startswith(b"phase zone-switch"),
                   lambda lines: sum(line.startswith(b"ack ") for line in lines) >= 40,
                   lambda lines: sum(line.startswith(b"ack ") for line in lines) >= 3]
        for seed, moment in enumerate(moments, start=1):
            self.killed_run(seed, moment)
            self.torture(self.uri, "--verify", self.log)
        self.assertTrue(self.json("check", self.uri, "--data")["sound"])

    def test_a_loss_is_noticed(self):
        self.format("size=128M&zone_size=4M")
        told = self.torture(self.uri, "--tasks", "2", "--bytes", "1M")
        acks = [line.split() for line in told.splitlines() if line.startswith("ack ")]
        end = {name: max(int(a[2]) + int(a[3]) for a in acks if a[1] == name) for name in ("log-0", "log-1")}
        with open(self.log, "w", encoding="ascii") as file:
            file.write(told + f"ack log-0 {end['log-0']} 1 1\n")
        self.torture(self.uri, "--verify", self.log, status=3)
        with open(self.log, "w", encoding="ascii") as file:
            file.write(told)
        self.torture(self.uri, "--verify", self.log)
        self.append("log-1", b"not an append of furrow-torture's" * 10)
        self.torture(self.uri, "--verify", self.log, status=3)
        self.furrow("rm", self.uri, "log-1")
        self.torture(self.uri, "--verify", self.log, status=3)

    def test_wrong_usage(self):
        self.torture(status=2)
        self.torture(self.uri, "--tasks", "0", status=2)
        self.torture(self.uri, status=1)
        self.assertFalse(os.path.exists(self.image))


if __name__ == "__main__":
    unittest.main()
