"""Laws of sending the parts of a message to Anthropic."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from shared.errors import InvalidField
from shared.wire.chat.request import decode_chat
from shared.wire.messages.write import Translated, write_request
from shared.wire.translated import Sending

PNG = "iVBORw0KGgo="
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(20)).decode()


def translated(messages: list[Any], **fields: object) -> Translated:
    body = json.dumps({"messages": messages, **fields}).encode()
    return write_request(decode_chat(body), Sending("claude-sonnet-4-6"))


def user(content: object, **fields: object) -> dict[str, object]:
    return {"role": "user", "content": content, **fields}


def text(value: str, **fields: object) -> dict[str, object]:
    return {"type": "text", "text": value, **fields}


def image(url: str) -> dict[str, object]:
    return {"type": "image_url", "image_url": {"url": url}}


def file(**fields: str) -> dict[str, object]:
    return {"type": "file", "file": fields}


@pytest.mark.parametrize(
    ("part", "block"),
    [
        pytest.param(
            image(f"data:image/png;base64,{PNG}"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PNG},
            },
            id="an image as data",
        ),
        pytest.param(
            image(f"data:image/jpg;base64,{JPEG}"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/jpeg", "data": JPEG},
            },
            id="jpg is jpeg",
        ),
        pytest.param(
            image(f"data:image/jpeg;base64,{PNG}"),
            {
                "type": "image",
                "source": {"type": "base64", "media_type": "image/png", "data": PNG},
            },
            id="what begins as a PNG is one, whatever its label",
        ),
        pytest.param(
            image("http://example.com/a.png"),
            {"type": "image", "source": {"type": "url", "url": "http://example.com/a.png"}},
            id="an image over plain http",
        ),
        pytest.param(
            image("https://example.com/a.png"),
            {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
            id="an image by its URL",
        ),
        pytest.param(
            file(file_data="data:application/pdf;base64,JVBERi0=", filename="a.pdf"),
            {
                "type": "document",
                "source": {
                    "type": "base64",
                    "media_type": "application/pdf",
                    "data": "JVBERi0=",
                },
                "title": "a.pdf",
            },
            id="a PDF",
        ),
        pytest.param(
            file(file_data="data:text/plain;base64," + base64.b64encode(b"hello").decode()),
            {
                "type": "document",
                "source": {"type": "text", "media_type": "text/plain", "data": "hello"},
            },
            id="a text file",
        ),
        pytest.param(
            text("x", cache_control={"type": "ephemeral", "ttl": "1h"}),
            text("x", cache_control={"type": "ephemeral", "ttl": "1h"}),
            id="a cache breakpoint is passed through",
        ),
    ],
)
def test_a_part_becomes_a_content_block(part: dict[str, object], block: dict[str, object]) -> None:
    request = translated([user([text("see"), part])])
    assert json.loads(request.body)["messages"][0]["content"] == [text("see"), block]
    assert request.dropped == ()


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(image("file:///etc/passwd"), id="an image in a file"),
        pytest.param(image("data:image/svg+xml;base64,PHN2Zz4="), id="an image in SVG"),
        pytest.param(image("data:image/png,raw"), id="data that is not base64"),
        pytest.param(image("data:image/png;base64,"), id="data that is empty"),
        pytest.param({"type": "image_url"}, id="an image without its URL"),
        pytest.param({"type": "text"}, id="text without its text"),
        pytest.param({"type": "input_audio", "input_audio": {}}, id="audio"),
        pytest.param({"type": "video_url", "video_url": {}}, id="a part to come"),
        pytest.param(file(file_id="file-1"), id="a file by OpenAI's id"),
        pytest.param(file(file_data="data:text/csv;base64,YQ=="), id="a file of another type"),
        pytest.param(file(file_data="data:text/plain;base64,_w=="), id="text that is not base64"),
    ],
)
def test_a_part_without_counterpart_is_refused_by_its_place_even_with_drop_params(
    part: dict[str, object],
) -> None:
    with pytest.raises(InvalidField) as caught:
        translated([user("x"), user([text("see"), part])], drop_params=True)
    assert caught.value.param == "messages[1].content[1]"
