"""What every app answers before its routes: who may ask, from where, and in which shape."""

from __future__ import annotations

import asyncio
import gzip
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, Request, asgi, get, post
from litestar.params import FromPath
from litestar.testing import TestClient

from shared.auth.guards import open_to_all
from shared.doors.cors import EXPOSED
from shared.doors.doors import rules_of
from shared.function import Function, create_app
from shared.settings import NetworkSettings, SettingsInvalid, TryOutSettings, load_settings

PAGE = "https://app.example"
ASK = {"access-control-request-method": "POST"}
SDK = "authorization,content-type,x-stainless-os,anthropic-version,x-api-key"
ROOT = Path(__file__).parents[3]


@get("/who", guards=[open_to_all])
async def who(request: Request[Any, Any, Any]) -> str:
    return str(request.scope["client"])


@post("/echo", guards=[open_to_all], status_code=200)
async def echo(request: Request[Any, Any, Any]) -> bytes:
    return await request.body()


@get("/hold", guards=[open_to_all])
async def hold(request: Request[Any, Any, Any]) -> None:
    request.app.state.held.release()
    await request.app.state.go.wait()


@get("/{name:str}/named", guards=[open_to_all])
async def named(name: FromPath[str]) -> str:
    return name


def app_of(**values: Any) -> Litestar:
    return create_app(Function("doors", handlers=[who, echo, hold, named]), **values)


def client_of(**values: Any) -> TestClient[Litestar]:
    return TestClient(app_of(**values), base_url="http://127.0.0.1")


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8084", "[::1]:8084", "LOCALHOST"])
def test_with_the_tryout_tokens_this_machine_is_served(host: str) -> None:
    with client_of(SWITCHYARD_TRYOUT_TOKENS=True) as client:
        assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil", "localhost@evil", "", "::1"],
)
def test_with_the_tryout_tokens_no_other_name_leads_here(host: str) -> None:
    with client_of(SWITCHYARD_TRYOUT_TOKENS=True) as client:
        answer = client.get("/healthz", headers={"host": host})
        assert code(answer) == (403, "host_not_allowed")
    with client_of() as client:
        assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    ("origin", "is_served"),
    [
        ("http://localhost:3000", True),
        ("http://127.0.0.1:8084", True),
        (PAGE, True),
        ("http://evil.example", False),
        ("null", False),
        ("http://localhost.evil.example", False),
    ],
)
def test_with_the_tryout_tokens_a_foreign_page_is_not_served(origin: str, is_served: bool) -> None:  # noqa: FBT001
    with client_of(SWITCHYARD_TRYOUT_TOKENS=True, CORS_ORIGINS=PAGE) as client:
        answer = client.get("/healthz", headers={"origin": origin})
        assert (answer.status_code == 200) == is_served


def test_without_a_setting_a_browser_is_told_nothing() -> None:
    with client_of() as client:
        for method, path in (("OPTIONS", "/echo"), ("GET", "/who")):
            answer = client.request(method, path, headers={"origin": PAGE, **ASK})
            assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/echo", "/who", "/nowhere"])
def test_a_preflight_of_a_named_origin_is_answered_with_what_its_client_sends(path: str) -> None:
    asked = {"origin": PAGE, **ASK, "access-control-request-headers": SDK}
    with client_of(CORS_ORIGINS=f"https://other.example, {PAGE}") as client:
        answer = client.options(path, headers=asked)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-headers"] == SDK
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert "origin" in answer.headers["vary"]


@pytest.mark.parametrize("path", ["/who", "/nowhere"])
def test_a_page_of_a_named_origin_may_read_answers_and_errors(path: str) -> None:
    with client_of(CORS_ORIGINS=PAGE) as client:
        answer = client.get(path, headers={"origin": PAGE})
        other = client.get(path, headers={"origin": PAGE + ".evil.example"})
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "x-switchyard-cost-usd" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-origin" not in other.headers


def test_a_page_may_read_every_header_of_our_own() -> None:
    written = "\n".join(path.read_text() for path in (ROOT / "shared/completion").glob("*.py"))
    ours = set(re.findall(r"b\"(x-switchyard-[a-z-]+)\"", written))
    assert ours
    assert ours <= set(EXPOSED)


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("CORS_ORIGINS", "*"),
        ("CORS_ORIGINS", "https://app.example/path"),
        ("CORS_ORIGINS", "app.example"),
        ("TRUSTED_PROXIES", "everybody"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
    ],
)
def test_a_list_that_is_none_stops_the_start_and_is_named(variable: str, text: str) -> None:
    settings = load_settings(NetworkSettings, TryOutSettings, **{variable: text})
    with pytest.raises(SettingsInvalid, match=variable):
        rules_of(settings)


