"""How long a prompt is: what is text in it, and what is media."""

from __future__ import annotations

import base64
import json
import struct
import wave
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.chat.prompt import Prompt
from shared.wire.chat.request import decode_chat
from shared.wire.tokens.media import UNKNOWN_AUDIO, UNKNOWN_FILE, UNKNOWN_IMAGE_TOKENS, image_size


def prompt_of(*parts: Any, **fields: Any) -> Prompt:
    messages = [{"role": "user", "content": list(parts)}]
    return decode_chat(json.dumps({"messages": messages, **fields}).encode()).prompt


def data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def image(url: str, **more: Any) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def png(width: int, height: int) -> bytes:
    head = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height)
    return head + b"\x08\x02\x00\x00\x00" + bytes(5000)


def jpeg(width: int, height: int, exif_bytes: int = 0) -> bytes:
    exif = b"".join(
        b"\xff\xe1" + struct.pack(">H", 2 + size) + bytes(size)
        for size in [60_000] * (exif_bytes // 60_000) + [exif_bytes % 60_000]
    )
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width)
    return b"\xff\xd8" + exif + frame + bytes(5000)


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + bytes(100)


def webp(kind: bytes, width: int, height: int) -> bytes:
    head = b"RIFF\x00\x00\x00\x00WEBP" + kind + b"\x00\x00\x00\x00"
    if kind == b"VP8X":
        size = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        size = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little")
    else:
        size = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width, height)
    return head + size + bytes(100)


def wav(seconds: int) -> bytes:
    file = BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(32_000 * seconds))
    return file.getvalue()


@given(st.integers(1, 16_383), st.integers(1, 16_383))
def test_an_image_tells_its_size_in_its_header(width: int, height: int) -> None:
    for data in (
        png(width, height),
        jpeg(width, height),
        jpeg(width, height, exif_bytes=150_000),
        gif(width, height),
        webp(b"VP8X", width, height),
        webp(b"VP8L", width, height),
        webp(b"VP8 ", width, height),
    ):
        assert image_size(memoryview(data_url("image/x", data).encode())) == (width, height)


@given(st.binary(max_size=200), st.sampled_from([b"", b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"RIFF"]))
def test_no_bytes_break_the_count(junk: bytes, start: bytes) -> None:
    assert prompt_of(image(data_url("image/jpeg", start + junk))).image_tokens >= 85
    assert prompt_of(image("data:" + junk.hex())).image_tokens >= 85
    audio = {"type": "input_audio", "input_audio": {"data": junk.hex(), "format": "wav"}}
    assert prompt_of(audio).tokens > 0
    assert prompt_of({"type": "file", "file": {"file_data": junk.hex()}}).tokens > 0


@pytest.mark.parametrize(
    ("size", "more", "tokens"),
    [
        pytest.param((1024, 1024), {}, 765, id="the square of OpenAI's document"),
        pytest.param((2048, 4096), {"detail": "high"}, 1105, id="its portrait"),
        pytest.param((4096, 8192), {"detail": "low"}, 85, id="its low detail"),
        pytest.param((64, 64), {}, 255, id="one tile"),
    ],
)
def test_an_image_is_counted_by_its_pixels(
    size: tuple[int, int], more: dict[str, Any], tokens: int
) -> None:
    assert prompt_of(image(data_url("image/png", png(*size)), **more)).image_tokens == tokens


def test_megabytes_of_base64_are_no_text() -> None:
    photo = image(data_url("image/jpeg", b"\xff\xd8\xff\xe0" + bytes(range(256)) * 16_000))
    prompt = prompt_of({"type": "text", "text": "what is it?"}, photo)
    assert prompt.images == 1
    assert prompt.tokens < 20 + UNKNOWN_IMAGE_TOKENS


@pytest.mark.parametrize(
    "url", ["https://example.com/a.png", "gs://a/b", "", "data:image/png;base64,", "data:,"]
)
def test_an_image_whose_size_is_not_seen_is_a_constant(url: str) -> None:
    assert prompt_of(image(url)).image_tokens == UNKNOWN_IMAGE_TOKENS


