"""What the benchmarks print: a table, and the machine and versions it is about."""

import importlib.metadata
import os
import platform
import re
import shutil
import statistics
import subprocess
from dataclasses import dataclass
from pathlib import Path

import other_tools
from data import CHECKOUT
from rows import HEADLINES, Row


@dataclass(frozen=True)
class Line:
    """A row with its figures, one a round, and the seconds of its tasks; or the reason why it has none."""

    row: Row
    figures: list[float]
    seconds: list[list[float]]
    skipped: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.figures)

    @property
    def met(self) -> bool:
        return self.row.aim is None or self.row.aim.met(self.median)


def table(lines: list[Line]) -> str:
    """Markdown; skipped rows follow as sentences."""
    out = ["| what | aim | figure | smallest .. largest | seconds |", "|---|---|---|---|---|"]
    for line in lines:
        if line.skipped:
            continue
        spread = f"{_number(min(line.figures))} .. {_number(max(line.figures))}"
        seconds = " / ".join(_number(statistics.median(s)) for s in line.seconds)
        out.append(f"| {line.row.label} | {_aim(line)} | {_figure(line)} | {spread} | {seconds} |")
    skipped = [f"- {line.row.label}: {line.skipped}" for line in lines if line.skipped]
    return "\n".join(out + (["", "Not measured:", "", *skipped] if skipped else []))


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}" if abs(value) >= 0.1 else f"{value:.4f}"


HOW_TO_READ = """\
Medians of {rounds} rounds. Each round runs every task of a set once, back to back, so a ratio compares runs close in
time. Bold: aim missed. The last column lists the median seconds of each task in the figure, in order. fastcov's time is
the call alone in a warm process; another program's time is its whole process. The floor is libdeflate over every BGZF
block of the file, with CRC checks, on the same number of threads."""


def text(lines: list[Line], rounds: int, command: str) -> str:
    """The table with what it takes to read and repeat it."""
    how = f"`{command}` at commit {commit()}, {machine()}; {versions()}."
    return "\n\n".join([table(lines), HOW_TO_READ.format(rounds=rounds), how])


def short_text(lines: list[Line], rounds: int) -> str:
    """The table of the headline rows, without the columns and the notes of the whole table."""
    by_label = {line.row.label: line for line in lines}
    out = ["| what | figure | aim |", "|---|---|---|"]
    out += [_short(by_label[label]) for label in HEADLINES if label in by_label and not by_label[label].skipped]
    note = f"Medians of {rounds} rounds at commit {commit()}, {machine()}. **Bold**: aim missed."
    return "\n".join([*out, "", note])


def _short(line: Line) -> str:
    return f"| {line.row.label} | {_figure(line)} | {_aim(line)} |"


def _figure(line: Line) -> str:
    figure = f"{_number(line.median)} {line.row.unit}"
    return figure if line.met else f"**{figure}**"


def _aim(line: Line) -> str:
    return "" if line.row.aim is None else f"{line.row.aim} {line.row.unit}"


def commit() -> str:
    """The commit of the checkout, with a mark when files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    said = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


def machine() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.*)", info.read_text()) if info.exists() else None
    model = found[1] if found else platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, {platform.system()} {platform.release()}"


def versions() -> str:
    found = [f"Python {platform.python_version()}"]
    found += [f"{name} {importlib.metadata.version(name)}" for name in ("fastcov-bio", "numpy", "pandas")]
    environment = {**os.environ, **other_tools.libhts()}
    for tool in ("samtools", "mosdepth", "bedtools", "megadepth"):
        if shutil.which(tool):
            said = subprocess.run([tool, "--version"], capture_output=True, check=False, env=environment).stdout
            found.append(" ".join(said.decode(errors="replace").split("\n")[0].split()))
    return ", ".join(found)


def write(path: Path, text: str, name: str = "make bench") -> None:
    """Puts `text` between the markers of that name in a Markdown file."""
    begin, end = (f"<!-- {name}: {which} -->" for which in ("begin", "end"))
    whole = path.read_text()
    before, _, rest = whole.partition(begin)
    _, marker, after = rest.partition(end)
    if not marker:
        raise ValueError(f"{path} has no {begin} … {end}")
    path.write_text(f"{before}{begin}\n{text}\n{end}{after}")
