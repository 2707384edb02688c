"""The parts of the SQL README that follow from the files: descriptions, statements, tables and outputs.

    python -m tests.sql.readme

writes them anew. A query that has no section yet gets one; its example's values are then worth a look.
"""

import re
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Callable
from functools import partial
from itertools import pairwise, takewhile
from pathlib import Path
from textwrap import fill

import trigger_sql
from tests.sql.example import example_library

README = Path(trigger_sql.__file__).parents[1] / "README.md"
FOLDER = "trigger_sql/duckdb"

SECTION = re.compile(
    rf"(?P<head>^#### \[`(?P<name>\w+)`\]\({FOLDER}/(?P<file>\w+)\.sql\)\n)(?P<about>.*?)"
    r"```sql\n(?P<input>.*?)```\n\n```text\n(?P<output>.*?)```\n",
    re.MULTILINE | re.DOTALL,
)
TABLE = re.compile(
    r"^### (?P<title>[^\n]+)\n(?P<before>.*?)(?P<header>\| file [^\n]+\n\|[-|]+\|\n)(?P<rows>(?:\|[^\n]+\n)*)",
    re.MULTILINE | re.DOTALL,
)

VALUES = {
    "account": "'acme'",
    "accounts": "['acme', 'globex']",
    "behind": "'00000000-0000-0000-0000-000000000000'",
    "after": "'0'",
    "claimed": "[]",
    "contacts": "10",
    "execution_id": "'019ab000-0002-7000-8000-000000000201'",
    "execution_ids": "['019ab000-0002-7000-8000-000000000201', '019ab000-0009-7000-8000-000000000901']",
    "first": "1",
    "job_id": "1",
    "last": "50",
    "limit": "50",
    "prefix": "'sk_test_00000000'",
    "provider": "'ses'",
    "provider_message_id": "'m-201'",
    "reasons": "['Contact opted out of email', 'Contact has no email address']",
    "trigger_id": "'019ab000-0002-7000-8000-000000000002'",
    "trigger_ids": "['019ab000-0001-7000-8000-000000000001', '019ab000-0008-7000-8000-000000000008']",
    "type": "'opened'",
    "unended": "'pending'",
}
"""What a new example asks the example store for, by parameter; null where there is nothing here."""

SEPARATOR = "-- the next example --"

Shell = Callable[[list[str]], list[str]]


def shell_program() -> str | None:
    """The DuckDB shell: the one installed beside this interpreter, or else the one on the path."""
    return shutil.which("duckdb", path=sysconfig.get_path("scripts")) or shutil.which("duckdb")


def shell(program: str, store: Path, examples: list[str]) -> list[str]:
    """What the shell prints for examples pasted one after the other, without spaces at the ends of lines."""
    pasted = f"\n.print {SEPARATOR}\n".join(examples)
    command = [program, "-no-init", "-readonly", "-box", str(store)]
    done = subprocess.run(
        command, input=pasted, capture_output=True, encoding="utf-8", timeout=60, check=False
    )
    if done.stderr:
        raise ValueError(done.stderr)
    printed = "".join(f"{line.rstrip()}\n" for line in done.stdout.splitlines())
    return printed.split(f"{SEPARATOR}\n")


def same_output(expected: str, actual: str, ordered: bool) -> bool:
    """Whether two outputs are equal; of a query that sorts nothing the rows may come in any order."""
    return expected == actual or (
        not ordered and sorted(expected.splitlines()) == sorted(actual.splitlines())
    )


def is_ordered(text: str) -> bool:
    """Whether an example says in which order its rows come."""
    return re.search("^order by ", text, re.MULTILINE) is not None


def view_comments() -> dict[str, str]:
    """What stands before each view."""
    found = {}
    blocks = trigger_sql.script("views").split("create or replace view ")
    for before, after in pairwise(blocks):
        comment = before.rstrip().rsplit("\n\n", 1)[-1]
        found[after.split(" ", 1)[0]] = " ".join(line.removeprefix("-- ") for line in comment.splitlines())
    return found


def about(name: str) -> str:
    """A section's description of a view or a query, and of its parameters."""
    if name in (views := view_comments()):
        return f"{fill(views[name], 120)}\n\n"
    query = trigger_sql.query(name)
    parameters = "".join(f"- `{key}`: {meaning}\n" for key, meaning in query.parameters.items())
    return f"{fill(query.comment, 120)}\n\n" + (f"{parameters}\n" if parameters else "")


def call(name: str) -> str:
    """How a query is run with the values that are known for its parameters."""
    quoted = {"limit": '"limit"'}
    keys = trigger_sql.query(name).parameters
    given = ", ".join(f"{quoted.get(key, key)} := {VALUES.get(key, 'null')}" for key in keys)
    return f"execute {name}({given});\n" if given else f"execute {name};\n"


