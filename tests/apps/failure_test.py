"""Bad input: each kind ends in one clear line and the right exit status."""
import fcntl
import os
import signal
import struct
import subprocess
import termios
import time
import unittest

from cli import FURROW, SMALL, TIMEOUT_S, Cli, positions, seal

SUPERBLOCK = b"FURROWS0"


class Usage(Cli):
    def test_wrong_usage(self):
        for args in ([], ["unheard-of"], ["format"], ["ls"], ["cat", self.uri], ["mv", self.uri, "a"],
                     ["append", self.uri], ["get", self.uri, "a"], ["put", self.uri], ["rm", self.uri],
                     ["ls", self.uri, "--unheard-of"], ["format", self.uri, "--page-copies", "3"],
                     ["cat", self.uri, "a", "--offset", "x"], ["put", self.uri, "a", "b", "--as", "c"]):
            self.fails(*args, says="", status=2)

    def test_help_and_version(self):
        self.assertRegex(self.furrow("--version"), rb"^furrow \d+\.\d+\.\d+\n$")
        overview = self.furrow("--help").decode()
        for command in "format info zones put get cat append ls stat mv rm check scrub lost dump".split():
            self.assertIn(f"\n  {command} ", overview)
            self.assertIn("URI", self.furrow(command, "--help").decode())


class Devices(Cli):
    def test_not_zoned(self):
        for command in ("info", "format", "dump", "zones"):
            self.fails(command, "/dev/null", says="/dev/null")

    def test_no_such_device(self):
        self.fails("info", "/dev/no-such-device", says="/dev/no-such-device")
        self.fails("ls", self.uri, says=self.image)
        self.assertFalse(os.path.exists(self.image))

    def test_uri_that_nothing_understands(self):
        self.fails("info", "flop:x", says="flop:x")
        self.fails("format", self.uri + "?size=64M&zone_sise=1M", says="zone_sise")

    def test_file_that_is_no_image(self):
        with open(self.image, "wb") as file:
            file.write(b"plain text\n" * 1000)
        self.fails("info", self.uri, says=self.image)
        self.fails("format", self.uri, says=self.image)

    def test_too_small(self):
        line = self.fails("format", self.uri + "?size=4M&zone_size=1M", says=self.image)
        self.assertRegex(line, r"needs \d+")
        line = self.fails("format", "file:" + self.path("b.img") + "?size=64M&zone_size=1M&max_open=2&max_active=2",
                          says="active")
        self.assertRegex(line, r"\b[45]\b")

    def test_no_store(self):
        self.fails("append", f"{self.uri}?{SMALL}", "a", says="format")
        for args in (["info"], ["ls"], ["cat", "a"], ["append", "a"], ["check"], ["stat"], ["mv", "a", "b"],
                     ["rm", "a"], ["get", "--to", self.path("x")]):
            self.fails(args[0], self.uri, *args[1:], says=[self.image, "format"])
        self.fails("dump", self.uri, "--tree", says="superblock", status=3)

    def test_image_of_another_shape(self):
        self.format()
        self.fails("info", f"{self.uri}?zone_size=4M", says=self.image)

    def test_truncated_image(self):
        self.format()
        self.append("a", b"x" * 1_000_000)
        for bytes_left in (0, 1, 100, 4096, 5000, 1 << 20):
            os.truncate(self.image, bytes_left)
            self.fails("ls", self.uri, says=self.image, status=1)


