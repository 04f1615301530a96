"""Where ``map_regions`` calls the function: in worker processes of its own, or on an executor of the caller's."""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from typing import IO, Any, NamedTuple, cast

from . import errors
from ._options import cancelling
from ._worker import Failed, Job, attempt, dumps, failed, read_message, write_message
from .errors import InvalidArgumentError, WorkerError

__all__ = ["Outcome", "is_thread_pool", "job_bytes", "on_executor", "on_joblib", "on_own_threads", "on_processes"]

# Seconds between looks at the clock, and so the longest that Ctrl-C waits where it does not end a wait.
_LOOK = 0.1
# Seconds that a worker has to leave by itself.
_LEAVE = 2.0


class Outcome(NamedTuple):
    """What became of the item of this number: its value, or why there is none."""

    number: int
    value: Any
    error: BaseException | None = None
    traceback: str = ""


Items = Iterator[tuple[int, Any]]
Outcomes = Generator[Outcome, None, None]
# For each item of a chunk: (True, its value), or (False, why there is none).
_Results = Future[list[tuple[bool, Any]]]


def job_bytes(job: Job) -> bytes:
    """The job as another process reads it."""
    try:
        return dumps(tuple(job))
    except Exception as error:
        raise InvalidArgumentError(
            f"func, or one of its arguments, cannot be sent to another process: {error}; install cloudpickle if func "
            "is a lambda or was written in a notebook, open files and connections inside func, or give "
            "executor=ThreadPoolExecutor()"
        ) from error


def _of_failure(number: int, value: Failed) -> Outcome:
    return Outcome(number, None, _error(value), value.traceback)


def _error(value: Failed) -> Exception:
    """What was raised, or what stands for it where it cannot be sent."""
    try:
        error = pickle.loads(value.error) if value.error else None
    except Exception:
        error = None
    if isinstance(error, Exception):
        return error
    return WorkerError(f"func raised what cannot be sent between processes, or ended its process: {value.line}")


