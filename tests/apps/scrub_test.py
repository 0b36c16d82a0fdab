"""Scrubs, zones that fail, and what a store says of its health."""
import json
import unittest

from cli import OFFLINE, READ_ONLY, Cli, positions

DAMAGE, DEGRADED = 3, 4
ZONE = 2 << 20
ZONES = 32
DATA_AT = 8192  # of the image


class Scrub(Cli):
    def setUp(self):
        super().setUp()
        self.format("size=64M&zone_size=2M", "--page-copies", "2")
        self.data = b"".join(b"%07d\n" % i for i in range(20_000))
        self.append("hurt", self.data)
        self.append("sound", b"s" * 5_000_000)

    def health(self, **more):
        return self.json("info", self.uri, **more)["store"]["health"]

    def zone_of(self, data):
        return (next(positions(self.read_image(), data)) - DATA_AT) // ZONE

    def test_nothing_is_wrong(self):
        r = self.json("scrub", self.uri, "--read-only")
        self.assertTrue(r["complete"])
        self.assertEqual(r["findings"], [])
        self.assertEqual(r["next"], "end")
        self.assertEqual(r["blocks_verified"], 20_000 * 8 // 4096 + 5_000_000 // 4096)
        self.assertGreater(r["pages_verified"], 1)
        self.assertIn(b": clean\n", self.furrow("scrub", self.uri, "--rate", "100M"))
        self.assertFalse(self.health()["degraded"])
        self.assertIn(b"nothing is lost", self.furrow("lost", self.uri))

    def test_a_block_of_data(self):
        self.flip(next(positions(self.read_image(), b"0010000\n")))
        offset = self.data.index(b"0010000\n") // 4096 * 4096
        r = self.json("scrub", self.uri, status=DAMAGE)
        finding, = r["findings"]
        self.assertEqual((finding["offset_bytes"], finding["bytes"]), (offset, 4096))
        text = self.furrow("scrub", self.uri, "--read-only", status=DAMAGE).decode()
        self.assertRegex(text, rf"(?m)^damage: object \d+ bytes {offset}\.\.{offset + 4096} zone \d+: .")
        behind = f"data:{finding['object']}:{offset // 4096 + 1}"
        self.assertEqual(self.json("scrub", self.uri, "--from", behind)["findings"], [])

    def test_pages_are_mended(self):
        image = self.read_image()
        pages = [at for at in positions(image, b"FRGP", 4096)]
        first = (pages[0] - DATA_AT) // ZONE
        for at in pages:
            if (at - DATA_AT) // ZONE == first:
                self.flip(at + 200)
        r = self.json("scrub", self.uri, "--read-only", status=DAMAGE)
        self.assertEqual(r["pages_mended"], 0)
        self.assertEqual({f["zone"] for f in r["findings"]}, {first})
        self.assertIn(self.run_raw("scrub", self.uri).returncode, (0, DAMAGE))  # what the open has changed is anew anyway
        r = self.json("scrub", self.uri, "--read-only")
        self.assertEqual(r["findings"], [])
        self.assertGreater(r["pages_verified"], 1)
        self.assertEqual(self.furrow("cat", self.uri, "hurt"), self.data)

    def test_a_zone_that_is_offline(self):
        zone = self.zone_of(b"0010000\n")
        self.turn(zone, OFFLINE)
        lost = self.json("lost", self.uri, status=DAMAGE)
        self.assertTrue(lost["ranges"])
        self.assertEqual({r["zone"] for r in lost["ranges"]}, {zone})
        self.assertEqual(lost["lost_bytes"], sum(r["bytes"] for r in lost["ranges"]))
        checked = self.json("check", self.uri, status=DAMAGE)["findings"]
        self.assertEqual(sum(f["bytes"] for f in checked), lost["lost_bytes"])
        self.fails("cat", self.uri, "hurt", says="zone", status=1)
        health = self.health(status=DEGRADED)
        self.assertTrue(health["degraded"])
        self.assertEqual(health["lost_bytes"], lost["lost_bytes"])
        self.assertEqual(health["zones_retired"], 1)
        self.assertRegex(self.furrow("info", self.uri, status=DEGRADED).decode(), r"(?m)^health +degraded$")
        self.furrow("rm", self.uri, "hurt")
        self.furrow("rm", self.uri, "sound")
        self.assertFalse(self.health()["degraded"])

    def test_a_zone_that_is_read_only(self):
        zone = self.zone_of(b"0010000\n")
        self.turn(zone, READ_ONLY)
        health = self.health(status=DEGRADED)
        self.assertGreater(health["at_risk_bytes"], 0)
        for _ in range(20):  # each opens it to write; a close ends what is being moved, and the next open goes on
            self.assertEqual(self.json("scrub", self.uri)["findings"], [])
            if json.loads(self.run_raw("info", self.uri, "--json").stdout)["store"]["health"]["at_risk_bytes"] == 0:
                break
        health = self.health()
        self.assertEqual((health["at_risk_bytes"], health["zones_retired"]), (0, 1))
        self.assertEqual(self.furrow("cat", self.uri, "hurt"), self.data)

    def test_a_ring_of_superblocks(self):
        self.turn(0, OFFLINE)
        self.turn(1, OFFLINE)
        self.assertEqual(self.health(status=DEGRADED)["superblock_copies_lost"], 1)
        self.append("more", b"m" * 100_000)
        self.assertEqual(self.furrow("cat", self.uri, "hurt"), self.data)
        self.assertTrue(self.json("check", self.uri, "--data")["sound"])

    def test_wrong_usage(self):
        self.fails("scrub", self.uri, "--rate", "fast", says="--rate", status=2)
        self.fails("scrub", self.uri, "--from", "here", says="--from", status=2)


if __name__ == "__main__":
    unittest.main()