def statement(name: str, block: str) -> str:
    """An example with its query's text as the file has it, and run anew if its parameters are others now."""
    if name in view_comments():
        return block
    before, _, rest = block.partition("prepare ")
    _, _, after = rest.partition(";\n")
    if set(re.findall(r'(\w+)"? :=', after)) != set(trigger_sql.query(name).parameters):
        after = f"\n{call(name)}" + (".mode box\n" if before else "")
    return f"{before}prepare {name} as\n{trigger_sql.query(name).text};\n{after}"


def group(name: str) -> str:
    """The table that lists a file, or none where it has a section of its own."""
    if name.startswith("audit_"):
        return "Audit"
    if name.startswith(("compact_", "fold")):
        return "Compaction"
    if name.startswith("copy_"):
        return "Copying"
    if name.startswith("journal_"):
        return "Checking a journal"
    return "" if name in trigger_sql.readable() else "Recording"


def migrations() -> str:
    """The rows of the table of migrations: what the first sentence of each says."""
    found = []
    for path in sorted((Path(trigger_sql.__file__).parent / "duckdb" / "migrations").glob("*.sql")):
        lines = takewhile(lambda line: line.startswith("--"), path.read_text("utf-8").splitlines())
        comment = " ".join(line.removeprefix("--").strip() for line in lines)
        sentence = comment.partition(". ")[0].removesuffix(".")
        found.append(f"| [`{path.stem}`]({FOLDER}/migrations/{path.name}) | {sentence}. | |\n")
    return "".join(found)


def own() -> str:
    """The rows of the table of what is written for PostgreSQL: what the comment of each says."""
    folder = FOLDER.replace("duckdb", "postgres")
    queries = [trigger_sql.query(name, "postgres") for name in trigger_sql.own_names()]
    found = [(query.name, query.comment, ", ".join(query.parameters)) for query in queries]
    for stem in ("schema", *trigger_sql.OWN_SCRIPTS, "migrations/0001_initial"):
        lines = (
            (Path(trigger_sql.__file__).parent / "postgres" / f"{stem}.sql").read_text("utf-8").splitlines()
        )
        comment = takewhile(lambda line: line.startswith("--"), lines)
        found.append((stem, " ".join(line.removeprefix("--").strip() for line in comment), ""))
    return "".join(f"| [`{name}`]({folder}/{name}.sql) | {said} | {keys} |\n" for name, said, keys in found)


def rows(title: str) -> str:
    """A table's rows."""
    if title == "Written for PostgreSQL":
        return own()
    if title == "Migrations":
        return migrations()
    return "".join(
        f"| [`{name}`]({FOLDER}/{name}.sql) | {query.comment} | {', '.join(query.parameters)} |\n"
        for name in trigger_sql.names()
        if group(name) == title
        for query in [trigger_sql.query(name)]
    )


def new_section(name: str) -> str:
    """A section for a query that has none."""
    head = f"#### [`{name}`]({FOLDER}/{name}.sql)"
    return f"{head}\n\n```sql\nprepare {name} as\n;\n\n{call(name)}```\n\n```text\n```\n\n"


def completed(text: str) -> str:
    """The README with a section for each query that people can run, and for no other."""
    wanted = {name for name in trigger_sql.readable() if not group(name)} | view_comments().keys()
    text = SECTION.sub(lambda match: match[0] if match["name"] in wanted else "", text)
    missing = sorted(wanted - {match["name"] for match in SECTION.finditer(text)})
    before, heading, after = text.partition("## Statements\n")
    return before + "".join(map(new_section, missing)) + heading + after


def examples(text: str) -> list[str]:
    """The input of every example, with the statements as the files have them."""
    return [statement(match["name"], match["input"]) for match in SECTION.finditer(text)]


def refreshed(text: str, run: Shell) -> str:
    """The README with everything that follows from the files as it has to be."""
    printed = iter(run(examples(text)))

    def section(match: re.Match[str]) -> str:
        block, output = statement(match["name"], match["input"]), next(printed)
        if same_output(match["output"], output, is_ordered(block)):
            output = match["output"]
        return f"{match['head']}\n{about(match['name'])}```sql\n{block}```\n\n```text\n{output}```\n"

    def table(match: re.Match[str]) -> str:
        return (
            f"### {match['title']}\n{match['before']}{match['header']}{rows(match['title']) or match['rows']}"
        )

    return TABLE.sub(table, SECTION.sub(section, text))


def main() -> None:
    """Refresh the README in place."""
    program = shell_program()
    assert program is not None, "the DuckDB shell is missing"
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "example.duckdb"
        example_library(store).close()
        text = completed(README.read_text("utf-8"))
        README.write_text(refreshed(text, partial(shell, program, store)), "utf-8")


if __name__ == "__main__":
    main()
