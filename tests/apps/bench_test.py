"""furrow-bench: each workload moves bytes and counts them; what it must not do it refuses."""
import json
import os
import shutil
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
        for workload, writes, reads in ("append", 1, 0), ("durable", 1, 0), ("read", 0, 1), ("randread", 0, 1), ("randwrite", 1, 0), ("mixed", 1, 1):
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

    def test_random_writes_go_on_when_the_device_has_been_filled_several_times(self):
        found = json.loads(self.bench(MEMORY, "randwrite", "--bytes", "64K", "--depth", "4", "--fill", "4M", "--seconds", "2", "--json").stdout)
        self.assertGreater(found["writes"]["operations"] * found["operation_bytes"], 128 << 20)

    def test_odd_sizes(self):
        self.assertEqual(self.measured(MEMORY, "append", "--bytes", "777")["operation_bytes"], 777)
        self.assertGreater(self.measured(MEMORY, "randread", "--bytes", "3M", "--fill", "1M")["reads"]["operations"], 0)

    def test_a_formatted_device_needs_force(self):
        self.format()
        done = self.bench(f"{self.uri}", "append", "--seconds", "0.1", status=1)
        self.assertIn(b"--force", done.stderr)
        self.assertGreater(self.measured(self.uri, "append", "--force")["writes"]["operations"], 0)

    def test_threads_have_objects_of_their_own_and_add_up(self):
        for workload in "append", "durable", "randread", "randwrite", "mixed":
            with self.subTest(workload):
                found = self.measured(MEMORY, workload, "--threads", "3", "--depth", "2", "--objects", "2", "--fill", "6M")
                self.assertEqual(found["threads"], 3)
                operations = found["writes"]["operations"] + found["reads"]["operations"]
                self.assertGreater(operations, 0)
                self.assertEqual(found["statistics"]["ordered_extents"] > 0, found["writes"]["operations"] > 0)
        # 3 threads of 2 objects each, and replaced ones: the store was appended to by all of them.
        self.format()
        self.measured(self.uri, "append", "--threads", "3", "--objects", "2", "--force")
        owners = {name.split(b"/")[1] for name in self.names()}
        self.assertEqual(owners, {b"0", b"1", b"2"})

    def test_levels(self):
        self.assertEqual(self.measured(MEMORY, "append")["level"], "written")
        for arguments in ("durable",), ("append", "--level", "durable"), ("randwrite", "--level", "durable", "--fill", "1M"), ("mixed", "--level", "durable", "--fill", "1M"):
            with self.subTest(arguments):
                found = self.measured(MEMORY, *arguments)
                self.assertEqual(found["level"], "durable")
                # One at a time: each has a journal group of its own.
                self.assertGreaterEqual(found["statistics"]["groups"], found["writes"]["operations"])

    def test_a_warm_up_is_not_measured(self):
        found = self.measured(MEMORY, "append", "--warm-up", "0.5")
        self.assertLess(found["seconds"], 0.45)
        self.assertLess(found["statistics"]["ordered_extents"], 2 * found["writes"]["operations"])

    def test_the_loop_itself_allocates_nothing(self):
        for arguments in ("append", "--depth", "32"), ("randread", "--depth", "32"), ("randwrite", "--depth", "32"), ("mixed", "--threads", "2", "--depth", "8"):
            with self.subTest(arguments):
                self.assertEqual(self.measured(MEMORY, *arguments, "--fill", "4M")["handler_heap_allocations"], 0)

    def test_the_table_says_what_was_done(self):
        text = self.bench(MEMORY, "append", "--no-checksums", "--threads", "2", "--depth", "4", "--seconds", "0.1").stdout.decode()
        for words in "memory: append of 4096 bytes without sums, 2 threads, each with depth 4, 1 object", "p99.99", "cpu: ", "bytes for each byte":
            self.assertIn(words, text)

    def test_checksum_speed(self):
        found = json.loads(self.bench("--checksum-speed", "--json").stdout)
        self.assertIn(found["implementation"], ("isal", "table"))
        self.assertEqual(found["block_bytes"], 4096)
        self.assertTrue(1 < found["ns_per_block"] < 1e7, found)
        self.assertIn(b"4096 bytes", self.bench("--checksum-speed").stdout)

    def test_a_null_blk_that_cannot_be(self):
        for spec, says in ("zone_size=3M", "powers of two"), ("zone_sise=1M", "zone_size, zone_capacity"), ("size=10M", "zones"), ("max_open=4,max_active=3", "max_active"):
            with self.subTest(spec):
                self.assertIn(says, self.bench("--null-blk", spec, status=2).stderr.decode())
                self.assertIn(says, self.bench(f"--null-blk={spec}", "append", status=2).stderr.decode())
        self.bench(MEMORY, "append", "--null-blk", status=2)

    @unittest.skipIf(os.path.isdir("/sys/kernel/config/nullb"), "this kernel has null_blk: it would be used")
    def test_null_blk_without_the_module(self):
        message = self.bench("--null-blk", "append", "--seconds", "0.1", status=1).stderr.decode()
        self.assertEqual(len(message.splitlines()), 1, message)
        if os.geteuid() != 0:
            self.assertIn("needs root", message)
        elif os.path.isdir("/sys/kernel/config") and os.listdir("/sys/kernel/config"):
            self.assertIn("modprobe null_blk", message)
        else:
            self.assertIn("mount -t configfs", message)

    @unittest.skipUnless(os.geteuid() == 0, "only root can be another user")
    def test_null_blk_without_root(self):
        program = shutil.copy(BENCH, self.path("bench"))
        os.chmod(self.dir, 0o755)
        done = subprocess.run([program, "--null-blk", "append"], stderr=subprocess.PIPE, user=65534, timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"needs root", done.stderr)

    def test_wrong_usage(self):
        self.bench(status=2)
        self.bench(MEMORY, "append", "--threads", "0", status=2)
        self.bench(MEMORY, "append", "--level", "certain", status=2)
        self.bench(MEMORY, "write", status=2)
        self.bench(MEMORY, "append", "--depth", "0", status=2)
        self.bench("nothing:", "append", status=1)


if __name__ == "__main__":
    unittest.main()
