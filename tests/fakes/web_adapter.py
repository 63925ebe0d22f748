"""A double of the Lambda Web Adapter, whose binary cannot be had here.

It does what the adapter's documents say (awslabs.github.io/aws-lambda-web-adapter: "Readiness
Check", "Response Streaming", "Request & Lambda Context"): asks AWS_LWA_READINESS_CHECK_PATH every
10 ms until the status is below 500, makes an HTTP request of each event, and posts the answer to
the Runtime API as it comes, a JSON prelude and 8 zero bytes before it.

The function's process is real: started by the package's run.sh, as /opt/bootstrap does. It is
frozen where Lambda would freeze it, once the answer is over, and thawed by the next event.
"""

from __future__ import annotations

import json
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from pathlib import Path
from typing import Any

from tests.fakes.lambda_runtime import LambdaProcess
from tests.fakes.runtime_api import RuntimeApi

_RUNTIME = "/2018-06-01/runtime/invocation/"
_CHECK_EVERY_S = 0.01
_START_S = 60.0
_LAST = b"data: [DONE]\n\n"


class WebAdapter:
    """Use as `with`. `root` is a package, `environment` what Lambda gives its function."""

    def __init__(self, api: RuntimeApi, environment: dict[str, str], root: Path) -> None:
        self._api = api
        self._environment = environment
        self._port = int(environment["PORT"])
        self.function = LambdaProcess([str(root / "run.sh")], environment, root)
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._is_ending = False
        self.frozen = threading.Event()

    def __enter__(self) -> WebAdapter:
        assert self._environment["AWS_LWA_INVOKE_MODE"] == "response_stream"
        self.function.__enter__()
        try:
            self._wait_until_ready()
        except BaseException:
            self.function.__exit__()
            raise
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_ending = True
        self.function.__exit__()
        self._api.hang_up()
        self._thread.join(_START_S)

    def _wait_until_ready(self) -> None:
        ends = time.monotonic() + _START_S
        while time.monotonic() < ends and self.function.process.poll() is None:
            function = HTTPConnection("127.0.0.1", self._port, timeout=5)
            with suppress(OSError, HTTPException), closing(function):
                function.request("GET", self._environment["AWS_LWA_READINESS_CHECK_PATH"])
                if function.getresponse().status < 500:
                    return
            time.sleep(_CHECK_EVERY_S)
        raise RuntimeError(f"the function did not get ready: {self.function.output()}")

    def _work(self) -> None:
        with suppress(OSError, HTTPException):  # the Runtime API is gone: the test is over
            while not self._is_ending:
                with closing(HTTPConnection(self._api.address)) as runtime:
                    runtime.request("GET", _RUNTIME + "next")
                    event = runtime.getresponse()
                    request_id = event.headers["Lambda-Runtime-Aws-Request-Id"]
                    body = json.loads(event.read())
                self.function.thaw()
                self.frozen.clear()
                self._forward(request_id, body)

    def _forward(self, request_id: str, event: dict[str, Any]) -> None:
        headers = event["headers"] | {
            "x-amzn-request-context": json.dumps(event["requestContext"]),
            "x-amzn-lambda-context": json.dumps({"request_id": request_id}),
        }
        body = event.get("body") or ""
        payload = b64decode(body) if event.get("isBase64Encoded") else body.encode()
        with (
            closing(HTTPConnection("127.0.0.1", self._port)) as function,
            closing(HTTPConnection(self._api.address)) as runtime,
        ):
            method = event["requestContext"]["http"]["method"]
            function.request(method, event["rawPath"], payload, headers)
            runtime.request(
                "POST",
                f"{_RUNTIME}{request_id}/response",
                self._pieces(function.getresponse()),
                {
                    "Lambda-Runtime-Function-Response-Mode": "streaming",
                    "Content-Type": "application/vnd.awslambda.http-integration-response",
                    "Transfer-Encoding": "chunked",
                },
                encode_chunked=True,
            )
            runtime.getresponse().read()

    def _pieces(self, answer: HTTPResponse) -> Iterator[bytes]:
        prelude = {"statusCode": answer.status, "headers": dict(answer.headers), "cookies": []}
        yield json.dumps(prelude).encode() + b"\0" * 8
        seen = b""
        while piece := answer.read1(65536):
            seen = (seen + piece)[-len(_LAST) :]
            if seen == _LAST or answer.length == 0:
                # Before anyone has the last byte: no turn of the function's loop comes after it.
                self._freeze()
            yield piece
        self._freeze()

    def _freeze(self) -> None:
        self.function.freeze()
        self.frozen.set()
