"""Lambda's Runtime API as a real server: what a runtime asks for events, and answers them to.

The routes and headers of AWS's "Lambda runtime API" (docs.aws.amazon.com/lambda/latest/dg/
runtimes-api.html), and of streamed answers from "custom runtimes: response streaming" there.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import SimpleQueue
from typing import Any
from uuid import uuid4

_PREFIX = "/2018-06-01/runtime/"
_DELIMITER = b"\0" * 8
_WAIT_S = 30.0


class Answer:
    """What a runtime answers to one event, while it comes.

    `streams` says in which mode; `chunks` has each piece as it arrived.
    """

    def __init__(self, event: dict[str, Any]) -> None:
        self.request_id = str(uuid4())
        self.event = event
        self.streams = False
        self.error: dict[str, Any] | None = None
        self.chunks: list[bytes] = []
        self._changed = threading.Condition()
        self._is_over = False

    def result(self) -> Any:
        """The JSON of a buffered answer, when it is there. Raises RuntimeError for an error."""
        return json.loads(self.whole())

    def whole(self) -> bytes:
        """All bytes of the answer, when it is over. Raises RuntimeError for an error."""
        self.wait_until(lambda: self._is_over)
        if self.error is not None:
            raise RuntimeError(json.dumps(self.error))
        return b"".join(self.chunks)

    def wait_until(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, _WAIT_S), "the runtime did not answer in time"

    def wait_for_text(self, text: bytes) -> None:
        """Until this has come, in the middle of the answer perhaps."""
        self.wait_until(lambda: text in b"".join(self.chunks))

    def prelude(self) -> dict[str, Any]:
        """Status and headers of a streamed HTTP answer."""
        return json.loads(self.whole().partition(_DELIMITER)[0])

    def body(self) -> bytes:
        """What comes after the prelude."""
        return self.whole().partition(_DELIMITER)[2]

    @property
    def is_over(self) -> bool:
        return self._is_over

    def take(self, chunk: bytes) -> None:
        with self._changed:
            self.chunks.append(chunk)
            self._changed.notify_all()

    def end(self, error: dict[str, Any] | None = None) -> None:
        with self._changed:
            self.error = error
            self._is_over = True
            self._changed.notify_all()


class RuntimeApi:
    """Use as `with`. `address` is AWS_LAMBDA_RUNTIME_API; `init_error` what a start failed with."""

    def __init__(self) -> None:
        self.init_error: dict[str, Any] | None = None
        self.pending: SimpleQueue[Answer | None] = SimpleQueue()
        self.answers: dict[str, Answer] = {}
        self.failed_to_start = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.api = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> RuntimeApi:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def hang_up(self) -> None:
        """Close the connection of a runtime that waits for its next event."""
        self.pending.put(None)

    def invoke(self, event: dict[str, Any]) -> Answer:
        """Give the next runtime that asks this event."""
        answer = Answer(event)
        self.answers[answer.request_id] = answer
        self.pending.put(answer)
        return answer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Chunks are small, and each is to be seen at once.
    disable_nagle_algorithm = True

    @property
    def api(self) -> RuntimeApi:
        return self.server.api  # type: ignore[attr-defined,no-any-return]

    def log_message(self, *_: object) -> None:
        """Nothing: tests say what failed."""

    def do_GET(self) -> None:  # noqa: N802  the library's name
        if self.path != _PREFIX + "invocation/next":
            self._reply(404, b"{}")
            return
        answer = self.api.pending.get()
        if answer is None:
            self.close_connection = True
            return
        self._reply(
            200,
            json.dumps(answer.event).encode(),
            {
                "Lambda-Runtime-Aws-Request-Id": answer.request_id,
                "Lambda-Runtime-Deadline-Ms": str(int((time.time() + _WAIT_S) * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": (
                    "arn:aws:lambda:eu-central-1:123456789012:function:switchyard"
                ),
                "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793",
            },
        )

    def do_POST(self) -> None:  # noqa: N802
        if self.path == _PREFIX + "init/error":
            self.api.init_error = json.loads(b"".join(self._pieces()))
            self.api.failed_to_start.set()
            self._reply(202, b"{}")
            return
        request_id, _, what = self.path.removeprefix(_PREFIX + "invocation/").partition("/")
        answer = self.api.answers.get(request_id)
        if answer is None or what not in {"response", "error"} or answer.is_over:
            self._reply(400, b'{"errorType": "InvalidRequestID"}')
            return
        if what == "error":
            answer.end(json.loads(b"".join(self._pieces())))
        else:
            mode = self.headers.get("Lambda-Runtime-Function-Response-Mode")
            answer.streams = mode == "streaming"
            for piece in self._pieces():
                answer.take(piece)
            answer.end()
        self._reply(202, b'{"status": "OK"}')

    def _pieces(self) -> Iterator[bytes]:
        """The body: chunk by chunk where it is sent so."""
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            yield self.rfile.read(int(self.headers.get("Content-Length", 0)))
            return
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            yield self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass

    def _reply(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
