"""The zoned devices of a guest: for each kind its modules, QEMU's arguments, and the shell lines that set it up there."""
import os
import shlex
from dataclasses import dataclass, field

from . import GuestError


@dataclass
class Devices:
    modules: list = field(default_factory=list)
    setup: list = field(default_factory=list)
    qemu: list = field(default_factory=list)


def settings(spec, defaults, names):
    """'k=v,k=v' over the defaults, with short names made long."""
    result = dict(defaults)
    for item in filter(None, spec.split(",")):
        key, equals, value = item.partition("=")
        if not equals:
            raise GuestError(f"'{item}' in '{spec}' is not KEY=VALUE")
        result[names.get(key, key)] = value
    return result


def add_null_blk(devices, specs, cpus):
    """Memory-backed null_blk made through configfs: /dev/nullb0, /dev/nullb1, .. Sizes are in MiB, as configfs has them."""
    names = {"max_open": "zone_max_open", "max_active": "zone_max_active", "conventional": "zone_nr_conv", "block_size": "blocksize"}
    defaults = {"memory_backed": "1", "zoned": "1", "size": "1024", "zone_size": "16", "blocksize": "4096", "submit_queues": str(cpus)}
    if not specs:
        return
    devices.modules += ["configfs", "null_blk nr_devices=0"]
    devices.setup += ["mount -t configfs configfs /sys/kernel/config 2>/dev/null"]
    for index, spec in enumerate(specs):
        folder = f"/sys/kernel/config/nullb/nullb{index}"
        devices.setup.append(f"mkdir {folder} || fail 'no configfs folder for nullb{index}'")
        for key, value in {**settings(spec, defaults, names), "power": "1"}.items():
            devices.setup.append(f"echo {shlex.quote(value)} >{folder}/{key} || fail {shlex.quote(f'nullb{index}: {key}={value} refused')}")
        devices.setup.append(f"await /dev/nullb{index}")


def add_nvme(devices, specs, folder):
    """QEMU's NVMe drives with zones: /dev/nvme0n1 and /dev/ng0n1, /dev/nvme1n1 and so on. Sizes take suffixes."""
    defaults = {"size": "1G", "block_size": "4096", "zone_size": "16M"}
    of_controller = {"mdts": "mdts", "zasl": "zoned.zasl", "max_ioqpairs": "max_ioqpairs"}
    if specs:
        devices.modules.append("nvme")
    for index, spec in enumerate(specs):
        values = settings(spec, defaults, {})
        image = os.path.join(folder, f"nvme{index}.img")
        size, block = values.pop("size"), values.pop("block_size")
        with open(image, "wb") as file:
            file.truncate(bytes_of(size))
        controller = "".join(f",{of_controller[key]}={values.pop(key)}" for key in list(values) if key in of_controller)
        zoned = "".join(f",zoned.{key}={value}" for key, value in values.items())
        devices.qemu += [
            "-drive", f"file={image},id=drive{index},format=raw,if=none,cache=writeback,discard=unmap",
            "-device", f"nvme,id=nvme{index},serial=furrow{index}{controller}",
            "-device", f"nvme-ns,drive=drive{index},bus=nvme{index},nsid=1,logical_block_size={block},physical_block_size={block},"
                       f"zoned=true{zoned}"]
        devices.setup += [f"await /dev/nvme{index}n1", f"await /dev/ng{index}n1"]


def add_scsi_debug(devices, spec):
    """One scsi_debug disk, /dev/sda; keys are the module's parameters, such as zbc=managed, zone_size_mb, dev_size_mb."""
    if spec is None:
        return
    values = settings(spec, {"zbc": "managed", "zone_size_mb": "16", "dev_size_mb": "256", "sector_size": "4096", "delay": "0"}, {})
    devices.modules += ["sd_mod", "scsi_debug " + " ".join(f"{key}={value}" for key, value in values.items())]
    devices.setup.append("await /dev/sda")


def bytes_of(text):
    factor = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:].upper(), 1)
    digits = text[:-1] if factor > 1 else text
    if not digits.isdigit():
        raise GuestError(f"'{text}' is not a size")
    return int(digits) * factor
