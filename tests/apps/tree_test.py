"""Trees of files into a store and back."""
import hashlib
import os
import stat
import unittest

from cli import Cli

ODD = [b"a b", b"-dash", b"[x,y]", b"put", b"\xff\xfe", b"new\nline", "\u00fcml\u00e4ut".encode(), b"'\"\\", b"%s", b"#"]


def snapshot(root):
    """What matters of every path below `root`: kind, permissions, time, content."""
    found = {}
    root = os.fsencode(root)
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = os.path.join(folder, name)
            status = os.lstat(path)
            key = os.path.relpath(path, root)
            if stat.S_ISLNK(status.st_mode):
                found[key] = ("link", os.readlink(path), status.st_mtime_ns)
            elif stat.S_ISDIR(status.st_mode):
                found[key] = ("directory", stat.S_IMODE(status.st_mode), status.st_mtime_ns)
            else:
                with open(path, "rb") as file:
                    content = hashlib.sha256(file.read()).hexdigest()
                found[key] = ("file", stat.S_IMODE(status.st_mode), status.st_mtime_ns, content)
    return found


class Tree(Cli):
    def setUp(self):
        super().setUp()
        self.format()

    def write(self, *names, data=b"", mode=0o644, time_ns=None):
        path = os.path.join(os.fsencode(self.dir), *[n if isinstance(n, bytes) else n.encode() for n in names])
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
        os.chmod(path, mode)
        if time_ns is not None:
            os.utime(path, ns=(time_ns, time_ns))
        return path

    def make_tree(self):
        for i, name in enumerate(ODD):
            self.write("tree", "odd", name, data=name * 3, mode=0o600 + i, time_ns=1_000_000_000 * i + 123_456_789)
        for length in (0, 1, 2048, 4096, 4097, 262_143, 262_144, 262_145, 1_048_576, 5_000_001):
            self.write("tree", "lengths", str(length), data=os.urandom(length))
        tree = self.path("tree")
        os.makedirs(os.path.join(tree, "empty", "emptier"))
        os.symlink("lengths/4096", os.path.join(tree, "link"))
        os.symlink("/nowhere/at all", os.path.join(tree, "dangling"))
        os.symlink(b"odd/\xff\xfe", os.fsencode(os.path.join(tree, "odd-link")))
        os.link(os.path.join(tree, "lengths", "4097"), os.path.join(tree, "hard"))
        os.utime(os.path.join(tree, "link"), ns=(5, 5_000_000_007), follow_symlinks=False)
        os.chmod(os.path.join(tree, "empty"), 0o700)
        os.utime(os.path.join(tree, "empty"), ns=(9, 9_000_000_009))
        return tree

    def test_round_trip(self):
        tree = self.make_tree()
        told = self.json("put", self.uri, tree)
        self.assertEqual(told["files"], len(snapshot(tree)) + 1)
        told = self.json("get", self.uri, "tree/", "--to", self.path("back"))
        self.assertEqual(told["files"], len(snapshot(tree)) + 1)
        self.assertEqual(snapshot(self.path("back", "tree")), snapshot(tree))
        self.assertTrue(self.json("check", self.uri, "--data")["sound"])

    def test_put_again_replaces(self):
        tree = self.make_tree()
        self.furrow("put", self.uri, tree)
        self.write("tree", "lengths", "1", data=b"another")
        self.write("tree", "lengths", "5000001", data=os.urandom(3_000_000))
        self.furrow("put", self.uri, tree)
        self.furrow("get", self.uri, "--to", self.path("back"))
        self.assertEqual(snapshot(self.path("back", "tree")), snapshot(tree))

    def test_get_replaces_files_and_keeps_others(self):
        self.write("tree", "a", data=b"new")
        self.furrow("put", self.uri, self.path("tree"))
        self.write("back", "tree", "a", data=b"old")
        self.write("back", "tree", "b", data=b"kept")
        self.furrow("get", self.uri, "--to", self.path("back"))
        with open(self.path("back", "tree", "a"), "rb") as file:
            self.assertEqual(file.read(), b"new")
        self.assertEqual(sorted(os.listdir(self.path("back", "tree"))), ["a", "b"])

    def test_names_of_paths(self):
        self.write("tree", "a", data=b"1")
        self.write("single", data=b"2")
        self.furrow("put", self.uri, self.path("tree"), self.path("single"), "--prefix", "p-")
        self.furrow("put", self.uri, self.path("tree") + "/.")
        self.furrow("put", self.uri, self.path("single"), "--as", "renamed")
        self.assertEqual(self.names(), [b"a", b"p-single", b"p-tree/", b"p-tree/a", b"renamed"])

    def test_standard_input_and_output(self):
        data = os.urandom(3_333_333)
        self.furrow("put", self.uri, "-", "--as", "stream", stdin=data)
        self.assertEqual(self.furrow("get", self.uri, "stream", "--to", "-"), data)
        self.furrow("put", self.uri, "-", "--as", "short", stdin=b"abc")
        self.furrow("put", self.uri, "-", "--as", "nothing")
        self.assertEqual(self.furrow("get", self.uri, "s", "--to", "-"), b"abc" + data)
        self.assertEqual(self.furrow("get", self.uri, "nothing", "--to", "-"), b"")
        self.fails("put", self.uri, "-", says="--as", status=2)

    def test_get_of_a_name_is_not_of_a_prefix(self):
        for name in ("log", "log-1"):
            self.append(name, name.encode())
        self.furrow("get", self.uri, "log", "--to", self.path("one"))
        self.assertEqual(os.listdir(self.path("one")), ["log"])
        self.furrow("get", self.uri, "lo", "--to", self.path("both"))
        self.assertEqual(sorted(os.listdir(self.path("both"))), ["log", "log-1"])
        self.fails("get", self.uri, "nothing", "--to", self.path("none"), says=["nothing", "ls"])

    def test_what_cannot_be_read_does_not_stop_the_rest(self):
        self.write("tree", "a", data=b"1")
        os.mkfifo(self.path("tree", "pipe"))
        done = self.run_raw("put", self.uri, self.path("tree"), self.path("missing"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(sorted(line.split(b": ")[1] for line in done.stderr.splitlines()),
                         [self.path("missing").encode(), self.path("tree", "pipe").encode()])
        self.assertEqual(self.names(), [b"tree/", b"tree/a"])

    def test_nothing_is_written_outside_the_target(self):
        os.mkdir(self.path("outside"))
        for name in ("../escaped", "a/../../escaped", "/absolute", "a//b", "./a", "..", "good"):
            self.append(name, b"x")
        done = self.run_raw("get", self.uri, "--to", self.path("target"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 6, msg=done.stderr)
        self.assertEqual(os.listdir(self.path("target")), ["good"])
        self.assertEqual(sorted(os.listdir(self.dir)), ["disk.img", "outside", "target"])

    def test_links_are_not_followed_out_of_the_target(self):
        os.mkdir(self.path("outside"))
        os.makedirs(self.path("tree"))
        os.symlink(self.path("outside"), self.path("tree", "link"))
        self.furrow("put", self.uri, self.path("tree"))
        self.append("tree/link/planted", b"x")
        done = self.run_raw("get", self.uri, "--to", self.path("target"))
        self.assertEqual(done.returncode, 1)
        self.assertEqual(os.listdir(self.path("outside")), [])

    def test_a_target_that_cannot_be_written_leaves_nothing_behind(self):
        self.append("a/b", b"x")
        self.write("target", "a", data=b"a file where a directory is needed")
        self.fails("get", self.uri, "--to", self.path("target"), says="a/b: ")
        self.assertEqual(os.listdir(self.path("target")), ["a"])


if __name__ == "__main__":
    unittest.main()
