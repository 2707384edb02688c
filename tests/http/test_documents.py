"""The three documents of a trigger, and polls for them."""

import json

import pytest
from falcon.testing import Result

from tests.http.conftest import Ask
from tests.http.problems import assert_problem
from tests.http.world import DIRECT, TRIGGER, UNKNOWN, WORKFLOW, World
from trigger_core.answers import to_json
from trigger_core.library import Question

DOCUMENTS = ((DIRECT, "trigger", ""), (DIRECT, "direct", "/direct"), (WORKFLOW, "workflow", "/workflow"))


@pytest.mark.parametrize(("trigger_id", "question", "suffix"), DOCUMENTS)
def test_a_document_is_the_librarys_answer(
    world: World, ask: Ask, trigger_id: str, question: Question, suffix: str
) -> None:
    """A trigger's document is the library's own bytes, as JSON in UTF-8."""
    answer = ask(f"/api/v1/triggers/{trigger_id}{suffix}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert to_json(getattr(world.library, question)("acme", trigger_id)) == json.loads(answer.content)
    assert world.library.document("acme", trigger_id, question).body == answer.content


@pytest.mark.parametrize(("trigger_id", "question", "suffix"), DOCUMENTS)
def test_a_document_says_how_to_keep_it(ask: Ask, trigger_id: str, question: str, suffix: str) -> None:
    """A document has a weak ETag, may be kept by its reader alone, and must be asked for again."""
    answer = ask(f"/api/v1/triggers/{trigger_id}{suffix}")
    assert answer.headers["etag"].startswith('W/"')
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.fixture
def etag(ask: Ask) -> str:
    return ask(TRIGGER).headers["etag"]


def assert_not_modified(answer: Result, etag: str) -> None:
    assert (answer.status_code, answer.content) == (304, b"")
    assert etag == answer.headers["etag"]
    assert answer.headers["cache-control"] == "private, no-cache"
    assert not {"content-type", "content-length"} & {name.lower() for name in answer.headers}


@pytest.mark.parametrize(
    "header",
    [
        "{weak}",
        "{strong}",
        " {weak} ",
        '"other", {weak}',
        '{weak},"other"',
        ',, {strong} ,,W/"other"',
        '"a, b",{weak}',
        'W/"", {weak}',
        "*",
        " *\t",
    ],
)
def test_a_known_tag_is_answered_without_a_body(ask: Ask, etag: str, header: str) -> None:
    """If-None-Match that names the tag, weakly compared and anywhere in a list, or that is *, gives a 304."""
    header = header.format(weak=etag, strong=etag.removeprefix("W/"))
    assert_not_modified(ask(TRIGGER, If_None_Match=header), etag)


@pytest.mark.parametrize(
    "header", ["", '"other"', 'W/"other", "*"', "{unquoted}", '"{weak}"', "**", ", ,", '"']
)
def test_another_tag_is_answered_with_the_document(ask: Ask, etag: str, header: str) -> None:
    """If-None-Match that names other tags, or nothing that is one, gives the document."""
    header = header.format(weak=etag, unquoted=etag.removeprefix("W/").strip('"'))
    answer = ask(TRIGGER, If_None_Match=header)
    assert (200, ask(TRIGGER).content) == (answer.status_code, answer.content)


def test_a_poll_of_the_wrong_flow_is_not_a_304(ask: Ask) -> None:
    """If-None-Match: * doesn't turn a 404 into a 304."""
    assert_problem(ask(f"{TRIGGER}/workflow", If_None_Match="*"), 404)


@pytest.mark.parametrize(
    ("asked", "right"),
    [
        (f"/triggers/{DIRECT}/workflow", f"/triggers/{DIRECT}/direct"),
        (f"/triggers/{WORKFLOW}/direct", f"/triggers/{WORKFLOW}/workflow"),
    ],
)
def test_the_wrong_flow_is_told_the_right_endpoint(ask: Ask, asked: str, right: str) -> None:
    """Asking a trigger for the other flow's details is a 404 that names the right endpoint."""
    problem = assert_problem(ask(f"/api/v1{asked}"), 404)
    assert right == problem["details_endpoint"]
    assert f"/api/v1{right}" in problem["detail"]


@pytest.mark.parametrize("suffix", ["", "/direct", "/workflow"])
def test_anothers_unknown_and_malformed_ids_look_alike(world: World, ask: Ask, suffix: str) -> None:
    """The 404s for another account's id, an unknown one and a malformed one differ in that id only."""
    assert_problem(ask(f"/api/v1/triggers/{DIRECT}{suffix}", key=world.strangers_key), 404)
    expected = ask(f"/api/v1/triggers/{UNKNOWN}{suffix}").text
    answers = {DIRECT: ask(f"/api/v1/triggers/{DIRECT}{suffix}", key=world.strangers_key).text}
    for trigger_id in ("abc", "0", f"{{{DIRECT}}}", DIRECT.replace("-", ""), f"{DIRECT}0", "%00", "%ff", "é"):
        answer = ask(f"/api/v1/triggers/{trigger_id}{suffix}")
        asked_for = assert_problem(answer, 404)["instance"].split("/")[4]
        answers[asked_for] = answer.text
    assert {expected} == {text.replace(f"/{asked_for}", f"/{UNKNOWN}") for asked_for, text in answers.items()}
