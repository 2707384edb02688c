"""The benchmarks run, and measure on stores that are sound."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

import trigger_core
from benchmarks import data, report
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.audit import TABLES
from benchmarks.ground import SMALL, Ground
from benchmarks.measure import Figure


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Small stores, shared by all benchmarks."""
    directory = tmp_path_factory.mktemp("ground")
    with Ground(SMALL, directory, directory) as ground:
        yield ground


@pytest.mark.deep
@pytest.mark.parametrize("name", BENCHMARKS)
def test_benchmark_takes_its_figures(ground: Ground, name: str) -> None:
    """A small pass gives figures that tell each other apart, and bounds that can be held."""
    figures = list(BENCHMARKS[name](ground))
    assert {each.benchmark for each in figures} == {name}
    assert len({each.name for each in figures}) == len(figures)
    assert all(each.median > 0 and each.is_held in {None, True, False} for each in figures)


def test_small_pass_prints_and_keeps_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is the page that is kept, and results compare as equal with themselves."""
    main(["--small", "--only", "jobs", "--out", str(tmp_path / "kept"), "--directory", str(tmp_path)])
    page = (tmp_path / "kept" / "RESULTS.md").read_text("utf-8")
    assert page in capsys.readouterr().out
    kept = tmp_path / "kept" / "results.jsonl"
    results = report.load(kept.read_text("utf-8"))
    assert results
    assert all(run.date in page and figure.name in page for run, figure in results)
    main(["compare", str(kept), str(kept)])
    assert capsys.readouterr().out.count("within the spread (+0%)") == len(results)


def figure(
    benchmark: str = "direct", name: str = "this ÷ that", median: float = 2.0, **members: Any
) -> Figure:
    return Figure(
        **{
            "benchmark": benchmark,
            "name": name,
            "unit": "",
            "better": "lower",
            "wanted": "",
            "median": median,
            "low": median * 0.9,
            "high": median * 1.1,
            "rounds": 5,
            **members,
        }
    )


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
    run = report.this_run(tmp_path)
    first, second = ([(run, figure(median=median, better=better))] for median in (2.0, value))
    assert f"| {verdict} " in report.compared(first, second)


def test_new_results_replace_those_of_the_same_benchmark_only(tmp_path: Path) -> None:
    """One benchmark's run leaves what others kept, and drops its own figures that are no more."""
    old, new = (evolve(report.this_run(tmp_path), date=date) for date in ("2025", "2026"))
    kept = [(old, figure("direct", "a")), (old, figure("direct", "b")), (old, figure("jobs", "c"))]
    both = report.merged(kept, [(new, figure("direct", "a"))], ["direct", "jobs"])
    assert [(run.date, each.name) for run, each in both] == [("2026", "a"), ("2025", "c")]
    assert report.load(report.dump(both)) == both


@pytest.mark.parametrize(
    ("wanted", "held"), [("≤ 1.9", "no"), ("≤ 2", "yes"), ("≥ 15,000", "no"), ("< 3 GB", "yes"), ("", "—")]
)
def test_page_says_whether_a_bound_is_held(tmp_path: Path, wanted: str, held: str) -> None:
    """Each row says yes or no where there is a bound."""
    page = report.markdown([(report.this_run(tmp_path), figure(wanted=wanted))])
    assert [cell.strip() for cell in page.splitlines()[-1].split("|")][5] == held


def contents(path: Path, table: str) -> Counter[tuple[object, ...]]:
    """All rows, but for how many writes a row of the ledger was folded from: that is a matter of calls."""
    with data.bare(path) as connection:
        columns = (
            "* exclude (writes) replace (first_contacts::varchar as first_contacts)"
            if table == "tally"
            else "*"
        )
        return Counter(connection.execute(f"select {columns} from {table}").fetchall())  # noqa: S608


@pytest.mark.parametrize(
    "mix",
    [
        {"others": 8, "big": 700, "middle": 40, "pending": 30, "call": 200},
        {"others": 12, "each": (1,), "big": 90, "campaigns": 3, "middle": 40, "pending": 30, "traced": False},
        {"others": 8, "each": (0, 130), "big": 300, "campaigns": 2, "middle": 40, "pending": 30, "call": 300},
    ],
)
def test_made_store_has_the_rows_that_recording_its_facts_writes(tmp_path: Path, mix: dict[str, Any]) -> None:
    """A store made by statements, exported and recorded into an empty store, is the same there, table by table."""
    sample = data.make(tmp_path / "made.duckdb", **mix)
    recorded = tmp_path / "recorded.duckdb"
    with data.bare(sample.path) as connection:
        triggers = [str(each) for (each,) in connection.execute("select trigger_id from triggers").fetchall()]
    with trigger_core.open(sample.path) as library, trigger_core.open(recorded) as other:
        assert list(library.audit()) == []
        other.record([fact for each in triggers for fact in library.export(data.ACCOUNT, each)])
        other.compact()
    assert len(triggers) == len(sample.others) + 4 + mix.get("campaigns", 1)
    for table in TABLES:
        assert contents(sample.path, table) == contents(recorded, table), table


def test_loaded_store_answers_the_same_and_is_sound(tmp_path: Path, postgres_url: str) -> None:
    """What was loaded into PostgreSQL gives the document that DuckDB gives, and its audit is empty."""
    sample = data.make(tmp_path / "made.duckdb", others=20, big=700, middle=40, pending=30)
    data.load_store(sample.path, postgres_url)
    with trigger_core.open(sample.path) as library, trigger_core.open(postgres_url) as other:
        for send in (sample.big, sample.middle, sample.pending, sample.filtered):
            asked = data.ACCOUNT, send.trigger_id
            assert library.direct(*asked) == other.direct(*asked)
        assert list(other.audit()) == []


def test_made_store_is_the_same_each_time(tmp_path: Path) -> None:
    """Ids and counts follow from the sizes."""
    sizes: dict[str, Any] = {"others": 20, "big": 700, "middle": 40, "pending": 30}
    sample = data.make(tmp_path / "one.duckdb", **sizes)
    again = data.make(tmp_path / "two.duckdb", **sizes)
    assert (sample.big, sample.others) == (again.big, again.others)
    for table in TABLES:
        assert contents(sample.path, table) == contents(again.path, table), table
    with trigger_core.open(sample.path) as library:
        counts = library.direct(data.ACCOUNT, sample.big.trigger_id).jobs
        assert counts is not None
        assert counts.total == 700
        assert counts.filter_reasons
        waiting = library.direct(data.ACCOUNT, sample.pending.trigger_id).jobs
        assert waiting is not None
        assert waiting.total == waiting.pending == 30