class _Worker:
    """A worker process and its two pipes."""

    def __init__(self) -> None:
        from multiprocessing.spawn import get_executable

        python = get_executable()
        if not python:
            raise InvalidArgumentError("this Python has no executable to start workers with: give an executor")
        paths = [path for path in sys.path if isinstance(path, str)]
        file = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_worker.py")
        run = f"runpy.run_path({file!r}, run_name='__fastcov_worker__')"
        code = f"import runpy, sys; sys.path[:] = {paths!r}; {run}"
        # What multiprocessing gives to its own processes: -O, -W, -X and the like, as this interpreter was started.
        flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined] # typeshed omits it
        self._process = subprocess.Popen(
            [os.fsdecode(python), *flags, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # The workers share the cores; and what the function starts ends with its worker.
            env={"FASTCOV_NUM_THREADS": "1", **os.environ},
            start_new_session=True,
        )
        # Never None: both are pipes.
        self._calls, self._answers = cast(IO[bytes], self._process.stdin), cast(IO[bytes], self._process.stdout)

    def send(self, body: bytes) -> None:
        write_message(self._calls, body)

    def receive(self) -> bytes:
        return read_message(self._answers)

    def leave(self) -> None:
        """Lets the process leave by itself, so that what it has still to write is written; not for long."""
        try:
            self._calls.close()
        except OSError:
            # It is gone already.
            return
        until = time.monotonic() + _LEAVE
        while not self._has_left() and time.monotonic() < until:
            time.sleep(0.002)

    def _has_left(self) -> bool:
        if sys.platform == "win32":
            return self._process.poll() is not None
        # Not reaped: its number must stay its own until what it started is ended, too.
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def kill(self) -> None:
        """Ends the process and those it started; may be called at any time."""
        if sys.platform == "win32":
            self._process.kill()
            return
        # Until `end`, the number is that of this process, though it may be dead.
        if self._process.returncode is None:
            # Perhaps nothing is left, or what is left changed its user.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def end(self, *, killed: bool) -> int:
        """Ends and forgets it; the status it left with."""
        # A process whose pipe is at its end is leaving: how it leaves is of interest.
        until = time.monotonic() + _LOOK
        while not killed and not self._has_left() and time.monotonic() < until:
            time.sleep(0.001)
        self.kill()
        status = self._process.wait()
        for pipe in (self._calls, self._answers):
            # What was not sent any more cannot be.
            with suppress(OSError):
                pipe.close()
        return status


class _Lane(threading.Thread):
    """Takes items from the shared queue, has its worker call the function, and tells what became of them."""

    def __init__(self, pool: "_Pool") -> None:
        super().__init__(name="fastcov-map_regions", daemon=True)
        self._pool = pool
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._until: float | None = None
        self._late = self._stopped = False

    def run(self) -> None:
        try:
            while (chunk := self._pool.chunks.get()) is not None:
                self._work(chunk)
                self._pool.events.put(None)
        except BaseException as error:
            self._pool.events.put(error)
        finally:
            self._forget(gently=True)

    def look(self, now: float) -> None:
        """Ends the worker if its call takes too long; called from the main thread."""
        with self._lock:
            if self._until is not None and now >= self._until and self._worker is not None:
                self._late = True
                self._until = None
                self._worker.kill()

    def stop(self) -> None:
        """Ends the worker, and lets none be started."""
        with self._lock:
            self._stopped = True
            if self._worker is not None:
                self._worker.kill()

    def _work(self, chunk: list[tuple[int, bytes | Failed]]) -> None:
        while chunk and not self._stopped:
            bad = [(number, item) for number, item in chunk if isinstance(item, Failed)]
            chunk = [(number, item) for number, item in chunk if not isinstance(item, Failed)]
            for number, item in bad:
                self._pool.events.put(_of_failure(number, item))
            if chunk:
                chunk = self._some(chunk)

    def _some(self, chunk: list[tuple[int, Any]]) -> list[tuple[int, Any]]:
        """Has the worker work through the chunk; what is left of it where the worker dies."""
        worker = self._worker or self._start()
        if worker is None:
            return []
        at = 0
        try:
            self._clock()
            worker.send(pickle.dumps([item for _, item in chunk], pickle.HIGHEST_PROTOCOL))
            for at, (number, _) in enumerate(chunk):
                body = worker.receive()
                if self._stop_clock():
                    raise EOFError
                if at + 1 < len(chunk):
                    self._clock()
                self._pool.events.put(_outcome(number, body))
        except (EOFError, OSError):
            late, status = self._forget()
            if not self._stopped:
                error = self._pool.too_late() if late else _dead(status)
                self._pool.events.put(Outcome(chunk[at][0], None, error, f"{type(error).__name__}: {error}\n"))
            return chunk[at + 1 :]
        return []

    def _start(self) -> _Worker | None:
        worker = _Worker()
        with self._lock:
            self._worker = worker
            if self._stopped:
                worker.kill()
                return None
        try:
            worker.send(pickle.dumps((self._pool.modules, self._pool.job)))
            ready = pickle.loads(worker.receive())
        except (EOFError, OSError):
            if self._stopped:
                return None
            raise WorkerError(f"a worker process could not start: {_status(self._forget()[1])}") from None
        if ready is not None:
            told = Failed(*ready)
            error = _error(told)
            error.add_note("before any block, while a worker process read func and called initializer")
            raise error from WorkerError(f"\n{told.traceback}")
        return worker

    def _clock(self) -> None:
        if self._pool.timeout is not None:
            with self._lock:
                self._until = time.monotonic() + self._pool.timeout

    def _stop_clock(self) -> bool:
        with self._lock:
            self._until = None
            return self._late

    def _forget(self, *, gently: bool = False) -> tuple[bool, int]:
        if gently and self._worker is not None and not self._stopped:
            self._worker.leave()
        with self._lock:
            worker, late = self._worker, self._late
            self._worker, self._until, self._late = None, None, False
            # Under the lock: nothing may be sent to the number of a process that is gone.
            return late, 0 if worker is None else worker.end(killed=late or self._stopped)


def _outcome(number: int, body: bytes) -> Outcome:
    try:
        done, value = pickle.loads(body)
    except Exception as error:
        return _of_failure(number, failed(error))
    return Outcome(number, value) if done else _of_failure(number, Failed(*value))


def _status(status: int) -> str:
    if status >= 0:
        return f"it left with status {status}"
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = str(-status)
    hint = "; the system does that where memory is short" if name == "SIGKILL" else ""
    return f"it was ended by signal {name}{hint}"


def _dead(status: int) -> WorkerError:
    return WorkerError(f"the worker process died during the call: {_status(status)}; the block was not tried again")


class _Pool:
    """The queues that lanes and caller share."""

    def __init__(self, job: bytes, modules: list[str], timeout: float | None) -> None:
        self.job, self.modules, self.timeout = job, modules, timeout
        self.chunks: queue.SimpleQueue[list[tuple[int, bytes | Failed]] | None] = queue.SimpleQueue()
        # An outcome; None: a chunk is done; an exception: a lane gave up.
        self.events: queue.SimpleQueue[Outcome | BaseException | None] = queue.SimpleQueue()

    def too_late(self) -> errors.TimeoutError:
        return errors.TimeoutError(
            f"the call took longer than timeout={self.timeout} seconds; its worker process was ended",
            hint="give more time, or smaller blocks",
        )


def on_processes(
    job: bytes, items: Items, *, workers: int, timeout: float | None, chunksize: int, modules: list[str]
) -> Outcomes:
    """
    The outcomes of all items, in the order in which calls end; each is called once, in one of so many processes, which
    import ``modules`` before the clock of the first call starts.
    """
    pool = _Pool(job, modules, timeout)
    lanes: list[_Lane] = []
    chunks = _chunks(items, chunksize)
    waiting = 0
    try:
        while True:
            # As many chunks wait as are worked on: no worker is idle, and items are taken no sooner than needed.
            for chunk in islice(chunks, 2 * workers - waiting):
                pool.chunks.put(chunk)
                waiting += 1
                if len(lanes) < min(workers, waiting):
                    lanes.append(_Lane(pool))
                    lanes[-1].start()
            if not waiting:
                break
            event = _next(pool, lanes)
            if isinstance(event, Outcome):
                yield event
            elif event is None:
                waiting -= 1
            else:
                raise event
        for _ in lanes:
            pool.chunks.put(None)
        for lane in lanes:
            lane.join()
    finally:
        for lane in lanes:
            lane.stop()
            pool.chunks.put(None)
        for lane in lanes:
            lane.join()


def _chunks(items: Items, size: int) -> "Iterator[list[tuple[int, bytes | Failed]]]":
    while chunk := list(islice(items, size)):
        yield [(number, _sendable(item)) for number, item in chunk]


def _sendable(item: Any) -> "bytes | Failed":
    try:
        return dumps(item)
    except Exception as error:
        return failed(error)


def _next(pool: _Pool, lanes: list[_Lane]) -> Outcome | BaseException | None:
    while True:
        try:
            return pool.events.get(timeout=_LOOK if pool.timeout is None else min(_LOOK, pool.timeout / 4))
        except queue.Empty:
            pass
        if pool.timeout is not None:
            now = time.monotonic()
            for lane in lanes:
                lane.look(now)


def is_thread_pool(executor: Any) -> bool:
    """Whether calls of this executor see the caller's objects."""
    return isinstance(executor, ThreadPoolExecutor) and type(executor).__name__ != "InterpreterPoolExecutor"


def on_own_threads(job: Job, items: Items, *, workers: int, chunksize: int) -> Outcomes:
    """The same in threads, for functions that do not hold the interpreter: those of fastcov."""
    stop = threading.Event()
    begin = cancelling if job.initializer is None else _both(job.initializer, job.initargs)
    executor = ThreadPoolExecutor(workers, "fastcov-map_regions", begin, (stop.is_set,))
    try:
        yield from on_executor(executor, job, items, workers=workers, chunksize=chunksize)
    finally:
        # Calls that run end at their next look at the clock.
        stop.set()
        executor.shutdown(cancel_futures=True)


def _both(initializer: Callable[..., Any], initargs: tuple[Any, ...]) -> Callable[[Callable[[], bool]], None]:
    def begin(stopped: Callable[[], bool]) -> None:
        cancelling(stopped)
        initializer(*initargs)

    return begin


def on_executor(executor: Executor, job: Job, items: Items, *, workers: int, chunksize: int) -> Outcomes:
    """The same on any executor, at most twice as many chunks at a time as it has workers."""
    threads = is_thread_pool(executor)
    blob = b"" if threads else job_bytes(job)
    done: queue.SimpleQueue[_Results] = queue.SimpleQueue()
    running: dict[_Results, list[int]] = {}
    try:
        more = True
        while True:
            while more and len(running) < 2 * workers:
                chunk = list(islice(items, chunksize))
                more = bool(chunk)
                if more:
                    values = [item for _, item in chunk]
                    if threads:
                        future = executor.submit(_here, job, values)
                    else:
                        future = executor.submit(_there, blob, [_sendable(item) for item in values])
                    running[future] = [number for number, _ in chunk]
                    future.add_done_callback(done.put)
            if not running:
                return
            future = _finished(done)
            yield from _outcomes(running.pop(future), future)
    finally:
        for future in running:
            future.cancel()


def _finished(done: "queue.SimpleQueue[_Results]") -> _Results:
    while True:
        try:
            return done.get(timeout=_LOOK)
        except queue.Empty:
            pass


def _outcomes(numbers: list[int], future: _Results) -> Iterable[Outcome]:
    try:
        results = future.result()
    # A pool whose worker died, a scheduler that gave up.
    except (Exception, CancelledError) as error:
        return [Outcome(number, None, error, f"{type(error).__name__}: {error}\n") for number in numbers]
    return [_unpacked(number, *result) for number, result in zip(numbers, results, strict=True)]


def _unpacked(number: int, done: bool, value: Any) -> Outcome:  # noqa: FBT001 - what `attempt` gave
    if done:
        return Outcome(number, value)
    if isinstance(value, Failed):
        return _of_failure(number, value)
    text = "".join(traceback.format_exception(value))
    return Outcome(number, None, value, text)


def on_joblib(parallel: Any, job: Job, items: Items, *, chunksize: int) -> Outcomes:
    """The same with a ``joblib.Parallel``, which takes the items as it likes."""
    from joblib import delayed

    blob = job_bytes(job)
    numbers: list[list[int]] = []

    def tasks() -> Iterator[Any]:
        while chunk := list(islice(items, chunksize)):
            numbers.append([number for number, _ in chunk])
            yield delayed(_there)(blob, [_sendable(item) for _, item in chunk])

    for i, results in enumerate(parallel(tasks())):
        yield from (_unpacked(number, *result) for number, result in zip(numbers[i], results, strict=True))


def _here(job: Job, items: list[Any]) -> list[tuple[bool, Any]]:
    """In a thread the exception itself is kept: nothing need be sent."""
    return [_attempt_here(job, item) for item in items]


def _attempt_here(job: Job, item: Any) -> tuple[bool, Any]:
    try:
        return True, job(item)
    except Exception as error:
        return False, error
    except BaseException as error:
        return False, failed(error)


def _there(blob: bytes, items: "list[bytes | Failed]") -> list[tuple[bool, Any]]:
    """In another process, or on another machine."""
    job = _job(blob)
    return [(False, item) if isinstance(item, Failed) else attempt(job, pickle.loads(item)) for item in items]


@lru_cache(maxsize=4)
def _job(blob: bytes) -> Job:
    return Job(*pickle.loads(blob))