def test_an_image_url_may_be_a_plain_text_with_escaped_slashes() -> None:
    url = data_url("image/png", png(1024, 1024))
    body = json.dumps(
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]}
    ).replace("/", "\\/")
    assert decode_chat(body.encode()).prompt.image_tokens == 765


def test_audio_is_counted_by_its_length() -> None:
    data = base64.b64encode(wav(seconds=30)).decode()
    prompt = prompt_of({"type": "input_audio", "input_audio": {"data": data, "format": "wav"}})
    assert prompt.audio is not None
    assert prompt.audio.expected == pytest.approx(300, abs=2)
    assert prompt.audio.most == pytest.approx(960, abs=4)
    mp3 = base64.b64encode(b"ID3" + bytes(480_000)).decode()
    prompt = prompt_of({"type": "input_audio", "input_audio": {"data": mp3, "format": "mp3"}})
    assert prompt.audio is not None
    assert prompt.audio.expected == pytest.approx(300, abs=5)
    assert prompt_of({"type": "input_audio", "input_audio": None}).audio == UNKNOWN_AUDIO


def test_a_file_is_counted_by_its_pages() -> None:
    pdf = b"%PDF-1.7\n1 0 obj << /Type /Pages /Kids [2 0 R] /Count 12 >> endobj\n" + bytes(90_000)
    told = prompt_of({"type": "file", "file": {"file_data": data_url("application/pdf", pdf)}})
    assert told.files is not None
    assert told.files.expected == 24_000
    packed = prompt_of(
        {"type": "file", "file": {"file_data": data_url("application/pdf", bytes(600_000))}}
    )
    assert packed.files is not None
    assert packed.files.expected == 20_000
    text = prompt_of({"type": "file", "file": {"file_data": data_url("text/plain", b"a b " * 100)}})
    assert text.files is not None
    assert text.files.expected == pytest.approx(100, abs=1)
    assert prompt_of({"type": "file", "file": {"file_id": "file-1"}}).files == UNKNOWN_FILE


@pytest.mark.parametrize(
    "part",
    ["a text", None, 7, {}, {"type": 3}, {"type": "text", "text": 7}, {"type": "unheard of"}],
)
def test_a_part_of_any_shape_is_counted_somehow(part: object) -> None:
    assert prompt_of(part).tokens >= 6


def test_what_is_said_of_an_image_in_a_text_is_no_image() -> None:
    prompt = prompt_of({"type": "text", "text": 'send {"type":"image_url"} and input_audio'})
    assert (prompt.images, prompt.audio, prompt.files) == (0, None, None)


def test_escapes_of_json_do_not_make_a_text_longer() -> None:
    messages = [{"role": "user", "content": "Привет, как дела? 你好吗。" * 50}]
    plain = json.dumps({"messages": messages}, ensure_ascii=False).encode()
    assert (
        decode_chat(plain).prompt == decode_chat(json.dumps({"messages": messages}).encode()).prompt
    )


def test_calls_and_tools_are_part_of_the_prompt() -> None:
    messages = [{"role": "user", "content": "weather?"}]
    call = {"function": {"name": "get_weather", "arguments": json.dumps({"city": "Paris"}) * 20}}
    called = [*messages, {"role": "assistant", "tool_calls": [call]}]
    tools = [{"type": "function", "function": {"name": "get_weather", "description": "So " * 99}}]

    def tokens(**fields: Any) -> int:
        return decode_chat(json.dumps(fields).encode()).prompt.tokens

    assert tokens(messages=called) > tokens(messages=messages) + 80
    assert tokens(messages=messages, tools=tools) > tokens(messages=messages) + 80


@pytest.mark.parametrize("n", [0, -1, 129, 100_000])
def test_an_impossible_number_of_answers_is_refused_by_name(n: int) -> None:
    with pytest.raises(Exception, match="n must be from 1 to 128") as refused:
        prompt_of("hi", n=n)
    assert getattr(refused.value, "param", None) == "n"
