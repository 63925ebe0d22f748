from __future__ import annotations

import socket
import time
from typing import Any

import httpx
import pytest

from tests.fakes.scripted_provider.calls import KEPT, Calls
from tests.fakes.simulated import SimulatedProvider


def body(faults: str = "", **fields: Any) -> dict[str, Any]:
    model = f"simulate-{faults}" if faults else "m"
    return {"model": model, "messages": [{"role": "user", "content": "hello"}]} | fields


def ended(provider: SimulatedProvider) -> dict[str, Any]:
    """The only call, once it has ended; it must within a second."""
    until = time.monotonic() + 1
    while True:
        (call,) = provider.calls()
        if call["ended_at"] is not None or time.monotonic() > until:
            return call
        time.sleep(0.01)


def test_a_call_is_logged_with_all_its_fields(
    client: httpx.Client, provider: SimulatedProvider
) -> None:
    before = time.time()
    answer = client.post("/chat/completions", json=body(stream=True))
    (call,) = provider.calls()
    assert before - 0.1 <= call.pop("started_at") <= call.pop("ended_at") <= time.time() + 0.1
    assert call == {
        "method": "POST",
        "path": "/some/prefix/v1/chat/completions",
        "model": "m",
        "stream": True,
        "key_last4": "7890",
        "events_sent": answer.text.count("data: "),
        "finished": True,
        "aborted": False,
    }


def test_refusals_are_logged_and_looking_is_not(
    client: httpx.Client, provider: SimulatedProvider
) -> None:
    client.get("/nowhere")
    httpx.get(f"{provider.url}/models", trust_env=False)
    provider.calls()
    refused, keyless = provider.calls()
    assert (refused["method"], refused["model"], refused["finished"]) == ("GET", None, True)
    assert keyless["key_last4"] is None


def test_clearing_empties_the_log(client: httpx.Client, provider: SimulatedProvider) -> None:
    client.get("/models")
    provider.clear()
    assert provider.calls() == []


def test_a_stream_the_client_leaves_is_aborted_within_a_second(
    client: httpx.Client, provider: SimulatedProvider
) -> None:
    asked = body("drip-50+events-1000", stream=True)
    with client.stream("POST", "/chat/completions", json=asked) as answer:
        lines = answer.iter_lines()
        next(lines)
        (running,) = provider.calls()
        assert (running["ended_at"], running["finished"], running["aborted"]) == (None,) + (
            False,
        ) * 2
    left = time.time()
    call = ended(provider)
    assert (call["aborted"], call["finished"]) == (True, False)
    assert call["ended_at"] - left < 1
    assert 1 <= call["events_sent"] < 50


def test_leaving_between_two_distant_events_is_seen_at_once(
    client: httpx.Client, provider: SimulatedProvider
) -> None:
    asked = body("drip-60000", stream=True)
    with client.stream("POST", "/chat/completions", json=asked) as answer:
        next(answer.iter_lines())
    assert ended(provider)["aborted"]


def test_a_stream_too_long_for_the_sockets_is_aborted_when_its_reader_leaves(
    client: httpx.Client, provider: SimulatedProvider
) -> None:
    asked = body("events-100000", stream=True)
    with client.stream("POST", "/chat/completions", json=asked) as answer:
        next(answer.iter_lines())
    call = ended(provider)
    assert (call["aborted"], call["finished"]) == (True, False)
    assert call["events_sent"] < 100_000


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("fault", ["hang", "delay-60000", "delay-1+hang"])
def test_leaving_before_the_head_is_seen_at_once(
    client: httpx.Client, provider: SimulatedProvider, fault: str, stream: bool
) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.post("/chat/completions", json=body(fault, stream=stream), timeout=0.2)
    call = ended(provider)
    assert (call["aborted"], call["finished"], call["events_sent"]) == (True, False, 0)


def test_only_the_latest_calls_are_kept() -> None:
    calls = Calls()
    made = [calls.begin("GET", f"/{number}", None) for number in range(KEPT + 1)]
    assert f'"{made[0].path}"'.encode() not in calls.json()
    assert f'"{made[1].path}"'.encode() in calls.json()


def test_a_server_stops_although_a_call_hangs() -> None:
    with socket.socket() as caller:
        with SimulatedProvider() as provider:
            caller.connect(("127.0.0.1", int(provider.url.rpartition(":")[2])))
            caller.sendall(
                b"GET /models HTTP/1.1\r\nhost: x\r\nx-api-key: k\r\nx-simulate: hang\r\n\r\n"
            )
            until = time.monotonic() + 1
            while not provider.calls() and time.monotonic() < until:
                time.sleep(0.01)
            assert [call["ended_at"] for call in provider.calls()] == [None]
            began = time.monotonic()
        assert 0.5 < time.monotonic() - began < 4
