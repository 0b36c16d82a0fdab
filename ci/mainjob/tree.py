"""Real trees of this machine: chosen until there are enough files and bytes, and compared with what came back."""
import concurrent.futures
import hashlib
import os
import shutil
import stat
from dataclasses import dataclass, field

from . import JobError

ROOTS = ["/usr/include", "/usr/share", "/usr/lib"]


@dataclass
class Part:
    """An entry of one of ROOTS, with all below it."""
    path: str
    files: int = 0
    bytes: int = 0
    entries: int = 0  # links and directories, too


@dataclass
class Selection:
    parts: dict = field(default_factory=dict)  # root -> paths
    files: int = 0
    bytes: int = 0
    entries: int = 0


def below(path):
    """The entry itself and all below it; links are not followed."""
    yield path
    if stat.S_ISDIR(os.lstat(path).st_mode):
        with os.scandir(path) as entries:
            names = sorted(entry.name for entry in entries)
        for name in names:
            yield from below(os.path.join(path, name))


def measure(path):
    """The part, or none where it has something that is no file, link or directory, or that we may not read."""
    part = Part(path)
    for entry in below(path):
        status = os.lstat(entry)
        part.entries += 1
        if stat.S_ISREG(status.st_mode):
            if not os.access(entry, os.R_OK):
                return None
            part.files += 1
            part.bytes += status.st_size
        elif stat.S_ISDIR(status.st_mode):
            if not os.access(entry, os.R_OK | os.X_OK):
                return None
        elif not stat.S_ISLNK(status.st_mode):
            return None
    return part


def select(files_min, bytes_min, bytes_max):
    """Parts of the machine's own trees with at least so many files and bytes, and at most so many bytes."""
    chosen = Selection()
    for root in ROOTS:
        for name in sorted(os.listdir(root)):
            if chosen.files >= files_min and chosen.bytes >= bytes_min:
                return chosen
            part = measure(os.path.join(root, name))
            if part is not None and chosen.bytes + part.bytes <= bytes_max:
                chosen.parts.setdefault(root, []).append(part.path)
                chosen.files += part.files
                chosen.bytes += part.bytes
                chosen.entries += part.entries
    raise JobError(f"this machine has only {chosen.files} files and {chosen.bytes} bytes in {' '.join(ROOTS)}")


def copy_some(target, files, bytes_min):
    """A tree of exactly so many files with at least so many bytes: the first of ROOTS, filled up with the larger ones."""
    shutil.rmtree(target, ignore_errors=True)
    found = {}
    for root in ROOTS:
        for path in below(root):
            status = os.lstat(path)
            if stat.S_ISREG(status.st_mode) and status.st_size < 4 << 20 and os.access(path, os.R_OK):
                found[path] = status.st_size
            if len(found) >= 8 * files:
                break
    by_size = sorted(found, key=lambda path: (-found[path], path))
    large, total = [], 0
    for path in by_size:
        if total >= bytes_min or len(large) == files:
            break
        large.append(path)
        total += found[path]
    rest = [path for path in found if path not in set(large)][:files - len(large)]
    if total < bytes_min or len(large) + len(rest) < files:
        raise JobError(f"this machine has no {files} files with {bytes_min} bytes in {' '.join(ROOTS)}")
    for path in large + rest:
        place = target + path
        os.makedirs(os.path.dirname(place), exist_ok=True)
        shutil.copy2(path, place)
    return len(large) + len(rest), sum(found[path] for path in large + rest)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def differences(original, copy):
    """What is not the same in two entries: kind, target of a link, mode and time and bytes of a file."""
    if not os.path.lexists(copy):
        return ["it did not come back"]
    ours, theirs = os.lstat(original), os.lstat(copy)
    found = []
    if stat.S_IFMT(ours.st_mode) != stat.S_IFMT(theirs.st_mode):
        return ["it came back as something else"]
    if ours.st_mtime_ns != theirs.st_mtime_ns:
        found.append("its time")
    if stat.S_ISLNK(ours.st_mode):
        return found + (["where it points"] if os.readlink(original) != os.readlink(copy) else [])
    if stat.S_IMODE(ours.st_mode) != stat.S_IMODE(theirs.st_mode):
        found.append("its mode")
    if stat.S_ISREG(ours.st_mode) and (ours.st_size != theirs.st_size or digest(original) != digest(copy)):
        found.append("its bytes")
    return found


def compare(selection, copy_of_root):
    """Compares every entry of the selection with its copy, by SHA-256 where it is a file; returns how many there were."""
    pairs = []
    for root, paths in selection.parts.items():
        for path in paths:
            pairs += [(entry, os.path.join(copy_of_root(root), os.path.relpath(entry, root))) for entry in below(path)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for (original, _), found in zip(pairs, pool.map(lambda pair: differences(*pair), pairs, chunksize=64)):
            if found:
                raise JobError(f"{original}: {', '.join(found)}")
    back = sum(1 for root in selection.parts for _ in below(copy_of_root(root))) - len(selection.parts)
    if back != len(pairs):
        raise JobError(f"{len(pairs)} entries were put, and {back} came back")
    return len(pairs)
