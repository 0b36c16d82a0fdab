"""In which order the runs of a group come, and what each of them is called."""
from dataclasses import dataclass

WARM_UP_SECONDS = 1  # of either program: an emulated processor translates code when it first runs
RAW = ("--direct=1", "--thread", "--time_based", "--randrepeat=0", "--output-format=json")


@dataclass(frozen=True)
class Step:
    id: str  # group.round.index: also the name of its files
    group: str
    round: int
    program: str  # fio, furrow or checksum
    run: str  # which of the group's
    command: tuple
    device: str
    fill_mib: int = 0


def fio_command(group, fio, seconds, size_of, fio_device):
    return ("fio", f"--name={group.name}", f"--filename={fio_device}", f"--bs={size_of(group.operation_bytes)}", f"--runtime={round(seconds * 1000)}ms",
            f"--ramp_time={round(WARM_UP_SECONDS * 1000)}ms",
            *RAW, *fio.options)


def furrow_command(group, options, seconds, device, program):
    workload, *more = options
    return (program, device, workload, "--bytes", str(group.operation_bytes), *more, "--seconds", str(seconds),
            "--warm-up", str(WARM_UP_SECONDS), "--force", "--json")


def steps_of(group, pairs, seconds, size_of, device=None, fio_device=None, program="furrow-bench"):
    """Rounds of all runs that count; each round begins with another one. Those beside come once, in the middle of several."""
    device = device or group.device
    fio_device = fio_device or group.fio_device or group.device
    counted = [("fio", fio.name, fio_command(group, fio, seconds, size_of, fio_device)) for fio in group.fios if not fio.beside]
    counted += [("furrow", run, furrow_command(group, options, seconds, device, program)) for run, options in group.furrow.items()]
    beside = [("fio", fio.name, fio_command(group, fio, seconds, size_of, fio_device)) for fio in group.fios if fio.beside]
    yield Step(f"{group.name}.0.0", group.name, 0, "checksum", "", (program, "--checksum-speed", "--json"), "")
    for number in range(1, pairs + 1):
        shift = (number - 1) % len(counted)
        runs = counted[shift:] + counted[:shift] + (beside if pairs > 1 and number == (pairs + 1) // 2 else [])
        for index, (program, run, command) in enumerate(runs):
            fill = group.fill_mib if program == "fio" else 0  # furrow-bench fills its objects itself
            yield Step(f"{group.name}.{number}.{index}", group.name, number, program, run, command, fio_device if program == "fio" else device, fill)
