"""Damaged stores: what is hurt is named, the exit status is 3, and nothing wrong is ever given out."""
import os
import random
import unittest

from cli import Cli, positions

DAMAGE = 3


class Damage(Cli):
    def setUp(self):
        super().setUp()
        self.format("size=64M&zone_size=2M", "--page-copies", "1")
        self.data = b"".join(b"%07d\n" % i for i in range(20_000))
        self.append("hurt", self.data)
        self.append("sound", b"s" * 50_000)

    def test_a_block_of_data(self):
        at = next(positions(self.read_image(), b"0010000\n"))
        self.flip(at)
        self.fails("cat", self.uri, "hurt", says="hurt: ", status=DAMAGE)
        self.assertEqual(self.furrow("cat", self.uri, "sound"), b"s" * 50_000)
        self.assertEqual(self.furrow("cat", self.uri, "hurt", "--bytes", "4096"), self.data[:4096])
        self.assertTrue(self.json("check", self.uri)["sound"])
        told = self.json("check", self.uri, "--data", status=DAMAGE)
        self.assertEqual(told["damage"], 1)
        finding = told["findings"][0]
        offset = self.data.index(b"0010000\n") // 4096 * 4096
        self.assertLessEqual(finding["offset_bytes"], offset)
        self.assertGreater(finding["offset_bytes"] + finding["bytes"], offset)
        self.assertIn("zone", finding)
        text = self.furrow("check", self.uri, "--data", status=DAMAGE).decode()
        self.assertRegex(text, r"(?m)^damage: object \d+ bytes \d+\.\.\d+ zone \d+: .")

    def test_get_leaves_no_file_that_is_not_whole(self):
        self.flip(next(positions(self.read_image(), b"0010000\n")))
        done = self.run_raw("get", self.uri, "--to", self.path("back"))
        self.assertEqual(done.returncode, DAMAGE)
        self.assertEqual(os.listdir(self.path("back")), ["sound"])

    def test_pages(self):
        pages = list(positions(self.read_image(), b"FRGP", 512))
        self.assertTrue(pages)
        for at in pages:
            self.flip(at + 200)
        self.fails("cat", self.uri, "hurt", says="", status=DAMAGE)
        self.assertFalse(self.json("check", self.uri, status=DAMAGE)["sound"])
        faults = [line for line in self.json_lines("dump", self.uri, status=DAMAGE) if "fault" in line]
        self.assertTrue(faults)

    def test_one_ring_of_superblocks(self):
        first_ring_end = 4096 + 4096 + 4 * (2 << 20)
        copies = [at for at in positions(self.read_image(), b"FURROWS0", 512) if at < first_ring_end]
        self.assertTrue(copies)
        for at in copies:
            self.flip(at + 100)
        self.assertEqual(self.furrow("cat", self.uri, "hurt"), self.data)
        self.assertEqual(self.names(), [b"hurt", b"sound"])

    def test_all_superblocks(self):
        for at in list(positions(self.read_image(), b"FURROWS0", 512)):
            self.flip(at + 100)
        done = self.run_raw("ls", self.uri)
        self.assertIn(done.returncode, (1, DAMAGE))
        self.assertEqual(len(done.stderr.splitlines()), 1)
        lines = self.json_lines("dump", self.uri, status=DAMAGE)
        self.assertIn("zone_header", {line.get("what") for line in lines})
        metadata = [line["zone"] for line in lines
                    if line.get("what") == "zone_header" and line["fields"]["role"] == "metadata"]
        inside = self.json_lines("dump", self.uri, "--zone", str(metadata[0]), status=0)
        self.assertLessEqual({"group", "page"} & {line.get("what") for line in inside}, {"group", "page"})

    def test_flipped_bits_anywhere(self):
        seed = int(os.environ.get("FURROW_SEED", "1"))
        print(f"seed {seed}")
        chance = random.Random(seed)
        image = self.read_image()
        used = [at for at in range(8192, len(image), 4096) if any(image[at:at + 4096])]
        contents = {b"hurt": self.data, b"sound": b"s" * 50_000}
        for _ in range(40):
            at = chance.choice(used) + chance.randrange(4096)
            self.flip(at)
            for name, data in contents.items():
                done = self.run_raw("cat", self.uri, name)
                self.assertIn(done.returncode, (0, 1, DAMAGE), msg=f"byte {at}: {done.stderr!r}")
                if done.returncode == 0:
                    self.assertEqual(done.stdout, data, msg=f"byte {at}")
                else:
                    self.assertEqual(done.stderr.count(b"\n"), 1, msg=f"byte {at}: {done.stderr!r}")
                    self.assertTrue(data.startswith(done.stdout), msg=f"byte {at}")
            for args in (["check", self.uri, "--data"], ["dump", self.uri]):
                self.assertIn(self.run_raw(*args).returncode, (0, 1, DAMAGE), msg=f"byte {at}: {args}")
            self.write_image(image)


if __name__ == "__main__":
    unittest.main()
