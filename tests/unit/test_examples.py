"""The examples in docstrings and in the README run, and print what they show."""

import doctest
import pkgutil
import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

import trigger_core
import trigger_duckdb
import trigger_sandbox
import trigger_smtp
import trigger_sql
from trigger_core import Library

README = Path(__file__).parents[2] / "README.md"
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\S*)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
PACKAGES = (trigger_core, trigger_sql, trigger_duckdb, trigger_sandbox, trigger_smtp)
TRIED_ELSEWHERE = {"console", "sh", "json", "sql", "http", "toml"}
"""Languages whose blocks are no Python; what `text` shows is printed by the block before it."""


class Block(NamedTuple):
    """A fenced block of a Markdown text, and the line at which it begins."""

    language: str
    text: str
    line: int


def blocks(markdown: str) -> Iterator[Block]:
    """Every fenced block, in order."""
    for match in FENCE.finditer(markdown):
        indent = len(match["indent"])
        text = "".join(line[indent:] for line in match["text"].splitlines(keepends=True))
        yield Block(match["language"], text, markdown.count("\n", 0, match.start()) + 1)


def printed(block: Block, namespace: dict[str, Any], name: str) -> str:
    """What a Python block prints."""
    shown = StringIO()
    code = compile("\n" * block.line + block.text, name, "exec")
    with redirect_stdout(shown):
        exec(code, namespace)  # noqa: S102
    return shown.getvalue()


def run(markdown: str, name: str) -> int:
    """Runs a text's Python blocks in one namespace, and holds their output against what is shown; says how many.

    A block of prompts is run like a docstring. A `text` block right after another one shows what that one prints.
    """
    namespace: dict[str, Any] = {"__name__": "__main__"}
    found = list(blocks(markdown))
    count = 0
    try:
        for block, after in pairwise([*found, None]):
            assert block is not None
            if block.language != "python":
                assert block.language in {"text", *TRIED_ELSEWHERE}, (
                    f"{name}, line {block.line}: what is this?"
                )
                continue
            count += 1
            if block.text.startswith(">>> "):
                example = doctest.DocTestParser().get_doctest(block.text, namespace, name, name, block.line)
                runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
                assert runner.run(example, clear_globs=False).failed == 0
                namespace |= example.globs
                continue
            actual = printed(block, namespace, name)
            if after is not None and after.language == "text":
                assert same(after.text, actual), f"{name}, line {after.line}: it prints\n{actual}"
            else:
                assert actual == "", f"{name}, line {block.line}: what it prints isn't shown:\n{actual}"
    finally:
        for value in namespace.values():
            if isinstance(value, Library):
                value.close()
    return count


def same(expected: str, actual: str) -> bool:
    """Whether two outputs are equal, but for what three dots stand for."""
    return doctest.OutputChecker().check_output(expected, actual, doctest.ELLIPSIS)


def modules(package: ModuleType) -> list[str]:
    """A package and all modules in it."""
    inside = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return [package.__name__, *(module.name for module in inside)]


@pytest.mark.parametrize("name", [name for package in PACKAGES for name in modules(package)])
def test_docstrings_show_what_happens(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each docstring's example gives the output that it shows."""
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(import_module(name)).failed == 0


@pytest.mark.parametrize(
    "name",
    ["trigger_core", "trigger_core.answers", "trigger_core.facts", "trigger_core.library", "trigger_sql"],
)
def test_public_modules_have_examples(name: str) -> None:
    """What people import first has an example to run."""
    assert any(example.examples for example in doctest.DocTestFinder().find(import_module(name)))


def test_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The README's Python blocks run one after the other in an empty folder, and print what stands below them."""
    monkeypatch.chdir(tmp_path)
    assert run(README.read_text("utf-8"), "README.md") > 0


@pytest.mark.parametrize(
    ("markdown", "problem"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "it prints"),
        ("```python\nprint(1)\n```\n", "isn't shown"),
        ("```python\n>>> 1 + 1\n3\n```\n", "failed"),
        ("- in a list:\n\n  ```python\n  assert 1 == 2, 'no'\n  ```\n", "no"),
        ("```py\nassert True\n```\n", "what is this"),
        ("```\nassert True\n```\n", "what is this"),
    ],
)
def test_a_wrong_example_is_noticed(markdown: str, problem: str, capsys: pytest.CaptureFixture[str]) -> None:
    """An example that fails, or whose output is another or nowhere shown, or of no known language, doesn't pass."""
    with pytest.raises(AssertionError) as caught:
        run(markdown, "example.md")
    assert problem in str(caught.value)
    capsys.readouterr()


def test_blocks_share_names() -> None:
    """What one block defines the next can use, whichever way both are written."""
    texts = ("python", "a = 1"), ("sh", "ls"), ("python", ">>> b = a + 1\n>>> b\n2"), ("python", "print(b)")
    markdown = "".join(f"```{language}\n{text}\n```\n" for language, text in texts)
    assert run(f"{markdown}\n```text\n2\n```\n", "example.md") == 3
    assert run("no blocks", "example.md") == 0
