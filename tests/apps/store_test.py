"""Each command on a store, its output for people and its JSON."""
import os
import re
import unittest

from cli import Cli, SMALL


class Store(Cli):
    def setUp(self):
        super().setUp()
        self.format()

    def test_format_tells_what_it_made(self):
        made = self.json("format", self.uri, "--force", "--page-copies", "1")
        self.assertEqual(made["page_copies"], 1)
        self.assertEqual(made["checksum"], "crc32c")
        self.assertRegex(made["uuid"], r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.assertGreater(made["capacity_bytes"], 16 << 20)
        self.assertLess(made["capacity_bytes"], 64 << 20)
        text = self.furrow("format", self.uri, "--force", "--page-copies", "2").decode()
        self.assertRegex(text, r"^store [0-9a-f-]{36} on .*2 copies of each page\n$")

    def test_format_without_checksums(self):
        self.assertEqual(self.json("format", self.uri, "--force", "--no-checksums")["checksum"], "none")
        self.append("a", b"x" * 10000)
        self.assertEqual(self.furrow("cat", self.uri, "a"), b"x" * 10000)

    def test_info_agrees_with_the_device(self):
        self.append("a", b"x" * 5000)
        info = self.json("info", self.uri)
        self.assertEqual(info["device"]["zone_count"], 32)
        self.assertEqual(info["device"]["zone_bytes"], 2 << 20)
        self.assertEqual(info["device"]["open_max"], 8)
        self.assertEqual(info["device"]["active_max"], 12)
        self.assertEqual(info["store"]["objects"], 1)
        self.assertTrue(info["store"]["clean"])
        self.assertEqual(info["store"]["format_version"], 1)
        text = self.furrow("info", self.uri).decode()
        self.assertIn(info["store"]["uuid"], text)
        self.assertIn("32 of 2.0 MiB", text)

    def test_clean_makes_room_of_what_is_dead(self):
        for name in ("a", "b", "c"):
            for _ in range(6):
                self.append(name, os.urandom(1 << 20))
        self.furrow("rm", self.uri, "b")
        told = self.json("clean", self.uri, "--until", "100%")
        self.assertFalse(told["reached"])
        self.assertGreater(told["free_bytes"], 0)
        self.assertTrue(self.json("check", self.uri, "--data")["sound"])
        self.assertTrue(self.json("clean", self.uri, "--until", "1%")["reached"])
        self.assertRegex(self.furrow("clean", self.uri, "--until", "0").decode(), r"0 zones cleaned, 0 blocks moved, .* free\n$")
        self.furrow("clean", self.uri, "--until", "many", status=2)

    def test_quotas_are_told_set_and_held_to(self):
        self.append("a", b"x" * 100_000)
        [default] = self.json_lines("quota", self.uri)
        self.assertEqual((default["collection"], default["name"], default["quota_bytes"]), (0, "default", 0))
        self.assertEqual(default["used_bytes"], 24 * 4096)
        [made] = self.json_lines("quota", self.uri, "--create", "tenant", "--set", "1M")
        self.assertEqual((made["collection"], made["used_bytes"], made["quota_bytes"]), (1, 0, 1 << 20))
        self.fails("quota", self.uri, "--create", "tenant", says="taken")
        self.furrow("quota", self.uri, "--collection", "default", "--set", "100K")
        self.fails("append", self.uri, "b", stdin=b"y" * 9000, says=["quota exceeded: collection 0", "102400", "--set"])
        self.furrow("rm", self.uri, "a")
        self.append("b", b"y" * 9000)
        text = self.furrow("quota", self.uri).decode()
        self.assertRegex(text, r"(?m)^ +0 +8,192 +102,400 +8% default$")
        self.assertRegex(text, r"(?m)^ +1 +0 +1,048,576 +0% tenant$")
        self.furrow("quota", self.uri, "--collection", "1", "--set", "0")
        self.assertRegex(self.furrow("quota", self.uri, "--collection", "tenant").decode(), r"none +- tenant\n$")
        self.fails("quota", self.uri, "--collection", "nobody", says="no such collection")
        self.fails("quota", self.uri, "--set", "1M", says="--set", status=2)

    def test_probe_tells_what_the_device_is_store_or_not(self):
        for text in self.furrow("probe", self.uri).decode(), self.furrow("probe", "memory:?size=64M&zone_size=1M").decode():
            self.assertRegex(text, r"(?m)^will use +zone append")
        found = self.json("probe", self.uri)
        self.assertEqual(found["sequential_zones"], 32)
        self.assertEqual(found["capacity_bytes_max"], 1536 << 10)
        self.assertEqual(found["usable_bytes"], 32 * (1536 << 10))
        self.assertEqual(sum(found["conditions"].values()), 32)
        self.assertTrue(any("volatile" in line for line in found["advice"]))
        self.fails("probe", self.path("nothing"), says="nothing")

    def test_append_and_cat_of_all_sorts_of_lengths(self):
        expected = b""
        for length in (0, 1, 2047, 1, 4095, 4096, 4097, 100_000, 3_000_000):
            piece = os.urandom(length)
            offset = len(expected)
            told = self.json("append", self.uri, "log", stdin=piece)
            self.assertEqual(told["bytes"], length)
            if length:
                self.assertEqual(told["offset_bytes"], offset)
            expected += piece
            self.assertEqual(self.furrow("cat", self.uri, "log"), expected)
        self.assertEqual(self.json_lines("stat", self.uri, "log")[0]["bytes"], len(expected))

    def test_cat_of_ranges(self):
        data = os.urandom(50_000)
        self.append("a", data)
        for offset, length in ((0, 0), (0, 1), (1, 4096), (4095, 2), (4096, 8192), (49_999, 1), (50_000, 0)):
            out = self.furrow("cat", self.uri, "a", "--offset", str(offset), "--bytes", str(length))
            self.assertEqual(out, data[offset:offset + length], msg=(offset, length))
        self.assertEqual(self.furrow("cat", self.uri, "a", "--offset", "40000"), data[40_000:])
        self.assertEqual(self.furrow("cat", self.uri, "a", "a"), data + data)

    def test_append_with_expectations(self):
        self.append("a", b"12345")
        self.furrow("append", self.uri, "a", "--expect-offset", "5", stdin=b"67")
        self.fails("append", self.uri, "a", "--expect-offset", "5", stdin=b"8", says=["a: ", "stat"])
        self.furrow("append", self.uri, "a", "--fence-epoch", "7", stdin=b"8")
        self.fails("append", self.uri, "a", "--fence-epoch", "6", stdin=b"9", says="a: ")
        self.assertEqual(self.furrow("cat", self.uri, "a"), b"12345678")
        self.assertEqual(self.json_lines("stat", self.uri, "a")[0]["fence_epoch"], 7)

    def test_append_that_is_only_written_survives_a_clean_close(self):
        self.furrow("append", self.uri, "a", "--written", stdin=b"abc")
        self.assertEqual(self.furrow("cat", self.uri, "a"), b"abc")

    def test_ls_by_prefix_in_order(self):
        for name in ("b", "a/2", "a/1", "a", "ab"):
            self.append(name, name.encode())
        self.assertEqual(self.names(), [b"a", b"a/1", b"a/2", b"ab", b"b"])
        self.assertEqual(self.names("a/"), [b"a/1", b"a/2"])
        self.assertEqual(self.names("zz"), [])
        self.assertEqual(self.furrow("ls", self.uri, "a/"), b"a/1\na/2\n")
        entries = self.json_lines("ls", self.uri, "-l", "a/")
        self.assertEqual([(e["name"], e["bytes"]) for e in entries], [("a/1", 3), ("a/2", 3)])
        self.assertRegex(self.furrow("ls", self.uri, "-l", "b").decode(), r"^-\S{9} +1 \d{4}-\d\d-\d\d \S+ b\n$")

    def test_ls_of_more_names_than_a_page(self):
        os.mkdir(self.path("many"))
        for i in range(2500):
            with open(self.path("many", f"{i:05}"), "wb") as file:
                file.write(b"%d" % i)
        self.furrow("put", self.uri, self.path("many"))
        self.assertEqual(self.names(), [b"many/"] + [b"many/%05d" % i for i in range(2500)])
        self.assertEqual(len(self.json_lines("ls", self.uri, "-l", "many/01")), 1000)

    def test_stat_of_store_and_object(self):
        self.append("a", b"x" * 10_000)
        counts = self.json("stat", self.uri)
        self.assertEqual(counts["objects"], 1)
        self.assertGreaterEqual(counts["live_bytes"], 8192)
        self.assertIn("durable_sequence", counts)
        self.assertEqual(counts["total_user_bytes"], 10_000)
        self.assertGreaterEqual(counts["total_data_bytes"], 8192)
        self.assertGreater(counts["total_journal_bytes"] + counts["total_page_bytes"], 0)
        self.assertEqual(counts["total_cleaner_bytes"], 0)
        for name in ("live_bytes", "dead_bytes", "reserved_bytes", "finishes_waited", "resets_queued"):
            self.assertIn(name, counts)
        self.assertIn(b"\n  objects ", self.furrow("stat", self.uri))
        one = self.json_lines("stat", self.uri, "a")[0]
        self.assertEqual((one["name"], one["bytes"]), ("a", 10_000))
        self.assertGreater(one["modified_ns"], 1_700_000_000_000_000_000)
        self.assertIn(b"bytes       10,000\n", self.furrow("stat", self.uri, "a"))

    def test_mv_replaces_and_refuses(self):
        self.append("a", b"1")
        self.append("b", b"2")
        self.fails("mv", self.uri, "-n", "a", "b", says="b: ")
        self.furrow("mv", self.uri, "a", "b")
        self.assertEqual(self.names(), [b"b"])
        self.assertEqual(self.furrow("cat", self.uri, "b"), b"1")
        self.fails("mv", self.uri, "a", "c", says=["a: ", "ls"])

    def test_rm_by_name_and_prefix(self):
        for name in ("a", "b", "log/1", "log/2", "logs"):
            self.append(name, b"x")
        self.furrow("rm", self.uri, "a", "b")
        self.assertEqual(self.json("rm", self.uri, "-r", "log/")["removed"], 2)
        self.assertEqual(self.names(), [b"logs"])
        self.fails("rm", self.uri, "gone", says="gone: ")
        done = self.run_raw("rm", self.uri, "gone", "logs")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(self.names(), [])

    def test_zones_as_lines_map_and_json(self):
        self.append("a", b"x" * 2_000_000)
        told = self.json("zones", self.uri)
        zones = told["zones"]
        self.assertTrue(told["of_a_store"])
        self.assertEqual([z["zone"] for z in zones], list(range(32)))
        uses = [z["use"] for z in zones]
        self.assertEqual(uses[0:2] + uses[30:32], ["superblock"] * 4)
        self.assertIn("metadata", uses)
        live = sum(z["live_blocks"] for z in zones if z["use"] == "data")
        self.assertGreaterEqual(live, 2_000_000 // 4096)
        for z in zones:
            self.assertEqual(z["capacity_bytes"], 1536 << 10)
            self.assertLessEqual(z["write_pointer_bytes"], z["bytes"])
        lines = self.furrow("zones", self.uri).decode().splitlines()
        self.assertEqual(len(lines), 33)
        self.assertRegex(lines[1], r"^ +0  [#=.]{20} .*superblock")
        for z in zones:
            if z["use"] != "free":
                self.assertNotEqual(z["kept_by"], [], z)
        data = [z for z in zones if z["use"] == "data"]
        self.assertTrue(all("live blocks" in z["kept_by"] for z in data))
        self.assertTrue(any("has room" in z["kept_by"] for z in data))
        self.assertTrue(any("journal" in z["kept_by"] for z in zones if z["use"] == "metadata"))
        self.assertTrue(any(re.search(r"data .* (has room, )?live blocks$", line) for line in lines), lines)
        drawn = self.furrow("zones", self.uri, "--map").decode()
        self.assertRegex(drawn, r"(?m)^ *0  SS")
        self.assertRegex(drawn, r"(?m)^  S +superblock +4$")

    def test_full_store_says_what_is_short_and_goes_on_when_there_is_room(self):
        self.append("small", b"x" * 1_000_000)
        line = self.fails("append", self.uri, "big", stdin=b"x" * (80 << 20), says=["no space", "reserved", " of 12", "rm"])
        self.assertRegex(line, r"wanted [\d.]+ \w+; free .*, dead .*, reserved .*; \d+ zones free, \d+ active of 12")
        self.furrow("rm", self.uri, "big")
        self.append("again", b"y" * (8 << 20))
        self.assertEqual(self.furrow("cat", self.uri, "again"), b"y" * (8 << 20))

    def test_zones_of_a_device_without_a_store(self):
        other = "file:" + self.path("other.img")
        self.fails("append", f"{other}?{SMALL}&conventional=2", "a", says="format")
        told = self.json("zones", other)
        self.assertFalse(told["of_a_store"])
        self.assertEqual([z["type"] for z in told["zones"][:3]], ["conventional", "conventional", "sequential"])

    def test_check_of_a_sound_store(self):
        self.append("a", b"x" * 100_000)
        told = self.json("check", self.uri, "--data")
        self.assertEqual((told["sound"], told["damage"], told["findings"], told["objects"]), (True, 0, [], 1))
        self.assertGreaterEqual(told["blocks_verified"], 24)
        self.assertRegex(self.furrow("check", self.uri).decode(), r": clean\n$")

    def test_dump_prints_every_structure(self):
        self.append("one", b"x" * 20_000)
        lines = self.json_lines("dump", self.uri)
        kinds = {line.get("what") for line in lines}
        self.assertLessEqual({"superblock", "zone_header", "page", "object", "name", "extent"}, kinds)
        self.assertEqual([line for line in lines if "fault" in line], [])
        names = [line["fields"]["name"] for line in lines if line.get("what") == "name"]
        self.assertEqual(names, ["one"])
        text = self.furrow("dump", self.uri).decode()
        self.assertIn("newest superblock", text)
        self.assertNotIn("!", text)
        data = [line for line in lines if line.get("what") == "extent"][0]["fields"]["address"]
        zone = int(data.split(":")[1]) // 512
        runs = self.json_lines("dump", self.uri, "--zone", str(zone))
        self.assertEqual([line for line in runs if "fault" in line], [])
        self.assertIn("zone_header", {line.get("what") for line in runs})


if __name__ == "__main__":
    unittest.main()
