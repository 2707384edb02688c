"""The terminal: where results, messages and progress go."""

import io
import sys

import pytest

from trigger_core.cli._streams import OutputClosed, Terminal


class Screen(io.StringIO):
    """A standard error that is a terminal, or isn't."""

    def __init__(self, is_terminal: bool) -> None:
        super().__init__()
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal


def test_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a bar is drawn, at its end in any case, and wiped before a message and at the end."""
    screen = Screen(True)
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    terminal.progress("checking", 500, 1000)
    terminal.progress("checking", 600, 1000)
    terminal.progress("checking", 1000, 1000)
    terminal.error("done")
    first, *_, last = screen.getvalue().split("\r")
    assert first == "checking ###########...........  50 %"
    assert "60 %" not in screen.getvalue()
    assert "100 %" in screen.getvalue()
    assert last == "done\n"
    terminal.progress("checking", 1, None)
    terminal.close()


def test_bar_of_unknown_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody knows how much there is, what is done is counted."""
    screen = Screen(True)
    monkeypatch.setattr(sys, "stderr", screen)
    Terminal().progress("checking", 1234567, None)
    assert screen.getvalue() == "checking 1,234,567\r"


def test_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard error that is no terminal shows no progress."""
    screen = Screen(False)
    monkeypatch.setattr(sys, "stderr", screen)
    terminal = Terminal()
    terminal.progress("checking", 1, 1)
    terminal.close()
    assert screen.getvalue() == ""


def test_text_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """A standard output that has no bytes below it, as in a doctest, takes text."""
    screen = Screen(False)
    monkeypatch.setattr(sys, "stdout", screen)
    Terminal().out("é\n".encode())
    assert screen.getvalue() == "é\n"


def test_closed_output(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output that nobody reads is told apart from other broken pipes."""

    class Closed(Screen):
        def write(self, text: str) -> int:
            raise BrokenPipeError

        def flush(self) -> None:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed(False))
    with pytest.raises(OutputClosed):
        Terminal().out(b"x")
    with pytest.raises(OutputClosed):
        Terminal().close()
