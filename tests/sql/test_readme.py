"""The SQL README lists every file, and its examples print in the DuckDB shell what stands below them."""

import re
from collections import Counter
from functools import partial
from pathlib import Path

import pytest

import trigger_sql
from tests.sql import readme
from tests.sql.example import example_library

TEXT = readme.README.read_text("utf-8")
SECTIONS = {match["name"]: match for match in readme.SECTION.finditer(TEXT)}


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What the shell prints for all examples, pasted one after the other, by their names."""
    program = readme.shell_program()
    assert program is not None, "the DuckDB shell is missing; duckdb-cli brings it"
    store = tmp_path_factory.mktemp("example") / "example.duckdb"
    example_library(store).close()
    outputs = readme.shell(program, store, [match["input"] for match in SECTIONS.values()])
    return dict(zip(SECTIONS, outputs, strict=True))


def test_every_file_is_listed() -> None:
    """The README links to each SQL file, and to none that isn't there; but for the views, once."""
    root = readme.README.parent
    linked = Counter(re.findall(r"\]\((\S+?\.sql)\)", TEXT))
    files = {str(path.relative_to(root)) for path in Path(trigger_sql.__file__).parent.rglob("*.sql")}
    assert linked.keys() == files
    often = {name for name, count in linked.items() if count > 1}
    assert often == {f"{readme.FOLDER}/views.sql", f"{readme.FOLDER}/schema.sql"}


def test_everything_readable_has_an_example() -> None:
    """Each view and each query that people can run has a section of its own with an example."""
    queries = {name for name in trigger_sql.readable() if not readme.group(name)}
    assert SECTIONS.keys() == queries | readme.view_comments().keys()
    assert {match["file"] for name, match in SECTIONS.items() if name not in queries} == {"views"}
    assert all(SECTIONS[name]["file"] == name for name in queries)


@pytest.mark.parametrize("name", SECTIONS)
def test_example_prints_its_output(name: str, printed: dict[str, str]) -> None:
    """An example, pasted into the shell, prints what stands below it, where nothing is sorted in any order."""
    expected, block = SECTIONS[name]["output"], SECTIONS[name]["input"]
    assert readme.same_output(expected, printed[name], readme.is_ordered(block)), printed[name]
    assert expected


def test_descriptions_are_current() -> None:
    """Descriptions, statements and tables are those of the files; `python -m tests.sql.readme` renews them."""
    outputs = [match["output"] for match in SECTIONS.values()]
    assert readme.refreshed(TEXT, lambda _: outputs) == TEXT


def test_wrong_example_is_noticed(tmp_path: Path) -> None:
    """An output that isn't the example's, or an example that fails, doesn't pass for right."""
    store = tmp_path / "example.duckdb"
    example_library(store).close()
    run = partial(readme.shell, readme.shell_program() or "", store)
    assert run(["select 1 as one;\n", "select 2 as two;\n"])[1].splitlines()[1] == "│ two │"
    stale = TEXT.replace("│ SMS Send - reminder        │ pending ", "│ SMS Send - reminder        │ finished")
    assert stale != TEXT
    assert readme.refreshed(stale, run) == TEXT
    with pytest.raises(ValueError, match="does not exist"):
        run(["select * from no_such_table;\n"])
