"""What ci/bench-guest and ci/bench-host make of what programs printed: readings, ratios, rows, tables, schedules."""
import json
import os
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "ci"))
from benchlib import output, ratios, readings, report, results, rows, schedule  # noqa: E402


def recorded(name):
    with open(os.path.join(HERE, "recorded", name), encoding="utf-8") as file:
        return file.read()


class Readings(unittest.TestCase):
    """Of recorded output; the numbers are those that stand in it."""

    def test_a_job_of_fio_that_writes_with_a_note_before_the_json(self):
        found = readings.read_fio(recorded("fio_write.txt"))
        self.assertEqual((found.error, found.per_second, found.user_bytes, found.device_bytes), ("", 354.645355, 23265280, 23265280))
        self.assertEqual(found.explains, {"usr_cpu": 0.1, "sys_cpu": 4.8, "p50_us": 2768.9, "p99_us": 8978.4})

    def test_jobs_of_fio_that_read_are_one_sum(self):
        text = recorded("fio_read_jobs.txt")
        one = readings.read_fio(text)
        self.assertGreater(one.per_second, 0)
        twice = json.loads(text)
        twice["jobs"] *= 2
        both = readings.read_fio(json.dumps(twice))
        self.assertEqual((both.per_second, both.user_bytes), (2 * one.per_second, 2 * one.user_bytes))

    def test_an_io_that_failed_leaves_no_rate(self):
        failed = json.loads(recorded("fio_read_jobs.txt"))
        failed["jobs"][0]["error"] = 5
        self.assertEqual(readings.read_fio(json.dumps(failed)).error, "error 5")
        self.assertEqual(readings.read_fio(recorded("fio_write.txt"), status=1).error, "exit status 1")
        self.assertEqual(readings.read_fio("fio: no such engine\n").error, "fio: no such engine")
        self.assertEqual(readings.read_fio("", status=127).error, "no output, exit status 127")
        self.assertEqual(readings.read_fio("{ \"jobs\" : [ {").error, "{ \"jobs\" : [ {")
        idle = json.loads(recorded("fio_read_jobs.txt"))
        for side in "read", "write":
            idle["jobs"][0][side]["io_bytes"] = 0
        self.assertEqual(readings.read_fio(json.dumps(idle)).error, "it moved nothing")

    def test_furrow_bench(self):
        text = recorded("furrow_append.txt")
        found, said = readings.read_furrow(text), json.loads(text)
        self.assertEqual(found.error, "")
        self.assertEqual(found.per_second, said["writes"]["operations_per_second"])
        self.assertEqual(found.user_bytes, said["writes"]["operations"] * 65536)
        self.assertEqual(found.device_bytes, said["device_bytes_written"])
        self.assertEqual(found.explains["bytes_per_command"], said["statistics"]["data_bytes"] // said["statistics"]["data_commands"])
        self.assertEqual(readings.read_furrow("", 1, "furrow-bench: no\n").error, "furrow-bench: no")
        self.assertEqual(readings.read_furrow("", 3).error, "exit status 3")

    def test_checksum_and_block_counters(self):
        self.assertEqual(readings.read_checksum('{"implementation": "table", "block_bytes": 4096, "ns_per_block": 8192.0}'), 2.0)
        self.assertIsNone(readings.read_checksum("", 1))
        self.assertEqual(readings.read_block_stat("1 2 30 4 5 6 70 8", "1 2 32 4 5 6 75 8 9"), (1024, 2560))
        self.assertIsNone(readings.read_block_stat("", ""))


class Ratios(unittest.TestCase):
    def test_the_best_is_by_median_and_never_failed(self):
        self.assertEqual(ratios.best_of({"a": [10, 1, 10], "b": [9, 9, 99], "c": [50, None, 50]}), "a")
        self.assertIsNone(ratios.best_of({"a": [None], "b": []}))

    def test_a_bound_with_sums(self):
        # A write of 100 us and sums of 25 us, one after the other: 8,000 a second.
        self.assertAlmostEqual(ratios.with_sums(10_000, 25e-6), 8000)

    def test_a_ratio_is_of_pairs(self):
        found, pairs = ratios.ratio_of([10, 30, 20], [10, 10, 10])
        self.assertEqual((found, pairs), ({"median": 2.0, "min": 1.0, "max": 3.0}, 3))
        # Each pair for itself: the machine was ten times slower in the second.
        self.assertEqual(ratios.ratio_of([90, 9], [100, 10])[0]["min"], 0.9)
        self.assertEqual(ratios.ratio_of([1, None, 3], [1, 1, None])[1], 1)
        self.assertIsNone(ratios.ratio_of([None], [1]))
        self.assertIsNone(ratios.ratio_of([1], [0]))

    def test_rows_are_merged_by_name(self):
        merged = ratios.merge([{"name": "a", "pairs": 1}, {"name": "b", "pairs": 1}], [{"name": "b", "pairs": 5}, {"name": "c", "pairs": 5}])
        self.assertEqual([(row["name"], row["pairs"]) for row in merged], [("a", 1), ("b", 5), ("c", 5)])

    def test_others(self):
        self.assertEqual(ratios.others_share(busy_seconds=15, own_seconds=5, wall_seconds=10, processors=2), 0.5)
        self.assertEqual(ratios.others_share(5, 6, 10, 2), 0)


ROW_NAMES = """append_64k_d8_nosum append_1m_d8_nosum append_4k_d32_nosum nvme_append_4k_d32_nosum durable_4k_x32 randread_4k_d1_nosum
    randread_4k_d32_nosum nvme_append_64k_d8_nosum append_64k_d8_sum append_1m_d8_sum append_4k_d32_sum nvme_append_4k_d32_sum
    randwrite_4k_d32_nosum randwrite_64k_d8_nosum randwrite_1m_d8_nosum randwrite_4k_d32_sum randwrite_64k_d8_sum randwrite_1m_d8_sum
    durable_4k_x32_sum randread_4k_d1_sum randread_4k_d32_sum nvme_append_64k_d8_sum""".split()
HOST_NAMES = ["host_append_64k_d8", "host_append_1m_d8", "host_randread_4k_d32"]


class Rows(unittest.TestCase):
    def test_names_are_unique_and_known(self):
        self.assertEqual(sorted(row.name for group in rows.GUEST for row in group.rows), sorted(ROW_NAMES))
        self.assertEqual([row.name for group in rows.HOST for row in group.rows], HOST_NAMES)

    def test_some_rows_need_only_their_runs(self):
        [group] = rows.named_rows(rows.GUEST, ["append_1m_d8_sum"])
        self.assertEqual((list(group.furrow), [row.name for row in group.rows]), (["sum"], ["append_1m_d8_sum"]))
        with self.assertRaisesRegex(ValueError, "append_2m_d8"):
            list(rows.named_rows(rows.GUEST, ["append_2m_d8"]))

    def test_every_row_has_a_run_and_a_fio_that_counts(self):
        for group in rows.GUEST + rows.HOST:
            self.assertTrue(any(not fio.beside for fio in group.fios), group.name)
            for row in group.rows:
                self.assertIn(row.run, group.furrow)


class Schedule(unittest.TestCase):
    def test_each_round_has_all_runs_and_begins_with_another(self):
        [group] = rows.named_rows(rows.GUEST, ["append_64k_d8_nosum", "append_64k_d8_sum"])
        steps = list(schedule.steps_of(group, 5, 2, rows.size_of))
        self.assertEqual(len({step.id for step in steps}), len(steps))
        counted = {("fio", fio.name) for fio in group.fios if not fio.beside} | {("furrow", "nosum"), ("furrow", "sum")}
        beside = {("fio", fio.name) for fio in group.fios if fio.beside}
        firsts = set()
        for number in range(1, 6):
            runs = [(step.program, step.run) for step in steps if step.round == number]
            firsts.add(runs[0])
            self.assertEqual(set(runs), counted | (beside if number == 3 else set()))
            self.assertEqual(len(runs), len(set(runs)))
        self.assertEqual(firsts, counted)

    def test_only_fio_is_given_a_filled_device(self):
        [group] = rows.named_rows(rows.GUEST, ["randread_4k_d1_nosum"])
        for step in schedule.steps_of(group, 1, 1, rows.size_of):
            self.assertEqual(step.fill_mib, rows.FILL_MIB if step.program == "fio" else 0)

    def test_random_writes_have_a_device_without_zones_for_fio(self):
        [group] = rows.named_rows(rows.GUEST, ["randwrite_64k_d8_nosum"])
        for step in schedule.steps_of(group, 1, 1, rows.size_of):
            if step.program == "checksum":
                continue
            self.assertEqual(step.device, "/dev/nullb1" if step.program == "fio" else "/dev/nullb0")
            self.assertIn("--filename=/dev/nullb1" if step.program == "fio" else "/dev/nullb0", step.command)
            self.assertIn("--rw=randwrite" if step.program == "fio" else "randwrite", step.command)

    def test_sizes_as_fio_wants_them(self):
        self.assertEqual([rows.size_of(n) for n in (4096, 65536, 1 << 20)], ["4k", "64k", "1m"])


class Results(unittest.TestCase):
    """A group whose files are written here, with round numbers."""

    def setUp(self):
        held = tempfile.TemporaryDirectory()
        self.addCleanup(held.cleanup)
        self.folder = held.name
        [self.group] = rows.named_rows(rows.GUEST, ["append_64k_d8_nosum", "append_64k_d8_sum"])
        self.steps = list(schedule.steps_of(self.group, 3, 1, rows.size_of))

    def leave(self, step, output, status=0):
        for suffix, text in (".json", output), (".meta", f"command x\nstatus {status}\nbefore 0 0 0 0 0 0 8\nafter 0 0 0 0 0 0 10\n"):
            with open(os.path.join(self.folder, step.id + suffix), "w", encoding="utf-8") as file:
                file.write(text)

    def leave_all(self, fio_of, furrow_of):
        for step in self.steps:
            if step.program == "checksum":
                self.leave(step, json.dumps({"implementation": "table", "block_bytes": 4096, "ns_per_block": 6250}))
            elif step.program == "fio":
                said = json.loads(recorded("fio_read_jobs.txt"))
                said["jobs"][0]["read"]["iops"] = fio_of(step)
                self.leave(step, json.dumps(said))
            else:
                said = json.loads(recorded("furrow_append.txt"))
                said["writes"]["operations_per_second"] = furrow_of(step)
                self.leave(step, json.dumps(said))

    def measured(self):
        result = results.GroupResult(self.group, self.steps, self.folder)
        return result, list(result.rows("6.12", 0.25))

    def test_from_files_to_rows(self):
        self.leave_all(lambda step: {"psync d1": 10_000, "io_uring d1": 9_000}.get(step.run, 8_000) / step.round,
                       lambda step: {"nosum": 9_100, "sum": 4_400}[step.run] / step.round)
        result, (nosum, summed) = self.measured()
        self.assertEqual(result.best_fio(), "psync d1")
        self.assertEqual(nosum["ratio"], {"median": 0.91, "min": 0.91, "max": 0.91})
        self.assertEqual((nosum["name"], nosum["pairs"], nosum["held"], nosum["kernel"], nosum["device"]), ("append_64k_d8_nosum", 3, True, "6.12", "/dev/nullb0"))
        self.assertEqual((nosum["numerator"], nosum["denominator"]), (4550, 5000))
        # 16 sums of 6.25 us beside writes of 100, 200 and 300 us: 5,000, 3,333 and 2,500 a second.
        self.assertEqual(summed["ratio"], {"median": 0.66, "min": 0.587, "max": 0.88})
        self.assertFalse(summed["held"])
        self.assertEqual(result.rounds["fio", "psync d1"][0].explains["block_bytes_written"], 1024)
        text = "\n".join([*report.ratio_table([nosum, summed]), *report.group_table(result, "6.12")])
        for words in "| `append_64k_d8_nosum` | 4,550 | 5,000 |", "| held | 25% |", "| missed | 25% |", "fio psync, 8 jobs", "(beside)":
            self.assertIn(words, text)

    def test_a_row_without_a_target_is_told(self):
        row = {"name": "a", "ratio": {"median": 0.4, "min": 0.3, "max": 0.5}, "numerator": 4, "denominator": 10, "denominator_of": "fio", "device": "d",
               "pairs": 5, "target": 0, "held": True, "others_share": 0}
        self.assertIn("| 5 | - | told |", "\n".join(report.ratio_table([row])))
        self.assertIn("| 5 | - | failed |", "\n".join(report.ratio_table([{**row, "held": False}])))

    def test_a_fio_that_fails_does_not_count(self):
        self.leave_all(lambda step: 10_000 if step.run == "io_uring d8" else 1_000, lambda step: 950)
        broken = next(step for step in self.steps if step.run == "io_uring d8" and step.round == 2)
        self.leave(broken, "fio: error\n", status=1)
        result, (nosum, _) = self.measured()
        self.assertEqual(nosum["ratio"]["median"], 0.95)
        self.assertIn("1 of 3 failed: fio: error", "\n".join(report.group_table(result, "6.12")))

    def test_what_never_ran_is_no_ratio_and_not_held(self):
        result, (nosum, _) = self.measured()
        self.assertEqual((nosum["ratio"]["median"], nosum["pairs"], nosum["held"]), (None, 0, False))
        self.assertIn("failed", "\n".join([*report.ratio_table([nosum]), *report.group_table(result, "6.12")]))

    def test_exit_status_and_files(self):
        class Options:
            out, report_only = self.folder, False

        os.mkdir(os.path.join(self.folder, "runs"))
        for fio, report_only, status in (1000, False, 0), (1e6, False, 1), (1e6, True, 0):
            self.leave_all(lambda step, rate=fio: rate, lambda step: 10_000)
            Options.report_only = report_only
            self.assertEqual(output.write([(self.measured()[0], "6.12", 0.0)], Options, show=lambda *lines: None), status)
        with open(os.path.join(self.folder, "ratios.json"), encoding="utf-8") as file:
            stored = json.load(file)
        self.assertEqual([row["name"] for row in stored], ["append_64k_d8_nosum", "append_64k_d8_sum"])
        for row in stored:
            self.assertLessEqual({"name", "numerator", "denominator", "ratio", "pairs", "kernel", "device"}, set(row))
        with open(os.path.join(self.folder, "ratios.md"), encoding="utf-8") as file:
            self.assertIn("## append_64k_d8 ", file.read())


if __name__ == "__main__":
    unittest.main()
