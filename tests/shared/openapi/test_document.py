"""The document says of each operation what a client has to know, and so does the page."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

import pytest
from litestar import get
from litestar.testing import TestClient
from openapi_spec_validator import validate

from functions.gateway.app import app
from functions.usage.requests import MEDIA_TYPES, filters_of
from shared.errors import InvalidField
from shared.openapi.codes import codes_of
from shared.openapi.page import page
from shared.probes import docs

DOCUMENT: dict[str, Any] = app.openapi_schema.to_schema()
OPERATIONS = {
    f"{verb.upper()} {path}": operation
    for path, item in DOCUMENT["paths"].items()
    for verb, operation in item.items()
}


def test_it_is_valid() -> None:
    validate(DOCUMENT)


def test_a_process_that_made_it_leaves_no_structs_to_the_last_collection() -> None:
    """It may free some twice. What is registered first is called last."""
    ask = "import atexit, gc; atexit.register(lambda: print(gc.get_freeze_count() > 10_000))"
    make = "from functions.gateway.app import app; app.openapi_schema"
    done = subprocess.run(
        [sys.executable, "-c", f"{ask}; {make}"], capture_output=True, text=True, check=True
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_an_operation_says_what_it_does_and_where_it_belongs(name: str) -> None:
    operation = OPERATIONS[name]
    assert operation["description"].rstrip().endswith(".")
    assert operation["summary"]
    assert operation["tags"][0] in {tag["name"] for tag in DOCUMENT["tags"]}


@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_status_is_named_with_its_codes(name: str) -> None:
    responses = OPERATIONS[name]["responses"]
    assert not [status for status in responses if not status.isdigit()]
    refused = {int(status) for status in responses if not status.startswith("2")}
    assert {400, 401, 403, 500, 503} <= refused
    for status in refused:
        assert codes_of(status), f"no code has status {status}"
        for code in codes_of(status):
            assert f"`{code}`" in responses[str(status)]["description"]


def test_every_status_of_a_code_is_that_of_an_operation() -> None:
    """But for what the protocol answers, before there is an operation."""
    stated = {int(one) for operation in OPERATIONS.values() for one in operation["responses"]}
    assert {one for one in range(400, 600) if codes_of(one)} - stated == {501}


def test_every_scheme_of_security_is_defined() -> None:
    defined = DOCUMENT["components"]["securitySchemes"]
    used = [
        *DOCUMENT["security"],
        *(one for op in OPERATIONS.values() for one in op.get("security", [])),
    ]
    assert {name for one in used for name in one} == set(defined)


@pytest.mark.parametrize("path", ["/api/v1/llm/usage", "/api/v1/admin/llm/usage"])
def test_the_parameters_of_usage_are_those_that_it_takes(path: str) -> None:
    named = {one["name"] for one in OPERATIONS[f"GET {path}"]["parameters"]}
    owner = None if "admin" in path else "alice"
    with pytest.raises(InvalidField) as refused:
        filters_of({"no-such": "1"}, owner, others=("limit", "cursor"))
    taken = set(re.split(r", ", refused.value.message.partition("it takes ")[2].rstrip(".")))
    assert named == taken


def test_every_operation_is_on_the_page() -> None:
    shown = page(DOCUMENT)
    for path in DOCUMENT["paths"]:
        assert f"</b> {path}</code>" in shown


def test_the_page_loads_nothing_and_runs_nothing() -> None:
    shown = page(DOCUMENT)
    assert "<script" not in shown
    assert not re.search(r"(src|href)=\"(?!#|/openapi)", shown)
    assert "url(" not in shown


def test_what_others_wrote_is_text_on_the_page() -> None:
    document = {
        "info": {"title": "<b>"},
        "tags": [{"name": "t"}],
        "paths": {"/<i>": {"get": {"tags": ["t"], "description": "<u>", "responses": {}}}},
    }
    shown = page(document)
    assert not re.search(r"<b>API|<i>|<u>", shown)


def test_docs_is_open_and_forbids_what_it_does_not_need() -> None:
    with TestClient(app=_alone()) as client:
        answer = client.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def _alone() -> Any:
    from litestar import Litestar

    from shared.openapi.document import DocumentConfig

    @get("/one", summary="One")
    async def one() -> str:
        """One."""
        return ""

    config = DocumentConfig(
        title="t", version="1", functions_of={"/one": "one"}, use_handler_docstrings=True
    )
    return Litestar([one, docs], openapi_config=config)


@pytest.mark.parametrize("path", ["/api/v1/llm/usage/export", "/api/v1/admin/llm/usage/export"])
def test_a_download_says_what_it_is(path: str) -> None:
    content = OPERATIONS[f"GET {path}"]["responses"]["200"]["content"]
    assert content.keys() == set(MEDIA_TYPES.values())


def test_no_answer_has_to_fit_one_schema_alone() -> None:
    """One of more fields fits that of one of fewer, too: a model that of a name."""
    assert '"oneOf"' not in json.dumps(DOCUMENT)


def test_a_check_that_was_waited_for_is_answered_otherwise() -> None:
    responses = OPERATIONS["POST /api/v1/admin/llm/health/check"]["responses"]
    assert {"200", "202"} <= responses.keys()
