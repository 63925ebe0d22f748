"""How many tokens an image, a recording or a file in a prompt is; base64 is never text. Pure.

Data is given as it stands in the request: the characters of a JSON string, which may be megabytes
of base64. Only its first bytes are decoded: an image's size stands in its header.

Sources: platform.openai.com/docs/guides/images-vision (85 tokens and 170 for each tile of 512
pixels; `detail: low` 85); platform.openai.com/docs/guides/realtime-costs (a token for 100 ms of
speech); ai.google.dev/gemini-api/docs/tokens (32 tokens a second of audio, 263 of video);
platform.claude.com/docs/en/build-with-claude/pdf-support (1,500 to 3,000 tokens a page, and the
page as an image besides).
"""

from __future__ import annotations

import binascii
import math
import re
import struct

import msgspec

UNKNOWN_IMAGE_TOKENS = 1105
"""Of an image whose size is not seen: a portrait photo in OpenAI's formula."""

_LOW_DETAIL_TOKENS, _TILE_TOKENS = 85, 170
_LONGEST_SIDE, _SHORTEST_SIDE, _TILE = 2048, 768, 512

_TOKENS_PER_S, _MOST_TOKENS_PER_S = 10, 32
_BYTES_PER_S, _LEAST_BYTES_PER_S = 16_000, 1_000
"""Of a compressed recording: MP3 at 128 kbit/s, and the slowest that is still speech."""

_UNKNOWN_AUDIO_S, _MOST_AUDIO_S = 60, 34_200
"""Of a recording by URL; Google takes 9.5 hours in a prompt."""

_VIDEO_TOKENS = 30 * 263

_PAGE_TOKENS, _MOST_PAGE_TOKENS = 2_000, 4_600
_BYTES_PER_PAGE, _UNKNOWN_PAGES, _MOST_PAGES = 60_000, 10, 1_000
_READ_OF_PDF_BYTES = 1024 * 1024
_PAGE_COUNT = re.compile(rb"/Count\s+(\d{1,5})\b|/Linearized[^>]{0,200}/N\s+(\d{1,5})\b")

_URL_HEAD = 200
_HEADER_BYTES, _LONG_HEADER_BYTES = 4 * 1024, 256 * 1024
"""A photo's EXIF data may stand before its size."""


class MediaTokens(msgspec.Struct, frozen=True):
    """`expected` is used for routing and prices, `most` for bounds."""

    expected: int
    most: int


def image_tokens(url: memoryview, detail: str | None) -> int:
    """Tokens of an image in OpenAI's formula, by the size that an inline one (`data:`) tells."""
    if detail == "low":
        return _LOW_DETAIL_TOKENS
    size = image_size(url)
    return UNKNOWN_IMAGE_TOKENS if size is None else _tile_tokens(*size)


def audio_tokens(data: memoryview) -> MediaTokens:
    """Of a recording in base64: a WAV file tells its bytes a second."""
    length = len(data) * 3 // 4
    head = _decoded(data, 64)
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE" and (rate := _wav_bytes_per_s(head)):
        seconds = most_seconds = length / rate
    else:
        seconds, most_seconds = length / _BYTES_PER_S, length / _LEAST_BYTES_PER_S
    return MediaTokens(
        math.ceil(seconds * _TOKENS_PER_S), math.ceil(most_seconds * _MOST_TOKENS_PER_S)
    )


def file_tokens(data: memoryview) -> MediaTokens:
    """Of a file in base64 or as a `data:` URL: a text by its bytes, anything else by its pages."""
    head = bytes(data[: data_start(data)]).lower()
    encoded = data[len(head) :]
    length = len(encoded) * 3 // 4
    if head.startswith((b"data:text/", b"data:application/json")):
        return MediaTokens(-(-length // 4), length)
    found = [
        int(count or pages)
        for count, pages in _PAGE_COUNT.findall(_decoded(encoded, _READ_OF_PDF_BYTES))
    ]
    if found:
        return _pages(max(found), max(found))
    return _pages(-(-length // _BYTES_PER_PAGE), min(_MOST_PAGES, -(-length // 1_000)))


UNKNOWN_AUDIO = MediaTokens(_UNKNOWN_AUDIO_S * _TOKENS_PER_S, _MOST_AUDIO_S * _MOST_TOKENS_PER_S)
UNKNOWN_FILE = MediaTokens(_UNKNOWN_PAGES * _PAGE_TOKENS, _MOST_PAGES * _MOST_PAGE_TOKENS)
UNKNOWN_VIDEO = MediaTokens(_VIDEO_TOKENS, _MOST_AUDIO_S * 263)


def image_size(url: memoryview) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, JPEG, GIF or WebP as a `data:` URL; None: not seen."""
    start = data_start(url)
    if not start:
        return None
    head = _decoded(url[start:], _HEADER_BYTES)
    size = _size_of(head)
    if size is None and head[:2] == b"\xff\xd8":
        size = _jpeg_size(_decoded(url[start:], _LONG_HEADER_BYTES))
    return size if size is not None and min(size) > 0 else None


def data_start(url: memoryview) -> int:
    """Where the data of a `data:` URL begins (RFC 2397); 0 where it is no such URL."""
    head = bytes(url[:_URL_HEAD])
    return head.find(b",") + 1 if head[:5].lower() == b"data:" else 0


def _tile_tokens(width: int, height: int) -> int:
    shrink = min(1.0, _LONGEST_SIDE / max(width, height))
    shrink *= min(1.0, _SHORTEST_SIDE / (min(width, height) * shrink))
    tiles = math.ceil(round(width * shrink) / _TILE) * math.ceil(round(height * shrink) / _TILE)
    return _LOW_DETAIL_TOKENS + _TILE_TOKENS * max(1, tiles)


def _size_of(head: bytes) -> tuple[int, int] | None:
    if head[:8] == b"\x89PNG\r\n\x1a\n" and len(head) >= 24:
        width, height = struct.unpack(">II", head[16:24])
        return width, height
    if head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:
        width, height = struct.unpack("<HH", head[6:10])
        return width, height
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        return _webp_size(head)
    return _jpeg_size(head) if head[:2] == b"\xff\xd8" else None


def _webp_size(head: bytes) -> tuple[int, int] | None:
    """RFC 9649: VP8X has 24 bits each, VP8L 14 bits each, VP8 two words after its start code."""
    kind = head[12:16]
    if kind == b"VP8X":
        return int.from_bytes(head[24:27], "little") + 1, int.from_bytes(head[27:30], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        width, height = struct.unpack("<HH", head[26:30])
        return width & 0x3FFF, height & 0x3FFF
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """From segment to segment to the start of the frame (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if length < 2:
            return None
        at += 2 + length
    return None


def _wav_bytes_per_s(head: bytes) -> int:
    return int.from_bytes(head[28:32], "little") if head[12:16] == b"fmt " else 0


def _pages(expected: int, most: int) -> MediaTokens:
    return MediaTokens(expected * _PAGE_TOKENS, most * _MOST_PAGE_TOKENS)


def _decoded(data: memoryview, most_bytes: int) -> bytes:
    """The first bytes of base64 text; empty where it is none."""
    # Some encoders of JSON write a slash as \\/.
    text = bytes(data[: most_bytes // 3 * 4]).replace(b"\\", b"")
    try:
        return binascii.a2b_base64(text[: len(text) // 4 * 4])
    except binascii.Error:
        return b""
