"""A client that hangs up: seen within a second, read on for what it used, or closed at once."""

from __future__ import annotations

import json
import socket
import time
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.ledger.request_id import created_at
from tests.fakes.gateway import PATH, Deployment
from tests.fakes.simulated import SimulatedProvider
from tests.fakes.uvicorn_server import UvicornServer

SEEN_WITHIN_S = 3.0
"""A second is what is promised; what would not be seen at all takes five here."""


def hang_up(
    gateway: UvicornServer, simulated: SimulatedProvider, *, after: bytes, **fields: Any
) -> float:
    """Ask, and leave once the provider was asked and `after` is read. When, in Unix seconds."""
    message = {"role": "user", "content": "Tell me a long story"}
    body = json.dumps({"messages": [message], **fields}).encode()
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer test-user-token\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(head.encode() + body)
        read = b""
        while after not in read:
            read += client.recv(65_536)
        ends = time.monotonic() + 10
        while not simulated.calls():
            assert time.monotonic() < ends, "no provider was asked"
            time.sleep(0.05)
    return time.time()


def ended_call(simulated: SimulatedProvider) -> dict[str, Any]:
    """The only call, once it has come to its end."""
    ends = time.monotonic() + 15
    while not (call := simulated.calls()[0])["ended_at"] and time.monotonic() < ends:
        time.sleep(0.05)
    assert len(simulated.calls()) == 1
    return call


def row_since(deployment: Deployment, began: float) -> dict[str, Any]:
    # A request id has milliseconds; a wider margin takes in the request of the test before.
    first = datetime.fromtimestamp(int(began * 1000) / 1000, UTC)

    def since(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if created_at(row["request_id"]) >= first]

    (row,) = since(deployment.rows_when(lambda rows: bool(since(rows))))
    return row


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("simulate", ["hang", "delay-5000", "delay-5000+status-503"])
def test_before_anything_has_come_the_upstream_is_closed_and_nothing_is_billed(
    gateway: UvicornServer,
    deployment: Deployment,
    simulated: SimulatedProvider,
    stream: bool,
    simulate: str,
) -> None:
    simulated.clear()
    began = time.time()
    left_at = hang_up(gateway, simulated, after=b"", stream=stream, simulate=simulate)
    call = ended_call(simulated)
    assert call["aborted"]
    assert call["ended_at"] - left_at < SEEN_WITHIN_S
    row = row_since(deployment, began)
    assert (row["state"], row["status_code"]) == ("indeterminate", 499)
    assert row["error_message"] == "client_disconnected"
    assert (row["cost_total_usd"], row["prompt_tokens"]) == (None, None)
    assert row["cost_estimated_usd"] > 0
    assert [one["error"] for one in row["attempts"]] == ["client_disconnected"]
    time.sleep(0.5)
    assert len(simulated.calls()) == 1, "another provider was asked for nobody"


def test_once_content_has_come_it_is_read_on_and_billed_what_the_provider_counted(
    gateway: UvicornServer, deployment: Deployment, simulated: SimulatedProvider
) -> None:
    simulated.clear()
    began = time.time()
    hang_up(gateway, simulated, after=b"data: ", stream=True, simulate="drip-50+events-40")
    call = ended_call(simulated)
    assert (call["finished"], call["aborted"]) == (True, False)
    row = row_since(deployment, began)
    assert (row["state"], row["status_code"]) == ("final", 499)
    assert (row["error_message"], row["cost_quality"]) == ("client_disconnected", "measured")
    assert row["completion_tokens"] >= 40
    assert row["cost_total_usd"] > 0
