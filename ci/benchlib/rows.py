"""What is measured: groups of runs that alternate on one device, and the rows of the table that come of each group.

A group has runs of fio, of which the best counts (those marked `beside` are shown and do not count), and a run of
furrow-bench for each of its rows. A row's ratio must reach its target, or is only told if that is 0:

  kind    numerator           denominator
  plain   furrow-bench        the group's best fio
  bound   furrow-bench        1 / (1 / best fio + the time of the sums), the sums' time measured in the same boot
"""
from dataclasses import dataclass

KIB, MIB = 1 << 10, 1 << 20
# Devices so large that no run wraps: furrow-bench removes an object that has two fifths of the store, its zones are reset, and fio resets none.
ZONE_MIB, DEVICE_MIB, NVME_MIB = 16, 4096, 10 * 1024
FILL_MIB = 128  # what random reads choose from
# What random writes choose from. No zone is cleaned, but one is free again when all in it was written over: of a zone of 4,096 blocks the
# last one is when some nine times as much has been written, so this takes a third of the device, however long it goes on.
OVERWRITE_MIB = 128
UNZONED_MIB = 256


@dataclass(frozen=True)
class Fio:
    """A run of fio: its name in reports, and the options that make it what it is."""
    name: str
    options: tuple
    beside: bool = False


@dataclass(frozen=True)
class Row:
    name: str
    target: float
    run: str  # the furrow-bench run of the group that it is the rate of
    bound: bool = False


@dataclass(frozen=True)
class Group:
    name: str
    place: str  # which boot: null_blk or nvme; or host
    device: str  # what both are given; for fio, `fio_device`, where it has another name for it
    operation_bytes: int
    furrow: dict  # run -> options
    fios: tuple
    rows: tuple
    fill_mib: int = 0
    fio_device: str = ""


WRITE = ("--rw=write", "--zonemode=zbd")
READ = ("--rw=randread", "--norandommap", f"--size={FILL_MIB}M")


def size_of(operation_bytes):
    return f"{operation_bytes // MIB}m" if operation_bytes >= MIB else f"{operation_bytes // KIB}k"


def jobs(count, *options, device_mib=DEVICE_MIB):
    """So many jobs, each with a part of the device that is its own."""
    part = device_mib // count
    return (*options, f"--numjobs={count}", f"--size={part}M", f"--offset_increment={part}M", "--group_reporting")


def append_fios(depth, write=WRITE, device_mib=DEVICE_MIB):
    psync, uring = "--ioengine=psync", "--ioengine=io_uring"
    return (Fio("psync d1", (psync, *write)), Fio("io_uring d1", (uring, *write)), Fio(f"io_uring d{depth}", (uring, f"--iodepth={depth}", *write)),
            *(Fio(f"psync, {n} jobs", jobs(n, psync, *write, device_mib=device_mib), beside=True) for n in (4, 8)))


def read_fios(depth, read=READ):
    uring = ("--ioengine=io_uring", f"--iodepth={depth}", *read)
    return (Fio(f"io_uring d{depth}", uring), Fio("psync d1", ("--ioengine=psync", *read), beside=True),
            *(Fio(f"io_uring d{depth}, {n} jobs", (*uring, f"--numjobs={n}", "--group_reporting"), beside=True) for n in (4, 8)))


def both(name, target):
    """The row without sums, and the one with them."""
    return (Row(f"{name}_nosum", target, "nosum"), Row(f"{name}_sum", 0.90, "sum", bound=True))


def with_and_without(*options):
    return {"nosum": (*options, "--no-checksums"), "sum": options}


def append_group(place, device, name, operation_bytes, depth, target, fios=None, fio_device=""):
    return Group(name, place, device, operation_bytes, with_and_without("append", "--depth", str(depth)),
                 fios or append_fios(depth), both(name, target), fio_device=fio_device)


def read_group(depth, target):
    name = f"randread_4k_d{depth}"
    return Group(name, "null_blk", "/dev/nullb0", 4 * KIB, with_and_without("randread", "--depth", str(depth), "--fill", f"{FILL_MIB}M"),
                 read_fios(depth), both(name, target), fill_mib=FILL_MIB)


