"""moto's SQS and Secrets Manager on a socket, for processes other than the test's own.

moto's own server needs Flask, which nothing else here does; these services speak one JSON protocol,
whose calls are handed to moto as they are.
"""

from __future__ import annotations

import json
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import boto3
from botocore import xform_name
from botocore.exceptions import ClientError
from moto import mock_aws

REGION = "eu-central-1"
_SERVICES = {"AmazonSQS": "sqs", "secretsmanager": "secretsmanager"}


class AwsServer:
    """Use as `with`. `is_away` makes every call fail with 503, as an outage of AWS does."""

    def __init__(self) -> None:
        self.is_away = False
        self.calls: list[str] = []
        self._mock = mock_aws()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.aws = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))

    def __enter__(self) -> AwsServer:
        self._mock.start()
        self.clients: dict[str, Any] = {
            name: boto3.client(name, region_name=REGION) for name in _SERVICES.values()
        }
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._mock.stop()

    @property
    def environment(self) -> dict[str, str]:
        """What leads a process here."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self._server.server_port}",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
        }

    def received(self, queue_url: str) -> list[dict[str, Any]]:
        """All messages of a queue that nobody else has just now."""
        messages: list[dict[str, Any]] = []
        sqs = self.clients["sqs"]
        while more := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            messages += more
        return messages


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Nothing: tests say what failed."""

    def do_POST(self) -> None:  # noqa: N802  the library's name
        aws: AwsServer = self.server.aws  # type: ignore[attr-defined]
        service, _, operation = self.headers["X-Amz-Target"].rpartition(".")
        arguments = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        aws.calls.append(operation)
        if aws.is_away:
            self._reply(503, {"__type": "ServiceUnavailable", "message": "away"})
            return
        try:
            call = getattr(aws.clients[_SERVICES[service]], xform_name(operation))
            self._reply(200, {k: v for k, v in call(**arguments).items() if k[0].isupper()})
        except ClientError as error:
            code = error.response["Error"]
            self._reply(400, {"__type": code["Code"], "message": code["Message"]})

    def _reply(self, status: int, fields: dict[str, Any]) -> None:
        fields.pop("ResponseMetadata", None)
        body = json.dumps(fields, default=_seconds).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _seconds(value: datetime) -> float:
    return value.timestamp()
