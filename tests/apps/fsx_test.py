"""furrow-fsx: its arguments, its exit statuses, and what it tells."""
import json
import os
import subprocess
import unittest

from cli import BIN, TIMEOUT_S, Cli

FSX = os.path.join(BIN, "furrow-fsx")
MEMORY = "memory:?size=48M&zone_size=512K&max_open=8&max_active=12"


class Fsx(Cli):
    def fsx(self, *args, status=0):
        done = subprocess.run([FSX, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S,
                              check=False)
        self.assertEqual(done.returncode, status, msg=f"{args}: {done.stdout[-500:]!r} {done.stderr[-500:]!r}")
        return done

    def test_a_run_tells_its_seed_and_counts(self):
        text = self.fsx(MEMORY, "--ops", "500", "--seed", "77").stdout.decode()
        self.assertIn("seed 77", text)
        self.assertIn("no difference", text)
        told = json.loads(self.fsx(MEMORY, "--ops", "500", "--seed", "77", "--json", "--no-map").stdout)
        self.assertEqual(told["seed"], 77)
        self.assertEqual(sum(told["ops"].values()), 500)
        self.assertGreater(told["ops"]["clone"], 0)
        self.assertEqual(told["ops"]["map"] + told["ops"]["write_view"], 0)
        self.assertEqual(told, json.loads(self.fsx(MEMORY, "--ops", "500", "--seed", "77", "--json", "--no-map").stdout))

    def test_views_are_read_and_written(self):
        told = json.loads(self.fsx(MEMORY, "--ops", "2000", "--depth", "4", "--json").stdout)
        self.assertGreater(told["ops"]["map"], 0)
        self.assertGreater(told["ops"]["write_view"], 0)
        if told["copied_views"] == 0:
            self.assertGreater(told["fill_bytes"], 0)
            self.assertGreater(told["extracted"], 0)
            self.assertEqual(told["bounced_bytes"], 0)

    def test_a_full_store_is_no_failure(self):
        told = json.loads(self.fsx("memory:?size=10M&zone_size=512K", "--ops", "3000", "--json").stdout)
        self.assertGreater(told["no_space"], 0)

    def test_a_store_is_erased_only_by_force(self):
        self.format()
        self.append("a", b"bytes")
        said = self.fsx(self.uri, "--ops", "10", status=1).stderr.decode()
        self.assertIn("--force", said)
        self.assertEqual(self.names(), [b"a"])
        self.fsx(self.uri, "--ops", "200", "--force", "--no-reopen", "--no-verify")
        self.assertTrue(self.json("check", self.uri, "--data")["sound"])

    def test_wrong_usage(self):
        self.assertIn(b"ALL DATA", self.fsx("--help").stdout)
        self.fsx(status=2)
        self.fsx(MEMORY, "--objects", "0", status=2)
        self.fsx(MEMORY, "--depth", "x", status=2)
        self.fsx(MEMORY, "--verify-every", "0", status=2)
        self.fsx("file:" + self.path("absent"), status=1)


if __name__ == "__main__":
    unittest.main()
