"""Group commit: calls that are committed together, and interrupts in the midst of it."""

import threading
from collections.abc import Sequence

import pytest

from trigger_core import _commit
from trigger_core.errors import FactsRefused, StoreUnavailable
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
            while len(self.commit._queue) < waiting:
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
        StoreUnavailable,
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
