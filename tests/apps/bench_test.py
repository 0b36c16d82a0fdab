"""furrow-bench: each workload moves bytes and counts them; what it must not do it refuses."""
import json
import os
import subprocess
import unittest

from cli import BIN, SMALL, TIMEOUT_S, Cli

BENCH = os.path.join(BIN, "furrow-bench")
MEMORY = "memory:?size=64M&zone_size=1M"


class Bench(Cli):
    def bench(self, *args, status=0):
        done = subprocess.run([BENCH, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, status, msg=f"{args}: {done.stderr!r}")
        return done

    def measured(self, *args):
        return json.loads(self.bench(*args, "--json", "--seconds", "0.2").stdout)

    def test_each_workload_does_what_it_is_called(self):
        for workload, writes, reads in ("append", 1, 0), ("durable", 1, 0), ("read", 0, 1), ("randread", 0, 1), ("mixed", 1, 1):
            with self.subTest(workload):
                found = self.measured(MEMORY, workload, "--depth", "4", "--objects", "2", "--fill", "4M")
                self.assertEqual(found["workload"], workload)
                self.assertEqual(found["writes"]["operations"] > 0, bool(writes))
                self.assertEqual(found["reads"]["operations"] > 0, bool(reads))
                for side in "writes", "reads":
                    quantiles = [found[side][f"p{q}_ns"] for q in ("50", "90", "99", "99.9", "99.99")] + [found[side]["max_ns"]]
                    self.assertEqual(quantiles, sorted(quantiles))
                appended = found["writes"]["operations"] * found["operation_bytes"]
                self.assertGreaterEqual(found["device_bytes_written"], appended)

    def test_appends_go_on_when_the_device_has_been_filled_several_times(self):
        found = json.loads(self.bench(MEMORY, "append", "--bytes", "256K", "--depth", "4", "--seconds", "2", "--json").stdout)
        self.assertGreater(found["writes"]["operations"] * found["operation_bytes"], 128 << 20)

    def test_odd_sizes(self):
        self.assertEqual(self.measured(MEMORY, "append", "--bytes", "777")["operation_bytes"], 777)
        self.assertGreater(self.measured(MEMORY, "randread", "--bytes", "3M", "--fill", "1M")["reads"]["operations"], 0)

    def test_a_formatted_device_needs_force(self):
        self.format()
        done = self.bench(f"{self.uri}", "append", "--seconds", "0.1", status=1)
        self.assertIn(b"--force", done.stderr)
        self.assertGreater(self.measured(self.uri, "append", "--force")["writes"]["operations"], 0)

    def test_wrong_usage(self):
        self.bench(MEMORY, "write", status=2)
        self.bench(MEMORY, "append", "--depth", "0", status=2)
        self.bench("nothing:", "append", status=1)


if __name__ == "__main__":
    unittest.main()
