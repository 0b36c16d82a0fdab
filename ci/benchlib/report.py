"""The table for people: the ratios beside their targets, and for each group all that explains them."""
from statistics import median


def number(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"


def aim_of(row):
    """Two cells: the target, and whether it was reached."""
    if row["target"] == 0:
        return "- | told" if row["held"] else "- | failed"
    return f">= {row['target']:g} | {'held' if row['held'] else 'missed'}"


def ratio_table(rows):
    yield "| row | furrow-bench /s | denominator /s | of | ratio (least .. greatest) | pairs | target | | others |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        ratio = row["ratio"]
        shown = "failed" if ratio["median"] is None else f"**{ratio['median']:.2f}** ({ratio['min']:.2f} .. {ratio['max']:.2f})"
        yield (f"| `{row['name']}` | {number(row['numerator'])} | {number(row['denominator'])} | {row['denominator_of']}, `{row['device']}` | "
               f"{shown} | {row['pairs']} | {aim_of(row)} | {row['others_share']:.0%} |")


def run_line(name, readings, note):
    errors = [reading.error for reading in readings if reading.error]
    rates = [reading.per_second for reading in readings if not reading.error]
    if not rates:
        return f"| {name} | failed: {errors[0]} | | | {note} |"
    last = [reading for reading in readings if not reading.error][-1]
    spread = f"{number(min(rates))} .. {number(max(rates))}" if len(rates) > 1 else ""
    device = f"{last.device_bytes / last.user_bytes:.3f}" if last.device_bytes else "-"
    failed = f"{len(errors)} of {len(readings)} failed: {errors[0]}; " if errors else ""
    explained = ", ".join(f"{key} {value:,}" for key, value in last.explains.items())
    return f"| {name} | {number(median(rates))} | {spread} | {device} | {failed}{explained}{note} |"


def group_table(result, kernel):
    """All runs of a group; what is told of a run beside its rate is of the last one."""
    group = result.group
    yield f"## {group.name} ({group.operation_bytes:,} bytes, `{group.device}`, Linux {kernel})"
    yield ""
    yield "| run | /s | least .. greatest | device bytes for a byte | last run |"
    yield "|---|---|---|---|---|"
    for run in group.furrow:
        yield run_line(f"furrow-bench {run}", result.rounds["furrow", run], "")
    for fio in group.fios:
        if ("fio", fio.name) in result.rounds:
            yield run_line(f"fio {fio.name}", result.rounds["fio", fio.name], " (beside)" if fio.beside else "")
    yield ""


def whole_text(rows, sections):
    head = ["# Furrow against the raw device", "", "Runs alternate on one device in one boot; a ratio is that of neighbours. `ratios.json` has the same figures.",
            "Others: what everything else on the machine took of its processors meanwhile; above a few percent the figures are noise.", ""]
    return "\n".join(head + list(ratio_table(rows)) + [""] + sections) + "\n"
