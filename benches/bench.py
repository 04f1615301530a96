"""
fastcov beside the floor and other programs: `make bench`, `make bench-quick`.

Exit status 1 when a result is wrong; an aim that is missed is printed in bold and is not a failure.
"""

import argparse
import fnmatch
import subprocess
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "tools"))

import report
import venvs
from answers import Answers, ToolMissingError
from data import CHECKOUT, FOLDER, SPECS, Set, build
from rows import Row, rows
from tasks import Floor, Program, Result, SkippedError, Task, WrongAnswerError


def main() -> int:
    arguments = _arguments()
    subprocess.run(["cargo", "build", "--quiet", "--release", "--example", "floor"], cwd=CHECKOUT, check=True)
    chosen = {name: _chosen(rows(Set(name, arguments.data)), arguments) for name in SPECS}
    if not any(chosen.values()):
        print(f"no row matches {arguments.rows}", file=sys.stderr)
        return 2
    if not arguments.quick:
        venvs.make(arguments.data)
    answers = Answers(arguments.data)
    lines: list[report.Line] = []
    try:
        for name, table in chosen.items():
            if table:
                build(name, arguments.data)
                lines += measure(table, answers, arguments.rounds)
    except WrongAnswerError as error:
        print(f"WRONG: {error}", file=sys.stderr)
        return 1
    text = report.text(lines, arguments.rounds, "make bench")
    print(text)
    if arguments.write:
        report.write(CHECKOUT / "docs" / "performance.md", text)
        report.write(CHECKOUT / "README.md", report.short_text(lines, arguments.rounds))
    return 0


def measure(table: list[Row], answers: Answers, rounds: int) -> list[report.Line]:
    """Every task of the rows once a round, floors first, other programs last."""
    tasks = sorted({task: None for row in table for task in row.tasks}, key=_order)
    found: dict[Task, list[Result]] = {task: [] for task in tasks}
    skipped: dict[Task, str] = {}
    for round_ in range(rounds):
        for task in tasks:
            if task in skipped or (isinstance(task, Program) and round_ >= task.at_most):
                continue
            print(f"round {round_ + 1}: {task.name}", file=sys.stderr, flush=True)
            try:
                found[task].append(task.run(answers))
            except (SkippedError, ToolMissingError) as reason:
                skipped[task] = str(reason)
    return [_line(row, found, skipped) for row in table]


def _order(task: Task) -> int:
    return 0 if isinstance(task, Floor) else 2 if isinstance(task, Program) else 1


def _line(row: Row, found: dict[Task, list[Result]], skipped: dict[Task, str]) -> report.Line:
    reasons = [skipped[task] for task in row.tasks if task in skipped]
    if reasons:
        return report.Line(row, [], [], reasons[0])
    rounds = min(len(found[task]) for task in row.tasks)
    figures = [row.figure({task: found[task][i] for task in row.tasks}) for i in range(rounds)]
    return report.Line(row, figures, [[result.seconds for result in found[task]] for task in row.tasks])


def _chosen(table: list[Row], arguments: argparse.Namespace) -> list[Row]:
    return [
        row
        for row in table
        if (row.quick or not arguments.quick)
        and any(fnmatch.fnmatch(row.label, f"*{pattern}*") for pattern in arguments.rows)
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="the rows that matter most, 3 rounds, no other environments"
    )
    parser.add_argument("--rows", nargs="+", default=["*"], help="rows whose label holds one of these patterns")
    parser.add_argument("--rounds", type=int, help="default: 5; 3 with --quick")
    parser.add_argument("--data", type=Path, default=FOLDER, help="default: FASTCOV_BENCH_DATA, or bench-data/")
    parser.add_argument(
        "--write",
        action="store_true",
        help="also write docs/performance.md, and six rows into README.md",
    )
    arguments = parser.parse_args()
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    return arguments


if __name__ == "__main__":
    sys.exit(main())
