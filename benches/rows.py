"""The rows of the table: what is compared with what, and the aim."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from data import Set
from tasks import Call, Floor, Program, Result, Task

HERE = Path(__file__).parent
MIB = 1 << 20


@dataclass(frozen=True)
class Aim:
    """At most or at least a value."""

    sense: str
    value: float

    def met(self, figure: float) -> bool:
        return figure <= self.value if self.sense == "<=" else figure >= self.value

    def __str__(self) -> str:
        return f"{'≤' if self.sense == '<=' else '≥'} {self.value:g}"


@dataclass(frozen=True)
class Row:
    """One figure, from the results of its tasks in one round."""

    label: str
    unit: str
    aim: Aim | None
    tasks: tuple[Task, ...]
    figure: Callable[[Mapping[Task, Result]], float]
    quick: bool = False


def ratio(label: str, unit: str, aim: Aim | None, tasks: tuple[Task, Task], *, quick: bool = False) -> Row:
    """Seconds of the first task divided by those of the second."""
    over, under = tasks
    return Row(label, unit, aim, tasks, lambda found: found[over].seconds / found[under].seconds, quick)


# Set, call, most times the floor, threads, threads of the quick run.
OVER_FLOOR = [
    ("mtb", "depth", 1.15, (1, 2), (1, 2)),
    ("mtb", "mosdepth-fast", 1.15, (1, 2), ()),
    ("mtb", "genomecov", 1.15, (1, 2), ()),
    ("mtb", "bases", 1.3, (1, 2), (2,)),
    ("mtb", "mosdepth", 1.3, (1, 2), ()),
    ("mtb", "mpileup, no BAQ", 1.4, (1, 2), (2,)),
    ("mtb_hiseq", "depth", 1.15, (1, 2), ()),
    ("mtb_hiseq", "mosdepth-fast", 1.15, (1, 2), ()),
    ("mtb_hiseq", "genomecov", 1.15, (1, 2), ()),
    ("wgs", "depth", 1.35, (1, 2), (2,)),
    ("wgs", "coverage, depth", 1.35, (2,), ()),
    ("rna", "mpileup, no BAQ", 2.0, (1, 2), (2,)),
    ("long", "depth", 1.15, (1, 2), (2,)),
    ("long", "mpileup, no BAQ", 1.5, (1, 2), (2,)),
]
# Name, words, the call it is compared with. All of them work with two threads, as the call does, where they can.
PROGRAMS = [
    ("samtools depth -a -@ 2", ("samtools", "depth", "-a", "-@", "2", "{bam}"), "depth"),
    ("mosdepth -t 2", ("mosdepth", "-t", "2", "{out}", "{bam}"), "mosdepth"),
    ("mosdepth -x -t 2", ("mosdepth", "-x", "-t", "2", "{out}", "{bam}"), "mosdepth-fast"),
    ("mosdepth -n -x -t 2", ("mosdepth", "-n", "-x", "-t", "2", "{out}", "{bam}"), "mosdepth-fast"),
    ("megadepth --threads 2", ("megadepth", "{bam}", "--coverage", "--threads", "2", "--prefix", "{out}"), "depth"),
    ("bedtools genomecov -bga", ("bedtools", "genomecov", "-bga", "-ibam", "{bam}"), "genomecov"),
]
# The rows of README.md, in its order; docs/performance.md has every row.
HEADLINES = (
    "mtb, the function replaced, n_cores=2",
    "wgs, samtools depth -a -@ 2",
    "wgs, samtools depth -b, 1,000 targets of 200 bp",
    "wgs, mosdepth -n -x -t 2",
    "mtb, depth, 2 threads",
    "mtb, mpileup, no BAQ, 2 threads",
)


def rows(data: Set) -> list[Row]:
    """Every row of a set."""
    table = [*_over_floor(data), *_scaling(data)]
    table += _pileup(data) if data.name == "mtb" else []
    table += _programs(data) if data.name in ("mtb", "wgs") else []
    table += _small(data) if data.name == "wgs" else []
    table += _memory(data)
    table += _overheads(data) if data.name == "mtb" else []
    return table


def _over_floor(data: Set) -> list[Row]:
    return [
        ratio(
            f"{data.name}, {what}, {threads} thread{'s' if threads > 1 else ''}",
            "× floor",
            Aim("<=", most),
            (Call(data, what, threads), Floor(data, threads)),
            quick=threads in quick,
        )
        for name, what, most, all_threads, quick in OVER_FLOOR
        if name == data.name
        for threads in all_threads
    ]


def _scaling(data: Set) -> list[Row]:
    one, two = (Call(data, "depth", n) for n in (1, 2))
    floor_one, floor_two = (Floor(data, n) for n in (1, 2))

    def figure(found: Mapping[Task, Result]) -> float:
        ours = found[one].seconds / found[two].seconds
        return ours / (found[floor_one].seconds / found[floor_two].seconds)

    label = f"{data.name}, depth, gain from the second thread"
    return [Row(label, "× the floor's", Aim(">=", 0.95), (one, two, floor_one, floor_two), figure, data.name == "mtb")]


def _pileup(data: Set) -> list[Row]:
    """BAQ against none, and both against the function that is replaced."""
    out = []
    for threads in (1, 2):
        with_baq, without = Call(data, "mpileup", threads), Call(data, "mpileup, no BAQ", threads)
        label = f"{data.name}, mpileup with BAQ, {threads} thread{'s' if threads > 1 else ''}"
        out.append(ratio(label, "× without BAQ", Aim("<=", 2), (with_baq, without), quick=threads == 2))
    for options, what, aim in (((), "mpileup", Aim(">=", 30)), (("-B",), "mpileup, no BAQ", None)):
        words = ("{pandas2}", str(HERE / "original.py"), "{bam}", "{ref}", "{contig}", "{length}", "2", *options)
        original = Program(data, " ".join(("the function replaced", *options)), words, says=True, at_most=1)
        label = f"{data.name}, {original.what}, n_cores=2"
        out.append(ratio(label, "× as long", aim, (original, Call(data, what, 2))))
    return out


def _programs(data: Set) -> list[Row]:
    aim = Aim(">=", 2.5 if data.name == "mtb" else 2)
    out = [
        ratio(f"{data.name}, {name}", "× as long", aim, (Program(data, name, words), Call(data, what, 2)))
        for name, words, what in PROGRAMS
    ]
    words = ("{polars_bio}", str(HERE / "peer_polars_bio.py"), "{bam}")
    program = Program(data, "polars-bio depth to pandas", words, says=True)
    return [*out, ratio(f"{data.name}, {program.what}", "× as long", aim, (program, Call(data, "depth", 2)))]


def _small(data: Set) -> list[Row]:
    """Little of a large file: targets, and one region, whose file was closed before."""
    targets = Program(data, "samtools depth -b", ("samtools", "depth", "-a", "-b", "{bed}", "{bam}"))
    region = Program(data, "samtools depth -r", ("samtools", "depth", "-a", "-r", "{region}", "{bam}"))
    return [
        ratio(f"{data.name}, {targets.what}, 1,000 targets of 200 bp", "× as long", Aim(">=", 20),
              (targets, Call(data, "1,000 targets", 2)), quick=True),
        ratio(f"{data.name}, {region.what}, 1 kb", "× as long", Aim(">=", 5),
              (region, Call(data, "1 kb", 2)), quick=True),
    ]  # fmt: skip


def _memory(data: Set) -> list[Row]:
    """What the first call of a process takes beyond its output, against 64 MiB and 8 MiB a thread."""
    what = "mpileup" if data.name == "mtb" else "mpileup, no BAQ" if data.name in ("rna", "long") else "depth"
    call = Call(data, what, 2, warm=False)
    label = f"{data.name}, {what}, 2 threads, memory beyond the output"
    return [
        Row(label, "MiB", Aim("<=", 64 + 8 * 2), (call,), lambda found: found[call].more["extra_bytes"] / MIB,
            data.name == "mtb")
    ]  # fmt: skip


def _overheads(data: Set) -> list[Row]:
    call = Call(data, "depth", 2)
    figures = {
        f"{data.name}, depth, 2 threads, building the frame": (
            "% of the call", Aim("<=", 10), lambda more: 100 * more["frame_seconds"] / more["seconds"]),
        "import fastcov, numpy and pandas being there": (
            "ms", Aim("<=", 150), lambda more: 1000 * more["import_seconds"]),
    }  # fmt: skip
    return [
        Row(label, unit, aim, (call,), lambda found, of=of: of(found[call].more), quick=True)
        for label, (unit, aim, of) in figures.items()
    ]
