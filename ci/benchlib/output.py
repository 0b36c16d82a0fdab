"""The options that both programs have, and what they leave behind."""
import os

from . import ratios, report, rows

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def add_options(parser):
    add = parser.add_argument
    add("--rows", default="", metavar="NAME,..", help="only these")
    add("--pairs", type=int, default=5, help="default %(default)s")
    add("--seconds", type=float, default=2, help="of each run; default %(default)s")
    add("--quick", action="store_true", help="one pair of one second each")
    add("--report-only", action="store_true", help="a missed target is no failure")
    add("--furrow-bench", default=os.path.join(ROOT, "build/release/bin/furrow-bench"), metavar="FILE")
    add("--out", default=os.path.join(ROOT, "build/bench"), metavar="DIR", help="default %(default)s")


def chosen(parser, groups, options):
    if options.quick:
        options.pairs, options.seconds = 1, 1
    options.seconds = int(options.seconds) if options.seconds == int(options.seconds) else options.seconds
    try:
        return list(rows.named_rows(groups, [name for name in options.rows.split(",") if name]))
    except ValueError as error:
        parser.error(str(error))


def write(results, options, show=print):
    """Adds what was measured to the files, shows it, and returns the exit status."""
    path = os.path.join(options.out, "ratios.json")
    new = [row for result, kernel, others in results for row in result.rows(kernel, others)]
    everything = ratios.merge(ratios.load(path), new)
    ratios.store(path, everything)
    for result, kernel, _ in results:
        with open(os.path.join(options.out, "runs", f"{result.group.name}.md"), "w", encoding="utf-8") as file:
            file.write("\n".join(report.group_table(result, kernel)))
    write_table(options.out, everything)
    show("\n".join(report.ratio_table(new)))
    for result, kernel, _ in results:
        show("\n".join(["", *report.group_table(result, kernel)]))
    if any(row["pairs"] == 0 for row in new):
        return 2
    return 0 if options.report_only or all(row["held"] for row in new) else 1


def write_table(folder, everything):
    sections = []
    for name in sorted(os.listdir(os.path.join(folder, "runs"))):
        if name.endswith(".md"):
            with open(os.path.join(folder, "runs", name), encoding="utf-8") as file:
                sections.append(file.read())
    with open(os.path.join(folder, "ratios.md"), "w", encoding="utf-8") as file:
        file.write(report.whole_text(everything, sections))
