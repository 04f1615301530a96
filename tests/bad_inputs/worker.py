"""Runs cases in a process that may lose its life: `python -m bad_inputs.worker FOLDER`, cases as JSON on stdin.

Prints one line of JSON before each case and one after it, so that a case that kills the process is known by its name.
"""

import faulthandler
import json
import os
import resource
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import fastcov

GIB = 1 << 30


def main() -> None:
    os.chdir(sys.argv[1])
    faulthandler.enable()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (3 * GIB, resource.getrlimit(resource.RLIMIT_AS)[1]))
    fastcov.coverage("warm_up.bam", rules="depth").to_pandas()  # imports and threads are not growth of a call
    for case in json.load(sys.stdin):
        print(json.dumps({"begins": case["id"]}), flush=True)
        print(json.dumps({"ends": case["id"], **run(case)}), flush=True)


def run(case: dict[str, Any]) -> dict[str, Any]:
    """What came of a call: the sum of depths or the error, what it took and what it left behind."""
    call = dict(case["call"])
    if isinstance(call.get("regions"), list):
        call["regions"] = tuple(call["regions"])
    with open_files_watched() as left, warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        reset_peak()
        before, began = memory("VmRSS"), time.process_time()
        try:
            with SETUPS[case["setup"]](case["path"]):
                result = covered(fastcov.coverage(case["path"], **call))
        except BaseException as error:
            result = described(error)
        result["seconds"] = time.process_time() - began
        result["growth"] = memory("VmHWM") - before
    said = [str(warning.message) for warning in heard if issubclass(warning.category, fastcov.FastcovWarning)]
    return {**result, "warnings": said, "files_left_open": left[0]}


def covered(table: fastcov.Table) -> dict[str, Any]:
    columns = table.to_numpy()
    depth = columns["depth"].astype("int64")
    lengths = columns["end"] - columns["start"] if "end" in columns else 1
    return {"outcome": "ok", "covered": int((lengths * depth).sum())}


def described(error: BaseException) -> dict[str, Any]:
    classes = [cls.__name__ for cls in type(error).__mro__]
    return {"outcome": "error", "classes": classes, "message": str(error), "errno": getattr(error, "errno", None)}


def memory(key: str) -> int:
    """Bytes of a line of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{key}:"):
            return 1024 * int(line.split()[1])
    raise LookupError(key)


def reset_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


@contextmanager
def open_files_watched() -> Iterator[list[int]]:
    """A list that gets, at the end, how many more files are open."""
    before = len(os.listdir("/proc/self/fd"))
    left: list[int] = []
    yield left
    left.append(len(os.listdir("/proc/self/fd")) - before)


@contextmanager
def nothing(_: str) -> Iterator[None]:
    yield


@contextmanager
def unreadable(path: str) -> Iterator[None]:
    """Takes the right to read away, and root's power to do without."""
    mode, user = os.stat(path).st_mode, os.geteuid()
    os.chmod(path, 0)
    if user == 0:
        os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(user)
        os.chmod(path, mode)


@contextmanager
def limited(kind: int, value: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(kind)
    resource.setrlimit(kind, (value, hard))
    try:
        yield
    finally:
        resource.setrlimit(kind, (soft, hard))


SETUPS = {
    "": nothing,
    "unreadable": unreadable,
    "no descriptors": lambda _: limited(resource.RLIMIT_NOFILE, len(os.listdir("/proc/self/fd")) - 1),
    "address space": lambda _: limited(resource.RLIMIT_AS, memory("VmSize") + GIB // 2),
}

if __name__ == "__main__":
    main()