def test_an_address_is_the_one_that_a_trusted_proxy_tells() -> None:
    told = {"x-forwarded-for": "1.2.3.4, 203.0.113.9"}
    with client_of() as client:
        assert "203.0.113.9" not in client.get("/who", headers=told).text


@pytest.mark.parametrize("path", ["/", "/healthz", "/who", "/echo", "/nowhere"])
def test_head_is_answered_as_get_without_a_body(path: str) -> None:
    with client_of() as client:
        head, whole = client.head(path), client.get(path)
    assert head.status_code == whole.status_code
    assert head.content == b""


def test_a_method_that_a_route_does_not_take_is_told_which_it_takes() -> None:
    with client_of() as client:
        answer = client.delete("/echo")
    assert code(answer) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


def test_a_compressed_body_arrives_plain() -> None:
    headers = {"content-encoding": "gzip"}
    with client_of() as client:
        assert client.post("/echo", content=gzip.compress(b"hi"), headers=headers).text == "hi"
        assert code(client.post("/echo", content=b"hi", headers=headers)) == (
            400,
            "invalid_encoding",
        )
        bomb = gzip.compress(bytes(2 << 20))
        assert code(client.post("/echo", content=bomb, headers=headers))[0] == 413
        other = client.post("/echo", content=b"hi", headers={"content-encoding": "zstd"})
        assert code(other) == (415, "unsupported_content_encoding")


def test_a_path_is_no_longer_than_names_need() -> None:
    with client_of() as client:
        assert client.get(f"/{'x' * 900}/named").status_code == 200
        assert client.get(f"/{'x' * 2000}/named").status_code == 404


def test_too_many_open_requests_are_told_when_to_come_again() -> None:
    app = app_of(MAX_OPEN_REQUESTS=2)

    async def ask(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return await client.get(path)

    async def script() -> None:
        async with app.lifespan():
            app.state.held, app.state.go = asyncio.Semaphore(0), asyncio.Event()
            held = [asyncio.create_task(ask("/hold")) for _ in range(2)]
            for _ in held:
                await app.state.held.acquire()
            refused = await ask("/who")
            assert code(refused) == (503, "too_many_open_requests")
            assert refused.headers["retry-after"] == "1"
            assert (await ask("/healthz")).status_code == 200
            app.state.go.set()
            await asyncio.gather(*held)
            assert (await ask("/who")).status_code == 200

    asyncio.run(script())


def test_the_document_shows_errors_as_they_are() -> None:
    with client_of() as client:
        document = client.get("/openapi/openapi.json").json()
        refused = client.post("/who").json()
    shown = document["paths"]["/echo"]["post"]["responses"]
    assert {"400", "401", "403", "500", "503"} <= set(shown)
    fields = document["components"]["schemas"]["Error"]["properties"]["error"]["properties"]
    assert set(fields) == set(refused["error"])
    assert document["components"]["securitySchemes"]


@asgi("/raw", copy_scope=False, opt={"guard": "user"})
async def raw(scope: Any, receive: Any, send: Any) -> None:
    if scope["query_string"] == b"begun":
        await send({"type": "http.response.start", "status": 200, "headers": []})
    if scope["query_string"]:
        raise RuntimeError("nobody foresaw this")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send(
        {"type": "http.response.body", "body": b"router" if "route_handler" in scope else b"door"}
    )


def test_a_raw_handler_is_led_to_past_the_router_where_its_path_is_written_plainly() -> None:
    with TestClient(create_app(Function("raw", [raw]))) as client:
        assert client.get("/raw").text == "door"
        assert client.get("/raw/").text == "router"


def test_what_a_raw_handler_raises_is_an_answer_unless_one_has_begun() -> None:
    with TestClient(create_app(Function("raw", [raw])), raise_server_exceptions=False) as client:
        answer = client.get("/raw?failing")
        assert answer.status_code == 500
        assert answer.json()["error"]["type"] == "api_error"
        assert answer.headers["x-request-id"] == answer.headers["request-id"]
        assert client.get("/raw?begun").content == b""
