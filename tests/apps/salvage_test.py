"""furrow salvage: what can be read comes out, what cannot is named, nothing wrong is ever given, and the device stays as it was."""
import os
import re
import struct
import subprocess
import unittest

from cli import BIN, OFFLINE, Cli, positions, seal

MISSING = 4
BLOCK = 4096
ZONE = 2 << 20
DATA_AT = 8192  # of the image
BENCH = os.path.join(BIN, "furrow-bench")
OBJECTS, ZONES = 1, 2  # kinds of pages
SEVERAL = "zone pages name several places for these blocks; which is the newest is not known"


def cells(page):
    """Where keys and values begin in a page, with their lengths."""
    count, = struct.unpack_from("<H", page, 6)
    for slot in range(count):
        at, = struct.unpack_from("<H", page, 96 + 2 * slot)
        key_bytes, value_bytes = struct.unpack_from("<HH", page, at)
        yield at + 4, key_bytes, at + 4 + key_bytes, value_bytes


def unescaped(path):
    return re.sub(r"%(_|/|[0-9A-F]{2})", lambda m: "" if m[1] in "_/" else chr(int(m[1], 16)), path)


class SalvageCase(Cli):
    """What the tests below share: a store with a few objects, what damages it, and what is salvaged."""
    SIZE = "size=64M&zone_size=2M"

    def setUp(self):
        super().setUp()
        self.format(self.SIZE, "--page-copies", "1")
        self.data = b"".join(b"%07d\n" % i for i in range(20_000))
        self.contents = {b"data": self.data, b"folder/small": b"tail only", b"empty": b"", b"many": b"m" * 50_000}
        for name, data in self.contents.items():
            self.append(name, data)

    def salvage(self, status=0):
        before = self.read_image()
        out = self.path("out%d" % len(os.listdir(self.dir)))
        report = self.json("salvage", self.uri, "--to", out, status=status)
        self.assertEqual(self.read_image(), before, "the device was written to")
        self.out = out
        return report

    def files(self):
        """Contents by the path below the target."""
        found = {}
        for folder, _, names in os.walk(self.out):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    found[os.path.relpath(path, self.out)] = file.read()
        return found

    def expect_all(self, but=()):
        files = self.files()
        for name, data in self.contents.items():
            if name not in but:
                self.assertEqual(files["objects/" + name.decode()], data, name)
        return files

    def spoil(self, what, keep=lambda block: False):
        """Flips a bit in each block that begins with `what`; answers how many there were."""
        image = self.read_image()
        hurt = [at for at in positions(image, what, 512) if not keep(image[at:at + BLOCK])]
        for at in hurt:
            self.flip(at + 200)
        return len(hurt)


