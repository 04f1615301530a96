"""
The worker process of ``map_regions``: it reads calls from one pipe and writes what became of them to another.

It is a new interpreter that runs :func:`main`, never a fork, and it does not import the caller's main module: so it
needs no ``if __name__ == "__main__"``, whatever the start method of multiprocessing is, and has no lock of another
thread.
"""

import importlib
import os
import pickle
import queue
import struct
import sys
import threading
import traceback
from collections.abc import Callable
from typing import IO, Any, BinaryIO, NamedTuple

__all__ = ["Failed", "Job", "attempt", "dumps", "main", "read_message", "write_message"]

_LENGTH = struct.Struct("<Q")


class Job(NamedTuple):
    """What is called for each item."""

    func: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    star: bool
    initializer: Callable[..., Any] | None = None
    initargs: tuple[Any, ...] = ()

    def __call__(self, item: Any) -> Any:
        first = item if self.star else (item,)
        return self.func(*first, *self.args, **self.kwargs)


class Failed(NamedTuple):
    """An exception as it is sent: itself, pickled, where that works; its last line; its traceback."""

    error: bytes | None
    line: str
    traceback: str


def dumps(value: Any) -> bytes:
    """Pickles anything a notebook can define; without cloudpickle only what can be imported by its name."""
    try:
        import cloudpickle
    except ImportError:
        return pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    sent: bytes = cloudpickle.dumps(value)
    return sent


def attempt(job: Job, item: Any) -> tuple[bool, Any]:
    """Calls ``job``: (True, its value), or (False, what it raised)."""
    try:
        return True, job(item)
    # sys.exit() in the function ends the call, not the worker.
    except BaseException as error:
        return False, failed(error)


def failed(error: BaseException) -> Failed:
    """What is sent of an exception."""
    # Without the frames of this module, which say nothing about the function.
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    text = "".join(traceback.format_exception(type(error), error, trace))
    line = "".join(traceback.format_exception_only(error)).strip()
    try:
        sent = dumps(error) if isinstance(error, Exception) else None
        # Some exceptions can be written and not be read.
        pickle.loads(sent or b"N.")
    except Exception:
        sent = None
    return Failed(sent, line, text)


def read_message(pipe: IO[bytes]) -> bytes:
    """The next message; EOFError where the other side is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise EOFError
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    if len(body) < length:
        raise EOFError
    return body


def write_message(pipe: IO[bytes], body: bytes) -> None:
    pipe.write(_LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


def main() -> None:
    """Works until the pipe of calls is closed."""
    calls, answers = _pipes()
    waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    # Held while a call runs.
    idle = threading.Lock()

    def listen() -> None:
        # Beside the work, so that the worker does not outlive a caller that was killed.
        while True:
            try:
                waiting.put(read_message(calls))
            except EOFError:
                waiting.put(None)
                if not idle.acquire(blocking=False):
                    os._exit(1)
                idle.release()
                return

    threading.Thread(target=listen, daemon=True).start()
    first = waiting.get()
    if first is None:
        return
    with idle:
        ready = _begin(first)
    write_message(answers, pickle.dumps(tuple(ready) if isinstance(ready, Failed) else None))
    if isinstance(ready, Failed):
        return
    while (message := waiting.get()) is not None:
        with idle:
            for item in pickle.loads(message):
                answer = _answer(ready, item)
                # What the function printed must not be lost when the process is ended.
                sys.stdout.flush()
                write_message(answers, answer)


def _pipes() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output, moved away: what the function prints goes to standard error, and it reads nothing."""
    calls, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if sys.platform == "win32":
        import msvcrt

        for pipe in (calls, answers):
            msvcrt.setmode(pipe, os.O_BINARY)
    return os.fdopen(calls, "rb"), os.fdopen(answers, "wb")


def _begin(message: bytes) -> "Job | Failed":
    try:
        modules, *parts = pickle.loads(message)
        for module in modules:
            importlib.import_module(module)
        job = Job(*pickle.loads(parts[0]))
        if job.initializer is not None:
            job.initializer(*job.initargs)
    except BaseException as error:
        return failed(error)
    return job


def _answer(job: Job, item: bytes) -> bytes:
    try:
        loaded = pickle.loads(item)
    except BaseException as error:
        return pickle.dumps((False, tuple(failed(error))))
    done, value = attempt(job, loaded)
    if not done:
        value = tuple(value)
    try:
        return pickle.dumps((done, value), pickle.HIGHEST_PROTOCOL)
    except Exception:
        try:
            return dumps((done, value))
        except BaseException as error:
            return pickle.dumps((False, tuple(failed(error))))


# Run by its path: the package, which imports pandas, is imported only where a call needs it.
if __name__ == "__fastcov_worker__":
    main()
