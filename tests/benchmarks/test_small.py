"""The benchmarks run, and measure on stores that are sound."""

from pathlib import Path

import pytest

import trigger_core
from benchmarks import data, report
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.measure import Figure


def test_small_pass_takes_and_keeps_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A small pass prints the page that it keeps, with a figure of each benchmark, and lines that compare as equal."""
    main(["--small", "--out", str(tmp_path / "RESULTS.md"), "--directory", str(tmp_path)])
    page = (tmp_path / "RESULTS.md").read_text("utf-8")
    assert page in capsys.readouterr().out
    [lines] = (tmp_path / "results").iterdir()
    run, figures = report.read(lines)
    assert run.date in page
    assert all(figure.name in page for figure in figures)
    assert set(BENCHMARKS) == {figure.benchmark for figure in figures}
    main(["compare", str(lines), str(lines)])
    assert capsys.readouterr().out.count("within the spread (+0%)") == len(figures)


@pytest.mark.parametrize(
    ("better", "value", "verdict"),
    [
        ("lower", 1.0, "better (-50%)"),
        ("lower", 4.0, "worse (+100%)"),
        ("higher", 4.0, "better (+100%)"),
        ("higher", 2.3, "within the spread (+15%)"),
    ],
)
def test_compare_tells_change_from_noise(tmp_path: Path, better: str, value: float, verdict: str) -> None:
    """A figure is called better or worse only where the two runs' spreads don't touch."""
    for name, median in (("a", 2.0), ("b", value)):
        figure = Figure("direct", "this ÷ that", "", better, "", median, median * 0.9, median * 1.1, 5)  # type: ignore[arg-type]
        (tmp_path / name).write_text(report.lines(report.this_run(tmp_path), [figure]), "utf-8")
    assert f"| {verdict} " in report.compared(tmp_path / "a", tmp_path / "b")


def test_made_store_is_sound_and_the_same_each_time(tmp_path: Path) -> None:
    """A store that was filled by statements of its own passes the audit, and its ids follow from its size."""
    sizes = {"others": 60, "big": 700, "middle": 40, "pending": 30}
    sample = data.make(tmp_path / "one.duckdb", **sizes)
    again = data.make(tmp_path / "two.duckdb", **sizes)
    assert (sample.big, sample.others) == (again.big, again.others)
    with trigger_core.open(sample.path) as library:
        assert list(library.audit()) == []
        counts = library.direct(data.ACCOUNT, sample.big.trigger_id).jobs
        assert counts is not None
        assert counts.total == 700
        assert counts.filter_reasons
        waiting = library.direct(data.ACCOUNT, sample.pending.trigger_id).jobs
        assert waiting is not None
        assert waiting.total == waiting.pending == 30