class Salvage(SalvageCase):
    def test_a_sound_store(self):
        report = self.salvage()
        self.assertEqual(report["missing"], [])
        self.assertFalse(report["rebuilt"])
        self.assertEqual(report["objects"], len(self.contents))
        self.assertEqual(len(self.expect_all()), len(self.contents))

    def test_names_that_are_no_file_names(self):
        odd = ["/absolute", "a//b", "..", "x/../y", "100%", "file", "file/below", "slash/", "l" * 1000, "d" * 253 + "."]
        for name in odd:
            self.contents[name.encode()] = name.encode()
            self.append(name, name.encode())
        self.salvage()
        files = {unescaped(path): data for path, data in self.files().items()}
        self.assertEqual(files, {"objects/" + name.decode(): data for name, data in self.contents.items()})

    def test_attributes(self):
        tree = self.path("tree")
        os.makedirs(os.path.join(tree, "sub"))
        with open(os.path.join(tree, "sub", "script"), "wb") as file:
            file.write(b"#!")
        os.chmod(os.path.join(tree, "sub", "script"), 0o750)
        os.utime(os.path.join(tree, "sub", "script"), ns=(1, 1_600_000_000_123_456_789))
        os.symlink("/no/where", os.path.join(tree, "link"))
        self.furrow("put", self.uri, tree)
        self.salvage()
        script = os.stat(os.path.join(self.out, "objects/tree/sub/script"))
        self.assertEqual((script.st_mode & 0o7777, script.st_mtime_ns), (0o750, 1_600_000_000_123_456_789))
        self.assertEqual(os.readlink(os.path.join(self.out, "objects/tree/link")), "/no/where")

    def test_a_block_of_data(self):
        self.flip(next(positions(self.read_image(), b"0010000\n")))
        report = self.salvage(MISSING)
        files = self.expect_all(but=[b"data"])
        at = self.data.index(b"0010000\n") // BLOCK * BLOCK
        self.assertEqual(files["objects/data"], self.data[:at] + bytes(BLOCK) + self.data[at + BLOCK:])
        self.assertEqual(len(report["missing"]), 1)
        part = report["missing"][0]
        self.assertEqual((part["name"], part["offset_bytes"], part["bytes"]), ("data", at, BLOCK))
        self.assertIn("zone", part)
        self.assertTrue(part["why"])
        self.assertEqual(report["lost_bytes"], BLOCK)

    def test_a_zone_that_is_offline(self):
        zone = (next(positions(self.read_image(), b"0010000\n")) - DATA_AT) // ZONE
        self.turn(zone, OFFLINE)
        for superblocks in (True, False):
            if not superblocks:
                self.spoil(b"FURROWS0")
            report = self.salvage(MISSING)
            files = self.files()
            parts = [part for part in report["missing"] if part.get("name") == "data"]
            self.assertEqual({part["zone"] for part in parts}, {zone})
            kept = len(self.data) // BLOCK * BLOCK
            self.assertEqual(sum(part["bytes"] for part in parts), kept)
            self.assertEqual(files["objects/data"], bytes(kept) + self.data[kept:])
            self.assertLess(os.stat(os.path.join(self.out, "objects/data")).st_blocks * 512, kept)
            self.assertEqual(files["objects/folder/small"], b"tail only")

    def test_a_block_of_data_and_no_superblock(self):
        self.flip(next(positions(self.read_image(), b"0010000\n")))
        self.spoil(b"FURROWS0")
        report = self.salvage(MISSING)
        at = self.data.index(b"0010000\n") // BLOCK * BLOCK
        self.assertEqual(self.expect_all(but=[b"data"])["objects/data"], self.data[:at] + bytes(BLOCK) + self.data[at + BLOCK:])
        part, = [part for part in report["missing"] if "object" in part]
        self.assertEqual((part["offset_bytes"], part["bytes"]), (at, BLOCK))

    def test_without_superblocks(self):
        self.assertGreater(self.spoil(b"FURROWS0"), 0)
        report = self.salvage(MISSING)
        self.assertTrue(report["rebuilt"])
        self.expect_all()
        self.assertEqual([part for part in report["missing"] if "object" in part], [])

    def test_a_store_without_sums(self):
        self.format("size=64M&zone_size=2M", "--no-checksums", "--force")
        for name, data in self.contents.items():
            self.append(name, data)
        self.spoil(b"FURROWS0")
        for pages in (True, False):  # runs of leaves have no sums, nor have records
            if not pages:
                self.spoil(b"FRGP")
            report = self.salvage(MISSING)
            whole = [data for data in self.contents.values() if len(data) >= BLOCK]
            self.assertEqual({part["why"] for part in report["missing"] if part.get("bytes")}, {"its sum is lost"})
            self.assertEqual(report["lost_bytes"], sum(len(data) // BLOCK * BLOCK for data in whole))
            for name, data in self.contents.items():
                tail = len(data) % BLOCK
                self.assertEqual(self.files()["objects/" + name.decode()], bytes(len(data) - tail) + data[len(data) - tail:])

    def grow(self):
        """So many objects that the tree has pages of level 1."""
        source = self.path("many")
        os.makedirs(source)
        for i in range(300):
            data = b"%d" % i * 1000
            with open(os.path.join(source, str(i)), "wb") as file:
                file.write(data)
            self.contents[b"many/%d" % i] = data
        del self.contents[b"many"]
        self.furrow("rm", self.uri, "many")
        self.furrow("put", self.uri, source)

    def test_without_index_pages(self):
        self.grow()
        self.assertGreater(self.spoil(b"FRGP", keep=lambda page: page[5] == 0), 0)
        report = self.salvage(MISSING)
        self.assertTrue(report["rebuilt"])
        self.expect_all()

    def test_without_pages_and_superblocks(self):
        self.furrow("mv", self.uri, "many", "moved")
        self.contents[b"moved"] = self.contents.pop(b"many")
        self.append("data", b"more" * 3000)
        self.contents[b"data"] += b"more" * 3000
        self.furrow("rm", self.uri, "empty")
        del self.contents[b"empty"]
        self.spoil(b"FURROWS0")
        self.assertGreater(self.spoil(b"FRGP"), 0)
        self.salvage(MISSING)
        self.assertEqual(len(self.expect_all()), len(self.contents))

    def test_a_broken_journal(self):
        self.spoil(b"FURROWS0")
        self.spoil(b"FRGP")
        groups = list(positions(self.read_image(), b"FURROWJ0", 512))
        self.flip(groups[len(groups) // 2] + 170)
        self.salvage(MISSING)
        for path, data in self.files().items():
            whole = self.contents.get(path.removeprefix("objects/").encode())
            if whole is not None:
                self.assertTrue(all(got in (byte, 0) for got, byte in zip(data, whole)), path)

    def test_without_a_leaf(self):
        self.grow()
        image = self.read_image()
        leaves = [at for at in positions(image, b"FRGP", 512) if image[at + 4] == 1 and image[at + 5] == 0]
        newest = max(leaves, key=lambda at: int.from_bytes(image[at + 24:at + 32], "little"))
        self.flip(newest + 200)
        report = self.salvage(MISSING)
        files = self.files()
        self.assertTrue(any("page of the tree of objects" in part["why"] for part in report["missing"]))
        for path, data in files.items():
            name = path.removeprefix("objects/").encode()
            whole = self.contents.get(name)
            if path.startswith("objects/") and whole is not None and data != whole:
                told = [part for part in report["missing"] if part.get("name") == name.decode()]
                self.assertTrue(told, path)
        self.assertGreater(len(files), 200)

    def test_a_place_that_is_anothers_now(self):
        """A leaf that is out of date names blocks that were freed, reset, and written for another object."""
        self.image = self.path("small.img")
        self.uri = "file:" + self.image
        self.format("size=24M&zone_size=512K", "--page-copies", "1")
        gone = b"".join(b"gone%04d" % i for i in range(131_072))
        self.append("stays", b"first")
        self.append("goes", gone)
        self.furrow("rm", self.uri, "goes")
        for _ in range(13):
            self.append("stays", b"stays" * 200_000)
        for what in (b"FURROWS0", b"FURROWJ0"):
            self.spoil(what)
        self.spoil(b"FRGP", keep=lambda page: page[5] == 0)
        report = self.salvage(MISSING)
        whys = {part["why"] for part in report["missing"] if part.get("name") == "goes"}
        self.assertIn("its place was given to other bytes", whys)
        back = self.files()["objects/goes"]
        for at in range(0, len(gone), BLOCK):
            self.assertIn(back[at:at + BLOCK], (bytes(BLOCK), gone[at:at + BLOCK]), at)

    def test_without_anything(self):
        for what in (b"FURROWS0", b"FURROWZ0", b"FRGP", b"FURROWJ0"):
            self.spoil(what)
        self.fails("salvage", self.uri, "--to", self.path("out"), says="nothing to salvage")
        self.assertFalse(os.path.exists(self.path("out")))

    def test_targets(self):
        full = self.path("full")
        os.makedirs(full)
        with open(os.path.join(full, "file"), "wb"):
            pass
        self.fails("salvage", self.uri, "--to", full, says=["full", "empty"])
        self.assertEqual(os.listdir(full), ["file"])
        self.fails("salvage", self.uri, "--to", os.path.join(full, "file"), says="empty")
        self.fails("salvage", "file:" + self.path("none"), "--to", self.path("out"), says="none")
        self.assertFalse(os.path.exists(self.path("out")))
        os.makedirs(self.path("empty"))
        self.furrow("salvage", self.uri, "--to", self.path("empty"))


class ZonePages(SalvageCase):
    """With neither superblocks nor groups, objects that have no leaf come from zone pages alone."""
    SIZE = "size=24M&zone_size=512K"

    def id_of(self, name):
        return self.json("stat", self.uri, name)["id"]

    def spoil_all_but_zone_pages(self):
        for what in (b"FURROWS0", b"FURROWJ0"):
            self.assertGreater(self.spoil(what), 0)
        self.assertGreater(self.spoil(b"FRGP", keep=lambda page: page[4] == ZONES), 0)

    def missing_blocks(self, report, object_id):
        """Blocks of the object that are named as missing."""
        parts = [part for part in report["missing"] if part.get("object") == object_id and part.get("bytes")]
        return {block for part in parts
                for block in range(part["offset_bytes"] // BLOCK, (part["offset_bytes"] + part["bytes"]) // BLOCK)}

    def test_alone(self):
        """Contents without tails come out under their ids, and nothing else does."""
        self.append("whole", b"whole" * 8 * BLOCK)
        self.append("whole", b"again" * 3 * BLOCK)
        self.contents[b"whole"] = b"whole" * 8 * BLOCK + b"again" * 3 * BLOCK
        expected = {}
        for name, data in self.contents.items():
            if len(data) >= BLOCK:
                expected["by-id/%d" % self.id_of(name)] = data[:len(data) // BLOCK * BLOCK]
        self.flip(next(positions(self.read_image(), b"mmmmmmmm", BLOCK)) + 5)  # of the first block of "many"
        many = "by-id/%d" % self.id_of("many")
        expected[many] = bytes(BLOCK) + expected[many][BLOCK:]
        self.spoil_all_but_zone_pages()
        report = self.salvage(MISSING)
        self.assertEqual(self.files(), expected)
        self.assertEqual(report["objects_of_zone_pages"], len(expected))
        self.assertTrue(all(file["of_zone_pages"] and file["rebuilt"] for file in report["files"]))
        told = {part["object"] for part in report["missing"] if "zone pages" in part["why"] and "object" in part}
        self.assertEqual({"by-id/%d" % object_id for object_id in told}, set(expected))
        part, = [part for part in report["missing"] if part.get("bytes")]
        self.assertEqual((part["offset_bytes"], part["bytes"], part["why"]), (0, BLOCK, "the sum does not agree"))
        self.assertIn("zone", part)
        text = self.furrow("salvage", self.uri, "--to", self.path("text"), status=MISSING).decode()
        self.assertEqual(text.count("rebuilt from zone pages alone: object"), len(expected))

    @unittest.skipUnless(os.path.exists(BENCH), "no furrow-bench in this build")
    def test_what_was_written_over(self):
        self.image = self.path("bench.img")
        self.uri = "file:" + self.image
        subprocess.run([BENCH, self.uri + "?size=64M&zone_size=1M", "randwrite", "--bytes", "16K", "--fill", "1M", "--objects", "2",
                        "--seconds", "0.05", "--warm-up", "0"], check=True, stdout=subprocess.DEVNULL)
        right = {}
        for i in (0, 1):
            name = "bench/0/filled.%d" % i
            right[self.id_of(name)] = self.furrow("cat", self.uri, name)
        self.spoil_all_but_zone_pages()
        report = self.salvage(MISSING)
        files = self.files()
        self.assertEqual(set(files), {"by-id/%d" % object_id for object_id in right})
        named = 0
        for object_id, data in right.items():
            lost = self.missing_blocks(report, object_id)
            named += len(lost)
            expected = b"".join(bytes(BLOCK) if at // BLOCK in lost else data[at:at + BLOCK] for at in range(0, len(data), BLOCK))
            self.assertTrue(files["by-id/%d" % object_id] == expected, "a block is not as it was, and not named")
        self.assertLessEqual({part["why"] for part in report["missing"] if part.get("bytes")}, {SEVERAL})
        self.assertLess(named * BLOCK, sum(map(len, right.values())) // 2)

    def test_beside_leaves(self):
        """Of which a leaf is left, those come from it; the others from zone pages, but none that a leaf says is gone."""
        source = self.path("blocks")
        os.makedirs(source)
        for i in range(300):
            with open(os.path.join(source, str(i)), "wb") as file:
                file.write(b"%03d\n" % i * (BLOCK // 4 * (1 + i % 3)))
            self.contents[b"blocks/%d" % i] = b"%03d\n" % i * (BLOCK // 4 * (1 + i % 3))
        self.furrow("put", self.uri, source)
        ids = {self.id_of(name): name for name in self.contents}
        gone = self.id_of("blocks/7")
        self.furrow("rm", self.uri, "blocks/7")
        del self.contents[b"blocks/7"]
        for what in (b"FURROWS0", b"FURROWJ0"):
            self.spoil(what)
        image = self.read_image()
        key = struct.pack(">BQB", 3, self.id_from(ids, b"blocks/150"), 0)
        hurt = [at for at in positions(image, b"FRGP", 512)
                if image[at + 4] == OBJECTS and image[at + 5] == 0 and image.find(key, at, at + BLOCK) >= 0]
        self.assertTrue(hurt)
        for at in hurt:
            self.flip(at + 200)
        report = self.salvage(MISSING)
        files = self.files()
        of_pages = {file["object"]: file["file"] for file in report["files"] if file["of_zone_pages"]}
        self.assertIn(self.id_from(ids, b"blocks/150"), of_pages)
        self.assertLess(len(of_pages), 100)
        for object_id, name in ids.items():
            if object_id == gone:
                self.assertNotIn(object_id, of_pages)
                self.assertNotIn("objects/blocks/7", files)
            elif object_id in of_pages:
                self.assertEqual(files[of_pages[object_id]], self.contents[name], name)
            else:
                self.assertEqual(files["objects/" + name.decode()], self.contents[name], name)

    def test_without_sums(self):
        self.format(self.SIZE, "--no-checksums", "--force")
        self.append("data", self.data)
        object_id = self.id_of("data")
        self.spoil_all_but_zone_pages()
        report = self.salvage(MISSING)
        blocks = len(self.data) // BLOCK
        self.assertEqual(self.files(), {"by-id/%d" % object_id: bytes(blocks * BLOCK)})
        self.assertEqual(self.missing_blocks(report, object_id), set(range(blocks)))
        self.assertEqual({part["why"] for part in report["missing"] if part.get("bytes")}, {"its sum is lost"})

    def id_from(self, ids, name):
        return next(object_id for object_id, its in ids.items() if its == name)

    def forge_run(self, object_id, change):
        """`change(key, value)` is given copies of those cells of zone pages that are the object's runs."""
        image = self.read_image()
        forged = 0
        for at in positions(image, b"FRGP", 512):
            if image[at + 4] != ZONES or image[at + 5] != 0:
                continue
            page = image[at:at + BLOCK]
            for key_at, key_bytes, value_at, value_bytes in cells(page):
                key, value = page[key_at:key_at + key_bytes], page[value_at:value_at + value_bytes]
                if key[0] != 2 or struct.unpack_from("<Q", value) != (object_id,):
                    continue
                change(key, value)
                page[key_at:key_at + key_bytes], page[value_at:value_at + value_bytes] = key, value
                forged += 1
            seal(page, 48)
            image[at:at + BLOCK] = page
        self.assertGreater(forged, 0)
        self.write_image(image)

    def test_forged(self):
        self.append("last", self.data[:10 * BLOCK])
        data, many, last = self.id_of("data"), self.id_of("many"), self.id_of("last")
        ours, theirs = self.data[:len(self.data) // BLOCK * BLOCK], b"m" * (50_000 // BLOCK * BLOCK)
        self.spoil_all_but_zone_pages()
        sound = self.read_image()

        def set_block(key, by):
            key[7:11] = struct.pack(">I", struct.unpack(">I", key[7:11])[0] + by)

        def far_out(_, value):
            value[8:14] = (2 ** 48 - 256).to_bytes(6, "little")

        def no_zone(key, _):
            key[3:7] = struct.pack(">I", 0xfffffff0)

        with self.subTest("a place of two blocks"):
            self.forge_run(last, lambda key, value: set_block(key, -1))
            report = self.salvage(MISSING)
            for object_id, blocks in ((many, {len(theirs) // BLOCK - 1}), (last, set(range(10)))):
                self.assertEqual(self.missing_blocks(report, object_id), blocks)
                why = [part["why"] for part in report["missing"] if part.get("object") == object_id and part.get("bytes")][0]
                self.assertIn("that of others too", why)
            self.assertEqual(self.files(), {"by-id/%d" % data: ours, "by-id/%d" % many: theirs[:-BLOCK] + bytes(BLOCK),
                                            "by-id/%d" % last: bytes(10 * BLOCK)})
        for change, words in ((far_out, "so far out"), (no_zone, "no data can be")):
            with self.subTest(words):
                self.write_image(sound)
                self.forge_run(last, change)
                report = self.salvage(MISSING)
                self.assertTrue(any(words in part["why"] for part in report["missing"]), report["missing"])
                self.assertEqual(self.files(), {"by-id/%d" % data: ours, "by-id/%d" % many: theirs})


if __name__ == "__main__":
    unittest.main()
