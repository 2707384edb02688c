"""Group commit: calls that are committed together, and interrupts in the midst of it."""

import linecache
import random
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import pytest

from trigger_core import _commit
from trigger_core.errors import FactsRefused, StoreInDoubt
from trigger_core.testing.contract.samples import jobs


class Commit:
    """Calls of several threads that are committed together, and what became of them."""

    def __init__(self) -> None:
        self.commit = _commit.GroupCommit(self.write, lambda *_: True)
        self.begun, self.go = threading.Event(), threading.Event()
        self.written: list[str] = []
        self.errors: dict[str, BaseException | None] = {}
        self.refuses_groups = False
        self.interrupts = ""

    def write(self, tickets: Sequence[_commit.Ticket]) -> None:
        names = [ticket.account or "" for ticket in tickets]
        if names == ["first"]:
            self.begun.set()
            self.go.wait(30)
        if len(names) > 1 and self.refuses_groups:
            raise FactsRefused([])
        if self.interrupts in names:
            raise KeyboardInterrupt
        self.written += names

    def record(self, name: str) -> threading.Thread:
        def call() -> None:
            try:
                self.commit.record(jobs(1, 1), name)
            except BaseException as error:
                self.errors[name] = error
            else:
                self.errors[name] = None

        thread = threading.Thread(target=call, daemon=True)
        thread.start()
        return thread

    def together(self, *names: str) -> None:
        """Returns when a call was made in the name of each, all while a first one was being written."""
        threads = [self.record("first")]
        assert self.begun.wait(30)
        for waiting, name in enumerate(names, 1):
            threads.append(self.record(name))
            while len(self.commit._queue) <= waiting:
                threads[-1].join(0.001)
        self.go.set()
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive(), "a caller waits forever"


@pytest.mark.parametrize("refuses_groups", [False, True])
@pytest.mark.parametrize("interrupts", ["a", "b", "c"])
def test_an_interrupted_writer_acknowledges_nothing_unwritten(interrupts: str, refuses_groups: bool) -> None:
    """Of calls committed together, one of whose is interrupted, none returns as if recorded when it wasn't."""
    several = Commit()
    several.interrupts, several.refuses_groups = interrupts, refuses_groups
    several.together("a", "b", "c")
    acknowledged = {name for name, error in several.errors.items() if error is None}
    assert acknowledged <= set(several.written)
    assert [type(error) for error in several.errors.values()].count(KeyboardInterrupt) == 1
    assert {type(error) for error in several.errors.values()} <= {
        type(None),
        KeyboardInterrupt,
        StoreInDoubt,
    }


def test_an_interrupted_wait_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer interrupted before it wrote takes its facts with it, and the next call is written."""
    several = Commit()
    several.together("a", "b")

    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_commit, "sleep", interrupt)
        several.record("c").join(30)
    several.record("d").join(10)
    assert {name: type(several.errors.get(name, "waits")) for name in "cd"} == {
        "c": KeyboardInterrupt,
        "d": type(None),
    }
    assert several.written[-1] == "d"
    assert "c" not in several.written


@contextmanager
def interrupt(place: int) -> Iterator[list[str]]:
    """Interrupts group commits of this thread at the line that is executed as the so many-th; tells the lines."""
    lines: list[str] = []

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != _commit.__file__:
            return None
        line = linecache.getline(_commit.__file__, frame.f_lineno).strip()
        # no interrupt comes between a block and the release of its lock
        if event == "line" and not line.startswith("with "):
            lines.append(line)
            if len(lines) == place:
                raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


def interrupted_at(place: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether a writer was interrupted at a line; two others call before it writes, and one while it does."""
    written: list[str | None] = []
    acknowledged: list[str] = []
    threads: list[threading.Thread] = []

    def call(name: str) -> None:
        with suppress(StoreInDoubt):
            commit.record([name], name)
            acknowledged.append(name)

    def others(*names: str) -> None:
        for name in names:
            threads.append(threading.Thread(target=call, args=(name,), daemon=True))
            threads[-1].start()
        while len(commit._queue) <= len(threads):
            threads[-1].join(0.0001)

    def gather(_: float) -> None:
        commit._gather = 0
        others("served", "served too")

    def write(tickets: Sequence[_commit.Ticket]) -> None:
        if tickets[0].account == "own":
            others("late")
        written.extend(ticket.account for ticket in tickets)

    commit = _commit.GroupCommit(write, lambda *_: True, gather=30)
    commit._crowd = 3
    monkeypatch.setattr(_commit, "sleep", gather)
    with interrupt(place) as lines, suppress(KeyboardInterrupt):
        commit.record(["own"], "own")
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive(), f"a caller waits forever, after an interrupt at: {lines[-1]}"
    assert set(acknowledged) <= set(written)
    assert (list(commit._queue), commit._writer) == ([], None), f"after an interrupt at: {lines[-1]}"
    call("later")
    assert "later" in acknowledged
    return len(lines) == place


def test_an_interrupt_at_any_line_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever a writer is interrupted, those it served and the next writer go on, and so does who calls later."""
    place = 1
    while interrupted_at(place, monkeypatch):
        place += 1
    assert place > 50


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="the system has no timers")
def test_an_interrupt_at_any_time_stops_nobody() -> None:
    """Interrupted at random, group commits go on."""
    commit = _commit.GroupCommit(lambda _: None, lambda *_: True)

    def interrupt(_: int, frame: FrameType | None) -> None:
        if frame is not None and frame.f_code.co_filename == _commit.__file__:
            raise KeyboardInterrupt

    chance = random.Random(1)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        for _ in range(3000):
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-5))
            for _ in range(3):
                with suppress(KeyboardInterrupt):
                    commit.record(["x"], None)
                assert (list(commit._queue), commit._writer) == ([], None)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
