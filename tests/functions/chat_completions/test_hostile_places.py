"""Nothing a caller sends, and nothing an admin sets for a public provider, reaches inside.

RELIABILITY.md section 1, rows 1 to 5. A canary listens on loopback: it must see no connection, not
even one that says nothing.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from shared.upstream.faults import AddressRefused, ConnectFailed, TransportFault
from shared.upstream.host_check import check_base_url
from shared.upstream.origin import parse_url
from shared.upstream.transport import Transport, UpstreamRequest
from tests.fakes.admin import Admin, eventually, refusal
from tests.fakes.gateway import Deployment, ask
from tests.fakes.raw_server import RawServer, answers_always, silence
from tests.fakes.uvicorn_server import UvicornServer

# `{port}` is the canary's. Every one is, to some reader, an address inside.
HOSTILE = (
    "http://127.0.0.1:{port}/v1",
    "https://127.0.0.1:{port}/v1",
    "https://127.1:{port}/v1",
    "https://127.000.000.001:{port}/v1",
    "https://0x7f000001:{port}/v1",
    "https://0x7f.0.0.1:{port}/v1",
    "https://2130706433:{port}/v1",
    "https://017700000001:{port}/v1",
    "https://0:{port}/v1",
    "https://0.0.0.0:{port}/v1",
    "https://localhost:{port}/v1",
    "https://LOCALHOST:{port}/v1",
    "https://localhost.:{port}/v1",
    "https://[::1]:{port}/v1",
    "https://[::]:{port}/v1",
    "https://[::ffff:127.0.0.1]:{port}/v1",
    "https://[::ffff:7f00:1]:{port}/v1",
    "https://[::ffff:10.0.0.1]:{port}/v1",
    "https://[64:ff9b::7f00:1]:{port}/v1",
    "https://[2002:7f00:1::]:{port}/v1",
    "https://[::1%25lo]:{port}/v1",
    "https://[fe80::1]:{port}/v1",
    "https://169.254.169.254/latest/meta-data",
    "https://192.0.0.192:{port}/v1",
    "https://100.64.0.1:{port}/v1",
    "https://api.openai.com@127.0.0.1:{port}/v1",
    "https://api.openai.com:x@127.0.0.1:{port}/v1",
    "https://127.0.0.1:{port}#@api.openai.com/v1",
    "https://127.0.0.1:{port}\\@api.openai.com/v1",
    "https://127.0.0.1:{port}\t.openai.com/v1",
    "https://127.0.0.1:{port}?.openai.com/v1",
    "https://①②⑦.⓪.⓪.①:{port}/v1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:{port}/_GET",
    "//127.0.0.1:{port}/v1",
)
FIELDS = (
    *("api_base", "base_url", "api_key", "api_version", "extra_headers", "custom_host"),
    *("custom_llm_provider", "callbacks", "organization"),
)
MODEL = "openai/gpt-6.1-terra"


@pytest.fixture
def canary() -> Iterator[RawServer]:
    with RawServer(silence) as listening:
        yield listening
        assert listening.accepted == 0


@pytest.fixture
def admin(changing_gateway: UvicornServer) -> Admin:
    return Admin(changing_gateway.url)


def test_the_list_is_as_long_as_it_should_be() -> None:
    assert len(HOSTILE) >= 30


@pytest.mark.parametrize("url", HOSTILE)
def test_an_admin_cannot_set_it(admin: Admin, canary: RawServer, url: str) -> None:
    body = {"provider": "hostile", "base_url": url.format(port=canary.port)}
    # A control character is refused at the door, before the address is looked at.
    code = "base_url_refused" if url.isprintable() else "invalid_value"
    assert refusal(admin("POST", "/providers", **body)) == (400, code, "base_url")
    made = admin("PATCH", "/providers/together", base_url=body["base_url"])
    assert refusal(made) == (400, code, "base_url")


@pytest.mark.parametrize("url", HOSTILE)
def test_the_transport_does_not_call_it(canary: RawServer, url: str) -> None:
    """By a row that was written behind the admin route's back."""

    async def call() -> None:
        transport = Transport()
        try:
            origin, target = parse_url(url.format(port=canary.port))
            outgoing = UpstreamRequest(b"GET", origin, target.encode(), b"", b"")
            await transport.send(outgoing, deadline=asyncio.get_running_loop().time() + 2)
        finally:
            await transport.aclose()

    with pytest.raises((ValueError, AddressRefused, ConnectFailed)):
        asyncio.run(call())


def test_a_row_written_by_hand_is_checked_at_use(
    changing_deployment: Deployment,
    changing_gateway: UvicornServer,
    canary: RawServer,
    admin: Admin,
) -> None:
    admin("POST", "/providers", provider="by-hand", base_url="https://a.example", auth_type="none")
    admin("POST", "/models", provider="by-hand", model_id="m")
    with psycopg.connect(changing_deployment.database_url, autocommit=True) as connection:
        connection.execute(
            "UPDATE llm_providers SET base_url = %s WHERE provider_slug = 'by-hand'",
            [f"http://127.0.0.1:{canary.port}/v1"],
        )
    url = changing_gateway.url
    assert eventually(lambda: ask(url, model="by-hand/m").status_code != 404)
    for _ in range(3):
        assert ask(url, model="by-hand/m").status_code == 502
    told = admin("POST", "/providers/by-hand/test").json()
    assert "not public" in told["detail"]
    admin("PATCH", "/providers/by-hand", is_active=False)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("depth", ["top", "message", "part", "tool", "metadata", "stream_options"])
