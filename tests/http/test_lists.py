"""Lists of triggers and jobs, single jobs, and what can be asked of them."""

import pytest

from tests.http.conftest import Ask
from tests.http.problems import assert_problem
from tests.http.world import DIRECT, EXECUTION, JOBS, READING, TRIGGER, UNKNOWN, WORKFLOW, World
from trigger_core.answers import to_json

TRIGGERS = "/api/v1/triggers"


def test_jobs_come_in_an_envelope(world: World, ask: Ask) -> None:
    """A job list is success and data, which holds the jobs and where the list stands."""
    answer = ask(JOBS)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert {"success": True, "data": to_json(world.library.jobs("acme", EXECUTION))} == answer.json
    assert {"jobs", "pagination"} == answer.json["data"].keys()
    assert answer.json["data"]["pagination"] == {"limit": 50, "next_cursor": None, "total": 5}


def test_a_job_comes_in_an_envelope(world: World, ask: Ask) -> None:
    """A single job is success and data, which is the job."""
    expected = {"success": True, "data": to_json(world.library.job("acme", EXECUTION, 2))}
    assert expected == ask(f"{JOBS}/2").json
    assert expected["data"]["job_id"] == "2"


def test_triggers_come_in_an_envelope(world: World, ask: Ask) -> None:
    """A trigger list is success and data, which holds the triggers and where the list stands."""
    answer = ask(TRIGGERS)
    assert {"success": True, "data": to_json(world.library.triggers("acme"))} == answer.json
    assert [trigger["id"] for trigger in answer.json["data"]["triggers"]] == [WORKFLOW, DIRECT]
    assert answer.json["data"]["pagination"] == {"limit": 50, "next_cursor": None}


@pytest.mark.parametrize("path", [TRIGGERS, JOBS, f"{JOBS}/1"])
def test_lists_and_jobs_are_kept_by_nobody(ask: Ask, path: str) -> None:
    """What holds addresses is stored by no cache."""
    assert ask(path).headers["cache-control"] == "private, no-store"


def test_an_account_without_triggers_has_an_empty_list(world: World, ask: Ask) -> None:
    """Another account's triggers are in nobody else's list."""
    assert ask(TRIGGERS, key=world.strangers_key).json["data"]["triggers"] == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=sent", ["1"]),
        ("status=filtered", ["3", "4"]),
        ("status=pending", ["5"]),
        ("status=cancelled", []),
        ("filter_code=opted_out", ["3", "4"]),
        ("contact=user_2", ["2"]),
        ("status=filtered&contact=user_4&filter_code=opted_out", ["4"]),
        ("limit=2", ["1", "2"]),
        ("contact=user%5f2", ["2"]),
        ("contact=%E9", []),
    ],
)
def test_jobs_are_filtered(ask: Ask, query: str, expected: list[str]) -> None:
    """status, filter_code, contact and limit choose jobs."""
    assert expected == [job["job_id"] for job in ask(f"{JOBS}?{query}").json["data"]["jobs"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("flow_type=workflow", [WORKFLOW]),
        ("trigger_type=sms", [DIRECT]),
        ("status=processing&limit=200", [DIRECT]),
        ("status=pending", [WORKFLOW]),
        ("limit=200", [WORKFLOW, DIRECT]),
        ("status=completed", []),
        ("created_after=2025-11-23T02:26:00Z", [WORKFLOW]),
        ("created_before=2025-11-23T03:26:00%2B01:00", [DIRECT]),
        ("limit=1", [WORKFLOW]),
    ],
)
def test_triggers_are_filtered(ask: Ask, query: str, expected: list[str]) -> None:
    """status, flow_type, trigger_type, created_after, created_before and limit choose triggers."""
    assert expected == [trigger["id"] for trigger in ask(f"{TRIGGERS}?{query}").json["data"]["triggers"]]


@pytest.mark.parametrize(("path", "name"), [(JOBS, "jobs"), (TRIGGERS, "triggers")])
def test_a_cursor_leads_to_the_next_page(ask: Ask, path: str, name: str) -> None:
    """Following next_cursor to its end gives every row once, in the order of the whole list."""
    rows, cursor = [], ""
    while True:
        data = ask(f"{path}?limit=1{cursor}").json["data"]
        rows += data[name]
        if data["pagination"]["next_cursor"] is None:
            break
        cursor = f"&cursor={data['pagination']['next_cursor']}"
    assert ask(path).json["data"][name] == rows


@pytest.mark.parametrize(
    ("path", "query", "fields"),
    [
        (JOBS, "status=done", ["status"]),
        (JOBS, "status=", ["status"]),
        (JOBS, "status=processing", ["status"]),
        (JOBS, "filter_code=", ["filter_code"]),
        (JOBS, "contact=%00", ["contact"]),
        (JOBS, "cursor=!", ["cursor"]),
        (JOBS, "cursor=", ["cursor"]),
        (TRIGGERS, "cursor=!", ["cursor"]),
        (TRIGGERS, "status=sent", ["status"]),
        (TRIGGERS, "flow_type=direct", ["flow_type"]),
        (TRIGGERS, "trigger_type=fax", ["trigger_type"]),
        (TRIGGERS, "created_after=yesterday", ["created_after"]),
        (TRIGGERS, "created_before=2025-11-23T02:25:28", ["created_before"]),
        (
            TRIGGERS,
            "limit=x&status=sent&created_after=1&colour=red",
            ["limit", "status", "created_after", "colour"],
        ),
    ],
)
def test_a_bad_value_is_named(ask: Ask, path: str, query: str, fields: list[str]) -> None:
    """A parameter that can't be what it says is a 400, and every such parameter is named."""
    assert_problem(ask(f"{path}?{query}"), 400, *fields)


