"""Events as AWS sends them to a Lambda, from the recorded ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.architecture.tree import ROOT

RECORDED = ROOT / "tests" / "recorded" / "aws"


def recorded(name: str) -> dict[str, Any]:
    return json.loads((RECORDED / f"{name}.json").read_text("utf-8"))


def request(
    kind: str,
    path: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    """`kind` is `http_api` or `function_url`."""
    event = recorded(kind)
    event["rawPath"] = event["requestContext"]["http"]["path"] = path
    event["requestContext"]["http"]["method"] = method
    # Tests ask with the try-out tokens, which hold for no other name.
    event["headers"] |= {"host": "localhost", **(headers or {})}
    if body is not None:
        event["body"] = body
    return event


def sqs_event(messages: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """What Lambda makes of messages that SQS handed out (boto3's `receive_message`)."""
    records: list[dict[str, Any]] = []
    for message in messages:
        record = recorded("sqs")
        record["messageId"] = message["MessageId"]
        record["receiptHandle"] = message["ReceiptHandle"]
        record["body"] = message["Body"]
        record["md5OfBody"] = message["MD5OfBody"]
        records.append(record)
    return {"Records": records}
