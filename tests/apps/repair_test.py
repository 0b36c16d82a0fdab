"""furrow check --repair: what it mends, what it leaves, and that it changes nothing unasked."""
import json
import os
import struct
import unittest

from cli import Cli, positions, seal

DAMAGE, WANTED = 3, 5
BLOCK = 4096


class Repair(Cli):
    def setUp(self):
        super().setUp()
        self.format("size=64M&zone_size=2M", "--page-copies", "2")
        self.data = b"".join(b"%07d\n" % i for i in range(20_000))
        self.append("one", self.data)
        self.append("two", b"t" * 50_000)

    def superblocks(self, image):
        return list(positions(image, b"FURROWS0", BLOCK))

    def forge_count(self):
        """The superblock's count of objects is one more, and its checksum is right."""
        image = self.read_image()
        for at in self.superblocks(image):
            block = image[at:at + BLOCK]
            count, = struct.unpack_from("<Q", block, 184)
            struct.pack_into("<Q", block, 184, count + 1)
            seal(block)
            image[at:at + BLOCK] = block
        self.write_image(image)

    def test_a_count_is_mended(self):
        self.forge_count()
        self.furrow("check", self.uri, status=DAMAGE)
        before = self.read_image()
        told = self.furrow("check", "--repair", self.uri, status=WANTED).decode()
        self.assertIn("would mend: the store's count of objects is not that of its objects; was: 3, now: 2", told)
        self.assertIn("1 to be mended, 0 left: not clean yet", told)
        asked = json.loads(self.furrow("check", "--repair", "--json", self.uri, status=WANTED))
        self.assertFalse(asked["applied"])
        self.assertEqual([(c["from"], c["to"]) for c in asked["changes"]], [("3", "2")])
        self.assertEqual(self.read_image(), before)
        log = self.path("log")
        told = self.furrow("check", "--repair", "--yes", "--log", log, self.uri).decode()
        self.assertIn("1 mended, 0 left: clean", told)
        with open(log, encoding="utf-8") as file:
            self.assertEqual(file.read(),
                             "mended: the store's count of objects is not that of its objects; was: 3, now: 2\n")
        self.furrow("check", "--data", self.uri)
        self.assertEqual(self.furrow("cat", self.uri, "one"), self.data)
        before = self.read_image()
        self.assertIn(b"0 to be mended, 0 left: clean", self.furrow("check", "--repair", "--yes", self.uri))
        self.assertEqual(self.read_image(), before)

    def test_the_log_is_standard_error_if_no_file_is_named(self):
        self.forge_count()
        done = self.run_raw("check", "--repair", "--yes", "--json", self.uri)
        self.assertEqual(done.returncode, 0)
        self.assertEqual(json.loads(done.stderr)["to"], "2")
        self.assertTrue(json.loads(done.stdout)["applied"])

    def test_a_lost_copy_of_the_superblock(self):
        image = self.read_image()
        for at in self.superblocks(image):
            if at > len(image) // 2:
                image[at + 100] ^= 1
        self.write_image(image)
        told = self.furrow("check", "--repair", self.uri, status=WANTED).decode()
        self.assertIn("a copy of the superblock", told)
        self.assertEqual(self.run_raw("check", "--repair", "--yes", self.uri).returncode, 0)
        self.assertIn(b"0 to be mended, 0 left: clean", self.furrow("check", "--repair", self.uri))

    def test_data_are_never_made_to_fit(self):
        self.flip(next(positions(self.read_image(), b"0010000\n")))
        before = self.read_image()
        self.furrow("check", "--repair", "--yes", self.uri)
        self.assertEqual(self.read_image(), before)
        self.furrow("check", "--data", self.uri, status=DAMAGE)

    def test_a_store_that_does_not_open_is_for_salvage(self):
        image = self.read_image()
        for at in self.superblocks(image):
            image[at:at + BLOCK] = bytes(BLOCK)
        self.write_image(image)
        self.fails("check", "--repair", "--yes", self.uri, says="furrow salvage", status=DAMAGE)

    def test_usage(self):
        self.fails("check", "--yes", self.uri, says="--repair", status=2)
        self.fails("check", "--repair", "--live", self.uri, says="--live", status=2)


if __name__ == "__main__":
    unittest.main()
