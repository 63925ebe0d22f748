from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from tests.fakes.simulated import SimulatedProvider


def body(faults: str = "", **fields: Any) -> dict[str, Any]:
    model = f"simulate-{faults}" if faults else "m"
    return {"model": model, "messages": [{"role": "user", "content": "hello"}]} | fields


def read(client: httpx.Client, asked: dict[str, Any]) -> tuple[bytes, bool]:
    """What arrived, and whether the connection was cut."""
    got = b""
    with client.stream("POST", "/chat/completions", json=asked) as answer:
        try:
            for part in answer.iter_raw():
                got += part
        except httpx.RemoteProtocolError:
            return got, True
    return got, False


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 429, 500, 503, 529])
def test_a_status_is_answered_in_openais_shape(
    client: httpx.Client, status: int, stream: bool
) -> None:
    answer = client.post("/chat/completions", json=body(f"status-{status}", stream=stream))
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}
    assert "retry-after" not in answer.headers


def test_retry_is_a_retry_after(client: httpx.Client) -> None:
    answer = client.post("/chat/completions", json=body("status-429-retry-1"))
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")
    assert answer.headers["x-ratelimit-remaining-requests"] == "0"


def test_a_fault_is_asked_for_by_model_header_or_field(client: httpx.Client) -> None:
    by_model = client.post("/chat/completions", json=body("status-503"))
    by_header = client.post("/chat/completions", json=body(), headers={"x-simulate": "status-503"})
    by_field = client.post("/chat/completions", json=body(simulate="status-503"))
    assert {by_model.status_code, by_header.status_code, by_field.status_code} == {503}


@pytest.mark.parametrize("path", ["/models", "/models/m", "/key"])
def test_a_header_asks_for_a_fault_of_every_path(client: httpx.Client, path: str) -> None:
    assert client.get(path, headers={"x-simulate": "status-503"}).status_code == 503
    assert client.get("/models/simulate-status-404").status_code == 404


def test_an_unknown_fault_is_named(client: httpx.Client) -> None:
    answer = client.post("/chat/completions", json=body("status-503+nonsense"))
    assert answer.status_code == 400
    assert "'nonsense'" in answer.json()["error"]["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_delay_comes_before_the_head(client: httpx.Client, stream: bool) -> None:
    began = time.monotonic()
    with client.stream(
        "POST", "/chat/completions", json=body("delay-300", stream=stream)
    ) as answer:
        head = time.monotonic() - began
        answer.read()
    assert 0.29 < head < 1.5


def test_a_drip_spaces_the_events(client: httpx.Client) -> None:
    began = time.monotonic()
    client.post("/chat/completions", json=body("drip-50+events-5", stream=True))
    gaps = 5 + 3 - 1
    assert gaps * 0.049 < time.monotonic() - began < 2


@pytest.mark.parametrize("count", [1, 5, 50, 500])
def test_as_many_events_with_content_come_as_asked_for(client: httpx.Client, count: int) -> None:
    answer = client.post("/chat/completions", json=body(f"events-{count}", stream=True))
    assert answer.text.count('"delta":{"content":') == count


@pytest.mark.parametrize("count", [0, 1, 3, 8])
def test_a_stream_is_cut_after_as_many_events_even_after_the_last(
    client: httpx.Client, provider: SimulatedProvider, count: int
) -> None:
    got, cut = read(client, body(f"events-5+cut-{count}", stream=True))
    assert (got.count(b"data: "), cut) == (count, True)
    (call,) = provider.calls()
    assert (call["events_sent"], call["finished"], call["aborted"]) == (count, False, False)


def test_a_stream_that_ends_before_the_cut_is_whole(client: httpx.Client) -> None:
    got, cut = read(client, body("events-5+cut-9", stream=True))
    assert got.endswith(b"data: [DONE]\n\n")
    assert not cut


def test_a_cut_json_answer_is_half_of_the_length_it_promised(client: httpx.Client) -> None:
    with client.stream("POST", "/chat/completions", json=body("cut-3")) as answer:
        promised = int(answer.headers["content-length"])
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            answer.read()
    got, cut = read(client, body("cut-3"))
    assert (len(got), cut) == (promised // 2, True)


@pytest.mark.parametrize("count", [0, 3])
def test_an_error_takes_the_place_of_the_rest_of_a_stream(client: httpx.Client, count: int) -> None:
    answer = client.post("/chat/completions", json=body(f"error-{count}", stream=True))
    *before, last, end = answer.text.split("\n\n")
    assert (answer.status_code, len(before), end) == (200, count, "")
    assert last.startswith('data: {"error":{')


def test_a_stream_that_ends_before_the_error_is_whole(client: httpx.Client) -> None:
    got, cut = read(client, body("events-5+error-8", stream=True))
    assert got.endswith(b"data: [DONE]\n\n")
    assert (b'"error"' in got, cut) == (False, False)


def test_a_json_answer_that_fails_late_is_a_500(client: httpx.Client) -> None:
    answer = client.post("/chat/completions", json=body("error-3"))
    assert (answer.status_code, answer.json()["error"]["type"]) == (500, "server_error")


def test_faults_join(client: httpx.Client) -> None:
    began = time.monotonic()
    got, cut = read(client, body("drip-50+cut-4", stream=True))
    assert time.monotonic() - began > 3 * 0.049
    assert (got.count(b"data: "), cut) == (4, True)


@pytest.mark.parametrize("stream", [False, True])
def test_without_usage_none_is_reported_even_if_asked_for(
    client: httpx.Client, stream: bool
) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    answer = client.post("/chat/completions", json=body("nousage", **options))
    assert answer.status_code == 200
    assert "usage" not in answer.text.replace("simulate-nousage", "")


def test_a_hang_never_answers(client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.post("/chat/completions", json=body("hang"), timeout=0.3)


def test_the_server_lives_on_after_every_fault(client: httpx.Client) -> None:
    for fault in ("cut-0", "cut-2", "status-500", "nousage"):
        read(client, body(fault, stream=True))
    assert client.post("/chat/completions", json=body()).status_code == 200
