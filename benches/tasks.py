"""What is timed: the floor, calls of fastcov, other programs, each in a process of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import other_tools
import venvs
from answers import Answers
from data import CHECKOUT, Set

HERE = Path(__file__).parent
FLOOR = CHECKOUT / "target" / "release" / "examples" / "floor"

# Arguments of `get_coverage` (or of the function named) and the question of `answers.py` whose answer it must give.
CALLS: dict[str, tuple[str, dict, str]] = {
    "depth": ("get_coverage", {"rules": "depth"}, "depth"),
    "mosdepth-fast": ("get_coverage", {"rules": "mosdepth-fast"}, "mosdepth-fast"),
    "genomecov": ("get_coverage", {"rules": "genomecov"}, "genomecov"),
    "bases": ("get_coverage", {"rules": "bases"}, "bases"),
    "mosdepth": ("get_coverage", {"rules": "mosdepth"}, "mosdepth"),
    "mpileup, no BAQ": ("get_coverage", {"ref": True, "baq": False}, "mpileup -B"),
    "mpileup": ("get_coverage", {"ref": True}, "mpileup"),
    "coverage, depth": ("coverage", {"rules": "depth"}, "depth"),
    "1,000 targets": ("target_stats", {"rules": "depth"}, "targets"),
    "1 kb": ("get_coverage", {"rules": "depth"}, "depth -r "),
}


class SkippedError(Exception):
    """Something cannot be measured here; the message says why."""


class WrongAnswerError(Exception):
    """What was measured gave a wrong result."""


@dataclass(frozen=True)
class Result:
    """Seconds, and what else the process said about itself."""

    seconds: float
    more: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Floor:
    """libdeflate over every frame of a set."""

    data: Set
    threads: int

    @property
    def name(self) -> str:
        return f"{self.data.name}, floor, {self.threads}"

    def run(self, _: Answers) -> Result:
        said = json.loads(_run([FLOOR, self.data.bam, self.threads]).stdout)
        return Result(said["seconds"], said)


@dataclass(frozen=True)
class Call:
    """A call of CALLS on a whole set; without `warm` the first call of its process, as for measuring memory."""

    data: Set
    what: str
    threads: int
    warm: bool = True

    @property
    def name(self) -> str:
        return f"{self.data.name}, {self.what}, {self.threads}" + ("" if self.warm else ", first call")

    def run(self, answers: Answers) -> Result:
        function, arguments, question = CALLS[self.what]
        regions = self.data.regions
        if self.what == "1 kb":
            regions = [_middle(self.data)]
            question += "{}:{}-{}".format(*regions[0])
        arguments = {**arguments, "n_cores": self.threads}
        if "ref" in arguments:
            arguments["ref"] = str(self.data.reference)
        order = {
            "function": function,
            "bam": str(self.data.bam),
            "bed": str(self.data.targets),
            "regions": regions,
            "arguments": arguments,
            "warm": self.warm,
            # One millisecond is too short to be timed once.
            "calls": 15 if self.what == "1 kb" else 1,
        }
        expected = answers.get(self.data, question)
        said = json.loads(_run([sys.executable, HERE / "measure.py", json.dumps(order)]).stdout.splitlines()[-1])
        if said["answer"] != expected:
            raise WrongAnswerError(
                f"{self.data.name}, {self.what}, {self.threads} threads: {said['answer']} is not {expected}"
            )
        return Result(said["seconds"], said)


@dataclass(frozen=True)
class Program:
    """
    Another program, from its start to its end; what it prints goes nowhere, what it writes to a folder that is removed.

    `{bam}`, `{bed}`, `{out}`, `{ref}`, `{region}`, `{contig}`, `{length}` and names of `venvs.py` in its words are
    filled in.
    """

    data: Set
    what: str
    words: tuple[str, ...]
    # It is a Python program that prints the seconds without its imports, as JSON.
    says: bool = False
    # Rounds it is run in: what takes a minute need not run in all of them.
    at_most: int = 1000

    @property
    def name(self) -> str:
        return f"{self.data.name}, {self.what}"

    def run(self, _: Answers) -> Result:
        region = _middle(self.data)
        with tempfile.TemporaryDirectory() as folder:
            fill = {
                "bam": self.data.bam,
                "bed": self.data.targets,
                "ref": self.data.reference,
                "out": f"{folder}/out",
                "region": "{}:{}-{}".format(*region),
                "contig": region[0],
                "length": self.data.contigs[region[0]],
                **{name: venvs.python(self.data.folder, name) for name in venvs.REQUIREMENTS},
            }
            words = [word.format_map(fill) for word in self.words]
            if not shutil.which(words[0]):
                raise SkippedError(f"{words[0]} is not installed")
            began = time.perf_counter()
            done = _run(words, keep=self.says)
            seconds = time.perf_counter() - began
        said = json.loads(done.stdout.splitlines()[-1]) if self.says else {}
        return Result(said.get("seconds", seconds), said)


Task = Floor | Call | Program


def _middle(data: Set) -> list:
    """1,000 positions in the middle of the first contig's first half."""
    name, length = next(iter(data.contigs.items()))
    return [name, length // 4 + 1, length // 4 + 1000]


def _run(words: list[object], *, keep: bool = True) -> subprocess.CompletedProcess:
    sink = subprocess.PIPE if keep else subprocess.DEVNULL
    environment = {**os.environ, **other_tools.libhts()}
    done = subprocess.run(
        [str(word) for word in words], stdout=sink, stderr=subprocess.PIPE, text=True, check=False, env=environment
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:]
        raise RuntimeError(f"{Path(str(words[0])).name} ended with {done.returncode}: {' '.join(last)}")
    return done
