"""Runs the furrow command on zone images in a directory of its own, for the tests beside this file."""
import json
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

BIN = os.environ.get("FURROW_BIN", "build/dev/bin")
FURROW = os.path.join(BIN, "furrow")
TORTURE = os.path.join(BIN, "furrow-torture")
SMALL = "size=64M&zone_size=2M&zone_capacity=1536K&max_open=8&max_active=12"
TIMEOUT_S = 120
READ_ONLY, OFFLINE = 7, 8  # zoned::zone_condition


class Cli(unittest.TestCase):
    """A test with a directory and an image; every call says which exit status it expects."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="furrow-test-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)
        self.image = self.path("disk.img")
        self.uri = "file:" + self.image

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def run_raw(self, *args, stdin=b"", env=None):
        return subprocess.run([FURROW, *args], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=TIMEOUT_S, env=env, check=False)

    def furrow(self, *args, stdin=b"", status=0):
        """Standard output of a call that ends with `status`; without failure nothing is said on standard error."""
        done = self.run_raw(*args, stdin=stdin)
        self.assertEqual(done.returncode, status, msg=f"{args}: {done.stdout[-2000:]!r} {done.stderr[-2000:]!r}")
        if status == 0:
            self.assertEqual(done.stderr, b"", msg=str(args))
        return done.stdout

    def json(self, *args, **more):
        return json.loads(self.furrow(*args, "--json", **more))

    def json_lines(self, *args, **more):
        return [json.loads(line) for line in self.furrow(*args, "--json", **more).splitlines()]

    def fails(self, *args, says, status=1, stdin=b""):
        """A call that fails with one line, 'furrow: ...', that has each of the words in `says`."""
        done = self.run_raw(*args, stdin=stdin)
        self.assertEqual(done.returncode, status, msg=f"{args}: {done.stderr!r}")
        lines = done.stderr.decode("utf-8").splitlines()
        self.assertEqual(len(lines), 1, msg=f"{args}: {lines}")
        self.assertTrue(lines[0].startswith("furrow: "), msg=lines[0])
        for words in [says] if isinstance(says, str) else says:
            self.assertIn(words, lines[0])
        return lines[0]

    def format(self, parameters=SMALL, *options):
        self.furrow("format", f"{self.uri}?{parameters}", *options)

    def append(self, name, data):
        self.furrow("append", self.uri, name, stdin=data)

    def names(self, *args):
        out = self.furrow("ls", self.uri, "-0", *args)
        return out.split(b"\0")[:-1]

    # -- the bytes of an image --

    def read_image(self):
        data = bytearray(os.path.getsize(self.image))
        with open(self.image, "rb", buffering=0) as file:
            self.assertEqual(file.readinto(data), len(data))
        return data

    def write_image(self, data):
        with open(self.image, "r+b") as file:
            file.write(data)

    def flip(self, position):
        """Flips one bit of the byte there."""
        with open(self.image, "r+b") as file:
            file.seek(position)
            byte = file.read(1)[0]
            file.seek(position)
            file.write(bytes([byte ^ 0x10]))

    def turn(self, zone, condition):
        """As the device would say it: the first byte of the zone's state word (zoned/src/file/image.hpp)."""
        with open(self.image, "r+b") as file:
            file.seek(4096 + 16 * zone)
            state, = struct.unpack("<Q", file.read(8))
            file.seek(4096 + 16 * zone)
            file.write(struct.pack("<Q", state & ~(0xff << 56) | condition << 56))


def crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC_TABLE = crc32c_table()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def seal(block, at=16):
    """Puts the checksum of a superblock or zone header in its place (24 bytes at 16), or that of a page (at 48)."""
    block[at:at + 24] = bytes(24)
    crc = crc32c(block)
    block[at:at + 24] = struct.pack("<B7xI12x", 1, crc)


def positions(data, what, step=1):
    """Where `what` begins in `data`, at multiples of `step`."""
    at = data.find(what)
    while at >= 0:
        if at % step == 0:
            yield at
        at = data.find(what, at + 1)
