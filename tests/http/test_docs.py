"""The page that shows the interface."""

import re
from html.parser import HTMLParser

import pytest

from tests.http.conftest import Ask
from tests.http.problems import assert_problem
from tests.http.world import TRIGGER
from trigger_falcon._problems import TYPES, type_uri

PAGE = "/api/docs"


class Elements(HTMLParser):
    """The ids of a page, and what it loads."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.loads: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.ids |= {values.get("id") or ""} - {""}
        self.loads += [values[name] or "" for name in ("src", "href") if name in values and tag != "a"]


@pytest.fixture(scope="module")
def elements(ask: Ask) -> Elements:
    return Elements(ask(PAGE, key=None).text)


def test_the_page_needs_no_key_and_no_other_origin(ask: Ask) -> None:
    """The page is HTML for everybody, and its policy lets a browser load from its own origin only."""
    answer = ask(PAGE, key=None)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert "http" not in answer.headers["content-security-policy"]


def test_everything_the_page_loads_is_served(ask: Ask, elements: Elements) -> None:
    """What the page loads, and the document that its script asks for, come from beside it."""
    files = [name for name in elements.loads if name != "data:,"]
    assert len(files) == 4
    for name in files:
        answer = ask(f"/api/{name}", key=None)
        assert answer.status_code == 200
        kind = {"js": "text/javascript", "css": "text/css"}[name.rpartition(".")[2]]
        assert answer.headers["content-type"] == f"{kind}; charset=utf-8"
    [document] = re.findall(r'url: "(.+)"', ask(f"{PAGE}/docs.js").text)
    assert ask(f"/api/{document}", key=None).json["openapi"].startswith("3.1")


@pytest.mark.parametrize("slug", TYPES)
def test_every_type_of_problem_is_explained_on_the_page(elements: Elements, slug: str) -> None:
    """The type of a problem leads to its explanation."""
    assert type_uri(slug) == f"{PAGE}#{slug}"
    assert slug in elements.ids


def test_the_type_in_an_answer_leads_to_the_page(ask: Ask, elements: Elements) -> None:
    """The types that real problems have are places on the page."""
    for path in (f"{TRIGGER}?colour=red", f"{TRIGGER}/workflow"):
        page, _, place = ask(path).json["type"].partition("#")
        assert page == PAGE
        assert place in elements.ids


@pytest.mark.parametrize(
    "path", [PAGE, f"{PAGE}/docs.js", f"{PAGE}/swagger-ui-bundle.js", "/api/openapi.json"]
)
def test_what_a_browser_has_is_not_sent_again(ask: Ask, path: str) -> None:
    """The page, its files and the document have an ETag, and a 304 for those who know it."""
    answer = ask(path, key=None)
    again = ask(path, key=None, If_None_Match=answer.headers["etag"])
    assert (again.status_code, again.content) == (304, b"")
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "name",
    ["index.html", "x.js", "..%2f_docs.py", "%2e%2e", "_docs.py", "swagger-ui.css/", ".js", "docs.js%00"],
)
def test_nothing_else_is_served_from_the_folder(ask: Ask, name: str) -> None:
    """A name that isn't one of the page's files is a 404, whatever it looks like."""
    assert_problem(ask(f"{PAGE}/{name}", key=None), 404)


def test_licences_come_with_what_they_license(ask: Ask) -> None:
    """The licence, notice and credits of Swagger UI are served beside it."""
    assert "Apache License" in ask(f"{PAGE}/swagger-ui.LICENSE.txt").text
    assert "SmartBear" in ask(f"{PAGE}/swagger-ui.NOTICE.txt").text
    assert ask(f"{PAGE}/swagger-ui-bundle.js.LICENSE.txt").status_code == 200