class Formatted(Cli):
    def setUp(self):
        super().setUp()
        self.format()

    def test_format_needs_force(self):
        self.append("a", b"x")
        self.fails("format", self.uri, says=[self.image, "--force"])
        self.assertEqual(self.names(), [b"a"])
        self.furrow("format", self.uri, "--force")
        self.assertEqual(self.names(), [])

    def test_in_use(self):
        holder = subprocess.Popen([FURROW, "append", self.uri, "a"], stdin=subprocess.PIPE)
        try:
            deadline = time.monotonic() + TIMEOUT_S
            while self.run_raw("ls", self.uri).returncode == 0 and time.monotonic() < deadline:
                time.sleep(0.02)
            for args in (["ls"], ["append", "b"], ["format", "--force"], ["check"]):
                self.fails(args[0], self.uri, *args[1:], says=self.image)
        finally:
            holder.communicate(b"done")
        self.assertEqual(holder.returncode, 0)
        self.assertEqual(self.furrow("cat", self.uri, "a"), b"done")

    def change_superblocks(self, change):
        """Applies `change` to every copy and seals it again."""
        data = self.read_image()
        copies = list(positions(data, SUPERBLOCK, 512))
        self.assertGreaterEqual(len(copies), 2)
        for at in copies:
            block = data[at:at + 4096]
            change(block)
            seal(block)
            data[at:at + 4096] = block
        self.write_image(data)

    def test_sealing_again_changes_nothing(self):
        before = self.read_image()
        self.change_superblocks(lambda block: None)
        self.assertEqual(self.read_image(), before)

    def test_newer_than_the_program(self):
        self.change_superblocks(lambda block: struct.pack_into("<I", block, 8, 1000))
        for command in ("info", "ls", "check"):
            self.fails(command, self.uri, says=[self.image, "version"])
        self.fails("format", self.uri, says="--force")

    def test_feature_that_the_program_does_not_know(self):
        # features_incompat: behind magic 8, version 4, bytes 4, checksum 24, and 92 bytes of fields.
        fields = 8 + 4 + 4 + 24 + 16 + 16 + 2 + 2 + 4 + 4 + 4 + 8 + 4 + 4 + 8 + 8 + 8
        self.change_superblocks(lambda block: struct.pack_into("<Q", block, fields, 1 << 40))
        self.fails("ls", self.uri, says=self.image)

    def test_store_of_another_device(self):
        shape = 8 + 4 + 4 + 24 + 16 + 16 + 2 + 2 + 4 + 4 + 4 + 8
        self.change_superblocks(lambda block: struct.pack_into("<I", block, shape, 33))
        self.fails("ls", self.uri, says=self.image)

    def test_names(self):
        longest = "n" * 1024
        self.append(longest, b"x")
        self.assertEqual(self.furrow("cat", self.uri, longest), b"x")
        for command in (["append"], ["mv", longest], ["put", "-", "--as"]):
            self.fails(command[0], self.uri, *command[1:], "n" * 1025, says="1,024")
        for args in (["append", ""], ["mv", longest, ""], ["cat", ""], ["stat", ""]):
            self.fails(args[0], self.uri, *args[1:], says="name")
        self.assertEqual(self.names(), [longest.encode()])

    def test_odd_names_are_bytes(self):
        odd = [b" ", b"[x,y]", b"put", b"ls", b"\xff\xfe", b"a\nb", b"{}", b"\\", b"*", "\u202e\u00e4".encode(), b"\x01"]
        for name in odd:
            self.append(name, b"<" + name + b">")
        for name in odd:
            self.assertEqual(self.furrow("cat", self.uri, name), b"<" + name + b">")
        self.assertEqual(self.furrow("cat", self.uri, *odd), b"".join(b"<" + name + b">" for name in odd))
        self.assertEqual(self.names(), sorted(odd))
        self.furrow("append", self.uri, "--", "-dash", stdin=b"d")
        self.assertEqual(self.furrow("cat", self.uri, "--", "-dash"), b"d")
        self.furrow("mv", self.uri, b"\xff\xfe", b"\xfe")
        self.furrow("rm", self.uri, "--", "-dash", *odd[:4])
        self.assertEqual(self.names(), sorted([b"\xfe"] + odd[5:]))
        entries = self.json_lines("ls", self.uri, "-l", b"\xfe")
        self.assertEqual([e.get("name_hex") for e in entries], ["fe"])

    def test_no_such_object(self):
        self.append("a", b"x")
        for args in (["cat", "b"], ["stat", "b"], ["rm", "b"], ["mv", "b", "c"], ["get", "b", "--to", "-"]):
            self.fails(args[0], self.uri, *args[1:], says=["b: ", "ls"])

    def test_reads_past_the_end(self):
        self.append("a", b"0123456789")
        for offset, length in ((11, 0), (11, 1), (0, 11), (10, 1), (5, 6), (1 << 60, 1), (0, 1 << 60)):
            self.fails("cat", self.uri, "a", "--offset", str(offset), "--bytes", str(length), says=["a: ", "10"])
        self.fails("cat", self.uri, "a", "--offset", "11", says="a: ")

    def test_full_device(self):
        self.append("kept", b"k" * 5000)
        line = self.fails("append", self.uri, "big", stdin=os.urandom(64 << 20), says="rm")
        self.assertIn("big: ", line)
        big = self.json_lines("stat", self.uri, "big")[0]["bytes"]
        self.assertGreater(big, 16 << 20)
        os.mkdir(self.path("tree"))
        for i in range(8):
            with open(self.path("tree", str(i)), "wb") as file:
                file.write(os.urandom(4 << 20))
        self.fails("put", self.uri, self.path("tree"), says="rm")
        self.assertEqual(self.furrow("cat", self.uri, "kept"), b"k" * 5000)
        self.assertTrue(self.json("check", self.uri, "--data")["sound"])
        self.furrow("rm", self.uri, "-r", "tree", "big")
        for _ in range(3):
            self.append("again", os.urandom(8 << 20))
            self.furrow("rm", self.uri, "again")
        self.append("again", b"a" * (8 << 20))
        self.assertEqual(self.furrow("cat", self.uri, "again"), b"a" * (8 << 20))

    def test_output_that_cannot_be_written(self):
        self.append("a", b"x" * 1_000_000)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([FURROW, "cat", self.uri, "a"], stdout=full, stderr=subprocess.PIPE, check=False,
                                  timeout=TIMEOUT_S)
        self.assertEqual((done.returncode, done.stderr.count(b"\n")), (1, 1))
        self.assertIn(b"standard output", done.stderr)

    def test_a_reader_that_goes_away(self):
        self.append("a", b"x" * 4_000_000)
        done = subprocess.run(["bash", "-c", '"$0" cat "$1" a | head -c 10; echo "${PIPESTATUS[0]}"', FURROW, self.uri],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, timeout=TIMEOUT_S)
        self.assertEqual((done.stdout, done.stderr), (b"x" * 10 + b"%d\n" % (128 + signal.SIGPIPE), b""))

    def wait_until_read(self, pipe):
        until = time.monotonic() + TIMEOUT_S
        while struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"    "))[0] > 0:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)

    def test_an_interrupted_append_keeps_what_came(self):
        done = subprocess.Popen([FURROW, "append", self.uri, "a"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        done.stdin.write(b"before")
        done.stdin.flush()
        self.wait_until_read(done.stdin)
        done.send_signal(signal.SIGINT)
        self.assertEqual(done.wait(TIMEOUT_S), -signal.SIGINT)
        self.assertEqual(done.stderr.read(), b"")
        done.stdin.close()
        done.stderr.close()
        self.assertEqual(self.furrow("cat", self.uri, "a"), b"before")
        self.assertTrue(self.json("info", self.uri)["store"]["clean"])


if __name__ == "__main__":
    unittest.main()
