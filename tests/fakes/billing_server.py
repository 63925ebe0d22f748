"""Lago and a webhook's receiver on a socket: they check what they are sent, and keep ids."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes that nobody has").decode()
LAGO_KEY = "lago-test-key"


class _Server(ThreadingHTTPServer):
    # 5 is less than come at once: a connection too many is refused on a busy machine.
    request_queue_size = 128


class BillingServer:
    """`events` holds each id once, with its body; `deliveries` each time it came.

    `answer` may say another status than the servers' own, by the number of the delivery from 0.
    """

    def __init__(self) -> None:
        self.events: dict[str, dict[str, Any]] = {}
        self.deliveries: list[str] = []
        self.refused: list[str] = []
        self.answer: Callable[[int], int | None] = lambda number: None
        self.loses_answer: Callable[[int], bool] = lambda number: False
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> BillingServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def total_usd(self) -> Decimal:
        return sum((Decimal(str(one["amount_usd"])) for one in self.events.values()), Decimal(0))

    def take(self, path: str, headers: Any, body: bytes) -> tuple[int, dict[str, Any], bool]:
        with self._lock:
            number = len(self.deliveries)
            told = self._lago(headers, body) if path == "/api/v1/events" else None
            told = told or self._webhook(headers, body)
            if isinstance(told, str):
                self.refused.append(told)
                return 401, {"error": told}, False
            event_id, data = told
            self.deliveries.append(event_id)
            status = self.answer(number)
            if status is not None and not 200 <= status < 300:
                return status, {"error": "as the test says"}, False
            if event_id in self.events and path == "/api/v1/events":
                details = {"transaction_id": ["value_already_exist"]}
                return 422, {"code": "validation_errors", "error_details": details}, False
            self.events.setdefault(event_id, data)
            answer = {"event": {"lago_id": f"lago-{event_id}"}}
            return status or 200, answer, self.loses_answer(number)

    def _lago(self, headers: Any, body: bytes) -> tuple[str, dict[str, Any]] | str:
        if headers["authorization"] != f"Bearer {LAGO_KEY}":
            return "wrong key"
        event = json.loads(body)["event"]
        assert event["code"] == "llm_usage"
        assert event["external_subscription_id"]
        data = event["properties"]
        assert Decimal(event["precise_total_amount_cents"]) == Decimal(data["amount_usd"]) * 100
        assert abs(float(event["timestamp"]) - time.time()) < 10**9
        return event["transaction_id"], data

    def _webhook(self, headers: Any, body: bytes) -> tuple[str, dict[str, Any]] | str:
        event_id, at = headers["webhook-id"], headers["webhook-timestamp"]
        if event_id is None or abs(int(at) - time.time()) > 300:
            return "no id, or an old timestamp"
        key = base64.b64decode(WEBHOOK_SECRET.removeprefix("whsec_"))
        signed = f"{event_id}.{at}.".encode() + body
        expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
        if not hmac.compare_digest(headers["webhook-signature"], f"v1,{expected}"):
            return "wrong signature"
        event = json.loads(body, parse_float=Decimal)
        assert event["type"] in ("usage.recorded", "usage.adjusted", "budget.reached")
        return event_id, event["data"]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, answer, is_lost = fake.take(self.path, self.headers, body)
                if is_lost:
                    self.close_connection = True
                    return
                content = json.dumps(answer).encode()
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", f"{fake.url}/elsewhere")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """The test says what went wrong."""

        return Handler
