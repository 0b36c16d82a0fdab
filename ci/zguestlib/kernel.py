"""Debian's kernels by package name: found, downloaded once, unpacked in the cache; their modules and what these need."""
import contextlib
import glob
import lzma
import os
import re
import subprocess
import sys
import tempfile

from . import GuestError


def cache_folder():
    base = os.environ.get("FURROW_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache"), "furrow")
    folder = os.path.join(base, "kernels")
    os.makedirs(folder, exist_ok=True)
    return folder


def package_pattern(series):
    """A series such as 6.1 or 6.12 means its newest cloud kernel; anything else is the end of a package's exact name."""
    if re.fullmatch(r"\d+\.\d+", series):
        return re.compile(rf"linux-image-{re.escape(series)}\.\d[\w.+]*(-\d+)?-cloud-amd64")
    return re.compile(rf"linux-image-{re.escape(series)}")


def newest_first(names):
    return sorted(names, key=lambda name: [int(part) for part in re.findall(r"\d+", name)], reverse=True)


def as_root(*command):
    return list(command) if os.geteuid() == 0 else ["sudo", "-n", *command]


def offered_packages(pattern, series):
    """The packages that apt knows; asks apt to update its lists where they know none."""
    for attempt in range(2):
        names = subprocess.run(["apt-cache", "pkgnames", "linux-image-"], capture_output=True, text=True).stdout.split()
        if found := [name for name in names if pattern.fullmatch(name)]:
            return newest_first(found)
        if attempt == 0:
            subprocess.run(as_root("apt-get", "-q", "update"), stdout=subprocess.DEVNULL)
    raise GuestError(f"apt knows no kernel package for '{series}'")


def download(pattern, series, cache):
    with tempfile.TemporaryDirectory(dir=cache) as folder:
        for name in offered_packages(pattern, series)[:4]:  # the newest that the lists know may be gone from the archive
            print(f"zguest: downloading {name}", file=sys.stderr)
            sandbox = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
            done = subprocess.run(["apt-get", "-q", *sandbox, "download", name], cwd=folder, stdout=subprocess.DEVNULL)
            if done.returncode == 0:
                break
        else:
            raise GuestError(f"no kernel package for '{series}' could be downloaded")
        tree = os.path.join(folder, "tree")
        subprocess.run(["dpkg-deb", "-x", glob.glob(os.path.join(folder, "*.deb"))[0], tree], check=True)
        with contextlib.suppress(OSError):  # another run may have been faster
            os.rename(tree, os.path.join(cache, name))
        return os.path.join(cache, name)


def fetch(series):
    """The kernel of the series, from the cache or downloaded into it."""
    cache, pattern = cache_folder(), package_pattern(series)
    cached = newest_first(name for name in os.listdir(cache) if pattern.fullmatch(name))
    return Kernel(os.path.join(cache, cached[0]) if cached else download(pattern, series, cache))


def module_name(path):
    return os.path.basename(path).split(".")[0].replace("-", "_")


class Kernel:
    def __init__(self, folder):
        self.folder = folder
        images = glob.glob(os.path.join(folder, "boot", "vmlinuz-*"))
        if not images:
            raise GuestError(f"{folder} holds no kernel; remove it and try again")
        self.image = images[0]
        [modules] = glob.glob(os.path.join(folder, "lib", "modules", "*"))
        self.paths = {module_name(path): path for path in glob.glob(os.path.join(modules, "**", "*.ko*"), recursive=True)}
        with open(os.path.join(modules, "modules.builtin"), encoding="utf-8") as file:
            self.builtin = {module_name(line.strip()) for line in file}

    def read_module(self, name):
        path = self.paths[name]
        with (lzma.open if path.endswith(".xz") else open)(path, "rb") as file:
            return file.read()

    def modules(self, names):
        """(name, image) of these modules and all that they need, in the order in which they can be loaded."""
        loaded = {}

        def load(name):
            name = name.replace("-", "_")
            if name in loaded or name in self.builtin:
                return
            if name not in self.paths:
                raise GuestError(f"{os.path.basename(self.folder)} has no module '{name}'")
            image = self.read_module(name)
            needs = re.search(rb"\0depends=([^\0]*)\0", image)
            for need in needs.group(1).decode().split(",") if needs and needs.group(1) else []:
                load(need)
            loaded[name] = image

        for name in names:
            load(name)
        return list(loaded.items())
