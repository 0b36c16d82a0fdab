"""The guest's file system: a cpio archive of busybox, kernel modules, programs with their libraries, and /init."""
import os
import re
import shutil
import stat
import subprocess

from . import GuestError


class Initramfs:
    def __init__(self):
        self.parts = []
        self.inode_of = {}
        for folder in ("bin", "sbin", "lib", "lib64"):
            self.put(f"usr/{folder}", stat.S_IFDIR | 0o755)
            self.put(folder, stat.S_IFLNK | 0o777, f"usr/{folder}".encode())

    def put(self, path, mode, data=b""):
        """One member of the archive, with the folders above it; a path that is there already stays as it is."""
        path = os.path.normpath(path).strip("/")
        if path in self.inode_of:
            return
        if parent := os.path.dirname(path):
            self.put(parent, stat.S_IFDIR | 0o755)
        self.inode_of[path] = len(self.inode_of) + 1
        self.emit(path, self.inode_of[path], mode, data)

    def emit(self, path, inode, mode, data):
        name = path.encode() + b"\0"
        # inode mode uid gid links mtime bytes dev_major dev_minor rdev_major rdev_minor name_bytes check
        header = "070701" + "".join(f"{v:08X}" for v in (inode, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0))
        for piece in (header.encode() + name, data):
            self.parts += [piece, b"\0" * (-len(piece) % 4)]

    def file(self, path, data, executable=False):
        self.put(path, stat.S_IFREG | (0o755 if executable else 0o644), data)

    def link(self, path, target):
        self.put(path, stat.S_IFLNK | 0o777, target.encode())

    def add(self, source, target=None):
        """A file of this machine, at its own path if `target` is none, and the libraries it is linked with."""
        if target is None:
            target = os.path.join(os.path.realpath(os.path.dirname(source)), os.path.basename(source))
        if os.path.normpath(target).strip("/") in self.inode_of:
            return target
        with open(source, "rb") as file:
            data = file.read()
        self.file(target, data, os.access(source, os.X_OK))
        if data.startswith(b"\x7fELF"):
            linked = subprocess.run(["ldd", source], capture_output=True, text=True).stdout
            if "not found" in linked:
                raise GuestError(f"{source} lacks libraries:\n{linked}")
            for library in re.findall(r"(/\S+) \(0x", linked):
                self.add(library)
        return target

    def add_named(self, spec):
        """PATH[:TARGET]: a program, a file, or a folder with all in it; programs are found by name, too."""
        name, _, target = spec.partition(":")
        source = name if os.path.exists(name) else shutil.which(name)
        if source is None:
            raise GuestError(f"no such file or program: {name}")
        source = os.path.abspath(source)
        if not os.path.isdir(source):
            placed = self.add(source, target or None)
            if os.access(source, os.X_OK):
                self.link(f"usr/local/bin/{os.path.basename(placed)}", "/" + placed.lstrip("/"))
            return
        for folder, _, names in os.walk(source):
            for path in (os.path.join(folder, entry) for entry in names):
                if os.path.isfile(path):
                    self.add(path, os.path.join(target or source, os.path.relpath(path, source)))

    def write(self, path):
        self.emit("TRAILER!!!", 0, 0, b"")
        with open(path, "wb") as file:
            file.writelines(self.parts)