def overwrite_group(operation_bytes, depth):
    """Writes at random offsets of one object, against fio's at random offsets of the same kind of device without zones. No target."""
    name = f"randwrite_{size_of(operation_bytes)}_d{depth}"
    write = ("--rw=randwrite", "--norandommap", f"--size={OVERWRITE_MIB}M")
    psync, uring = "--ioengine=psync", "--ioengine=io_uring"
    fios = (Fio("psync d1", (psync, *write)), Fio("io_uring d1", (uring, *write)), Fio(f"io_uring d{depth}", (uring, f"--iodepth={depth}", *write)))
    return Group(name, "null_blk", "/dev/nullb0", operation_bytes, with_and_without("randwrite", "--depth", str(depth), "--fill", f"{OVERWRITE_MIB}M"),
                 fios, (Row(f"{name}_nosum", 0, "nosum"), Row(f"{name}_sum", 0, "sum", bound=True)), fill_mib=OVERWRITE_MIB, fio_device="/dev/nullb1")


def durable_group():
    """The store as it is by default, with sums, against one job that has each write flushed (write, then fdatasync)."""
    name, engine = "durable_4k_x32", ("--ioengine=psync", *WRITE, "--fdatasync=1")
    return Group(name, "nvme", "/dev/nvme0n1", 4 * KIB, {"sum": ("durable", "--depth", "32", "--objects", "32")},
                 (Fio("psync d1 fdatasync", engine), *(Fio(f"psync fdatasync, {n} jobs", jobs(n, *engine), beside=True) for n in (4, 8))),
                 (Row(name, 5, "sum"), Row(f"{name}_sum", 0.90, "sum", bound=True)))


def native_append_group():
    command = ("--ioengine=io_uring_cmd", "--cmd_type=nvme", "--direct=0", *WRITE)  # a character device: there is no O_DIRECT
    return append_group("nvme", "/dev/ng0n1", "nvme_append_64k_d8", 64 * KIB, 8, 2,
                        fios=(Fio("io_uring_cmd d1", command), Fio("io_uring_cmd d8", (*command, "--iodepth=8"), beside=True)))


GUEST = (
    append_group("null_blk", "/dev/nullb0", "append_64k_d8", 64 * KIB, 8, 0.90),
    append_group("null_blk", "/dev/nullb0", "append_1m_d8", MIB, 8, 0.95),
    append_group("null_blk", "/dev/nullb0", "append_4k_d32", 4 * KIB, 32, 1.3),
    read_group(1, 0.90),
    read_group(32, 0.85),
    overwrite_group(4 * KIB, 32),
    overwrite_group(64 * KIB, 8),
    overwrite_group(MIB, 8),
    append_group("nvme", "/dev/nvme0n1", "nvme_append_4k_d32", 4 * KIB, 32, 3),
    durable_group(),
    native_append_group(),
)

HOST_FILE_MIB = 32 * 1024
HOST_DEVICE = f"size={HOST_FILE_MIB}M&zone_size=64M&append_max=1M"  # commands as large as the largest that fio writes
HOST_WRITE = ("--rw=write", "--fallocate=none", "--overwrite=0", f"--size={HOST_FILE_MIB}M")
HOST_FILL_MIB = 512


def host_append_group(name, operation_bytes, target):
    return Group(name, "host", "file:", operation_bytes, {"sum": ("append", "--depth", "8")},
                 append_fios(8, HOST_WRITE, HOST_FILE_MIB), (Row(name, target, "sum"),))


def host_read_group(name, target):
    read = ("--rw=randread", "--norandommap", f"--size={HOST_FILL_MIB}M")
    return Group(name, "host", "file:", 4 * KIB, {"sum": ("randread", "--depth", "32", "--fill", f"{HOST_FILL_MIB}M")},
                 read_fios(32, read), (Row(name, target, "sum"),), fill_mib=HOST_FILL_MIB)


HOST = (
    host_append_group("host_append_64k_d8", 64 * KIB, 0.85),
    host_append_group("host_append_1m_d8", MIB, 0.90),
    host_read_group("host_randread_4k_d32", 0.85),
)


def named_rows(groups, names):
    """The groups cut down to the rows of these names (all, if there are none) and the runs that these need."""
    known = {row.name for group in groups for row in group.rows}
    if unknown := set(names) - known:
        raise ValueError(f"no such row: {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}")
    for group in groups:
        rows = tuple(row for row in group.rows if not names or row.name in names)
        if rows:
            runs = {run: options for run, options in group.furrow.items() if any(row.run == run for row in rows)}
            yield Group(**{**vars(group), "rows": rows, "furrow": runs})