def test_a_bad_status_is_told_the_good_ones(ask: Ask) -> None:
    """An unknown status is answered with those that there are."""
    [error] = assert_problem(ask(f"{JOBS}?status=done"), 400)["errors"]
    assert error["detail"] == "must be one of pending, sent, failed, filtered, cancelled"


@pytest.mark.parametrize("path", [JOBS, TRIGGERS])
@pytest.mark.parametrize(
    "limit", ["0", "201", "-1", "1.5", "ten", "", "1e2", "+5", "%205", "1_0", "%D9%A1", "9" * 5000]
)
def test_a_limit_is_a_number_in_bounds(ask: Ask, path: str, limit: str) -> None:
    """limit is plain digits from 1 to 200."""
    [error] = assert_problem(ask(f"{path}?limit={limit}"), 400, "limit")["errors"]
    assert "1 to 200" in error["detail"]


@pytest.mark.parametrize("limit", ["1", "200", "007"])
def test_limits_at_the_bounds_are_taken(ask: Ask, limit: str) -> None:
    """1 and 200 are limits."""
    assert int(limit) == ask(f"{JOBS}?limit={limit}").json["data"]["pagination"]["limit"]


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (TRIGGERS, "status, flow_type, trigger_type, created_after, created_before, limit, cursor"),
        (JOBS, "status, filter_code, contact, limit, cursor"),
        (f"{JOBS}/1", "none"),
        (TRIGGER, "none"),
        (f"{TRIGGER}/direct", "none"),
    ],
)
def test_an_unknown_parameter_is_told_the_known_ones(ask: Ask, path: str, allowed: str) -> None:
    """An unknown query parameter is a 400 that names those that are allowed."""
    [error] = assert_problem(ask(f"{path}?colour=red"), 400, "colour")["errors"]
    assert f"is not a query parameter here; allowed: {allowed}" == error["detail"]


@pytest.mark.parametrize("query", ["limit=1&limit=1", "status=sent&limit=2&limit=3&limit=4"])
def test_a_repeated_parameter_is_refused(ask: Ask, query: str) -> None:
    """A query parameter given twice is a 400, whether or not the values agree."""
    [error] = assert_problem(ask(f"{JOBS}?{query}"), 400, "limit")["errors"]
    assert error["detail"] == "must not be given more than once"


def test_a_document_takes_an_empty_query(ask: Ask) -> None:
    """A question mark with nothing after it asks for nothing."""
    assert ask(f"{TRIGGER}?&").status_code == 200


@pytest.mark.parametrize("execution_id", [EXECUTION, UNKNOWN, "abc", "0", f"{{{EXECUTION}}}"])
@pytest.mark.parametrize("tail", ["", "/1"])
def test_executions_of_others_and_of_none_look_alike(
    world: World, ask: Ask, execution_id: str, tail: str
) -> None:
    """The 404s for another account's execution, an unknown one and a malformed one differ in that id only."""
    answer = ask(f"/api/v1/sms/executions/{execution_id}/jobs{tail}", key=world.strangers_key)
    asked_for = assert_problem(answer, 404)["instance"].split("/")[5]
    expected = ask(f"/api/v1/sms/executions/{UNKNOWN}/jobs{tail}").text
    assert expected == answer.text.replace(f"/{asked_for}", f"/{UNKNOWN}")


@pytest.mark.parametrize(
    "job_id", ["abc", "0", "01", "-1", "+1", "1.0", "%D9%A1", "4294967297", "9" * 30, "%201"]
)
def test_a_malformed_job_id_looks_like_an_unknown_one(ask: Ask, job_id: str) -> None:
    """The 404 for what is no job id is the one for a job that isn't there, but for the id."""
    answer = ask(f"{JOBS}/{job_id}")
    asked_for = assert_problem(answer, 404)["instance"].split("/")[7]
    assert ask(f"{JOBS}/999999").text == answer.text.replace(f"/{asked_for}", "/999999")


@pytest.mark.parametrize("word", ["messages", "whatsapp"])
def test_an_execution_is_found_under_its_channel_only(ask: Ask, word: str) -> None:
    """An execution asked for as another channel's is a 404."""
    assert_problem(ask(JOBS.replace("sms", word)), 404)
    assert_problem(ask(f"{JOBS.replace('sms', word)}/1"), 404)


@pytest.mark.parametrize("path", READING)
def test_what_is_wrong_with_a_query_is_told_before_what_is_there(ask: Ask, path: str) -> None:
    """An unknown parameter is a 400 also where there is nothing of that id."""
    answer = ask(f"{path.replace(DIRECT, UNKNOWN).replace(EXECUTION, UNKNOWN)}?colour=red")
    assert_problem(answer, 400, "colour")