def test_a_field_of_a_request_steers_nothing(
    gateway: UvicornServer, canary: RawServer, field: str, depth: str
) -> None:
    evil = f"http://127.0.0.1:{canary.port}/v1"
    part: dict[str, Any] = {"type": "text", "text": "Hello"}
    message: dict[str, Any] = {"role": "user", "content": [part]}
    tool: dict[str, Any] = {"type": "function", "function": {"name": "f"}}
    body: dict[str, Any] = {"model": MODEL, "messages": [message], "tools": [tool]}
    places = {"top": body, "message": message, "part": part, "tool": tool}
    places["metadata"] = body.setdefault("metadata", {})
    places["stream_options"] = body.setdefault("stream_options", {})
    places[depth][field] = evil
    answer = httpx.post(
        f"{gateway.url}/v1/chat/completions",
        json=body,
        headers={"authorization": "Bearer test-user-token"},
        trust_env=False,
        timeout=20,
    )
    if depth == "top":
        assert refusal(answer) == (400, "field_refused", field)
    else:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        *("x-portkey-custom-host", "x-custom-host", "x-forwarded-host", "x-upstream", "host"),
        *("x-litellm-api-base", "helicone-openai-api-base", "openai-organization"),
    ],
)
def test_a_header_of_a_request_steers_nothing(
    gateway: UvicornServer, canary: RawServer, header: str
) -> None:
    headers = {header: f"127.0.0.1:{canary.port}"}
    assert ask(gateway.url, model=MODEL, headers=headers).status_code == 200


@pytest.mark.parametrize("model", [MODEL, "anthropic/claude-opus-5-5"])
def test_an_image_is_never_fetched(gateway: UvicornServer, canary: RawServer, model: str) -> None:
    url = f"https://127.0.0.1:{canary.port}/cat.png"
    parts = [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    answer = ask(gateway.url, model=model, messages=[{"role": "user", "content": parts}])
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(
    admin: Admin, changing_gateway: UvicornServer, canary: RawServer, status: int
) -> None:
    slug = f"redirects-{status}"
    payload = (
        f"HTTP/1.1 {status} Moved\r\nlocation: http://127.0.0.1:{canary.port}/v1\r\n"
        "content-length: 0\r\n\r\n"
    )
    with RawServer(answers_always(payload.encode())) as server:
        place = {"base_url": f"{server.url}/v1", "is_local": True, "auth_type": "none"}
        assert admin("POST", "/providers", provider=slug, **place).status_code == 201
        told = admin("POST", f"/providers/{slug}/test").json()
        assert told["status"] == status
        assert server.accepted == 1


def test_the_environments_proxy_is_not_used(eight: Deployment, canary: RawServer) -> None:
    proxy = f"http://127.0.0.1:{canary.port}"
    names = ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    environment = {**eight.environment, **dict.fromkeys(names, proxy), "NO_PROXY": ""}
    with UvicornServer(
        "functions.gateway.app:app", ready="/readyz", environment=environment
    ) as web:
        assert ask(web.url, model="groq/contract/model-1").status_code == 200


def test_a_resolver_that_turns_private_is_caught_at_the_connection(
    monkeypatch: pytest.MonkeyPatch, canary: RawServer
) -> None:
    """Public when it is set, private when it is used, and public again to whoever looks later."""
    answers = ["93.184.215.14", "127.0.0.1", "93.184.215.14"]

    async def rebinding(_self: object, _host: object, port: int, **_: object) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answers.pop(0), port))]

    async def set_and_use() -> None:
        monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", rebinding)
        origin = await check_base_url(f"https://rebind.example:{canary.port}", is_local=False)
        transport = Transport()
        try:
            outgoing = UpstreamRequest(b"GET", origin, b"/", b"", b"")
            await transport.send(outgoing, deadline=asyncio.get_running_loop().time() + 2)
        finally:
            await transport.aclose()

    with pytest.raises(AddressRefused):
        asyncio.run(set_and_use())
    assert answers == ["93.184.215.14"]


def test_what_one_provider_may_call_another_may_not() -> None:
    """The same place, marked as the operator's own on one row and not on another."""

    async def call(url: str) -> list[str]:
        transport = Transport()
        origin, _ = parse_url(url)
        said: list[str] = []
        try:
            for may_be_private in (True, False, True):
                outgoing = UpstreamRequest(b"GET", origin, b"/", b"", b"", may_be_private)
                deadline = asyncio.get_running_loop().time() + 5
                try:
                    answer = await transport.send(outgoing, deadline=deadline)
                    said.append((await answer.read()).decode())
                except TransportFault as fault:
                    said.append(type(fault).__name__)
        finally:
            await transport.aclose()
        return said

    with RawServer(answers_always(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")) as server:
        assert asyncio.run(call(server.url)) == ["ok", "AddressRefused", "ok"]
        assert server.accepted == 1


def test_a_refused_url_is_not_repeated(admin: Admin) -> None:
    url = "https://user:a-secret-word@api.example.com/v1"
    answer = admin("POST", "/providers", provider="hostile", base_url=url)
    assert "a-secret-word" not in json.dumps(answer.json())
