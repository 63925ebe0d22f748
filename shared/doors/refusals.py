"""What the protocol answers by itself, where a request is none or keeps us waiting."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from shared.errors import RequestRefused
from shared.wire.error_body import encode_error


class Refusal(NamedTuple):
    """An answer of the protocol's own, after which the connection ends."""

    status: int
    code: str
    message: str

    def encoded(self) -> bytes:
        body = encode_error(RequestRefused(self.message, code=self.code))
        return (
            b"HTTP/1.1 %d %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n"
            b"connection: close\r\n\r\n%b"
        ) % (self.status, HTTPStatus(self.status).phrase.encode(), len(body), body)


MALFORMED = Refusal(400, "invalid_http", "This is not a valid HTTP/1.1 request.")
BAD_HOST = Refusal(400, "invalid_host", "Send one valid Host header.")
BAD_LENGTH = Refusal(400, "invalid_content_length", "Content-Length must be a plain number.")
NO_SUCH_CODING = Refusal(
    501, "transfer_encoding_not_supported", "The only transfer encoding taken is 'chunked'."
)
NO_SUCH_VERSION = Refusal(400, "http_version_not_supported", "Send HTTP/1.1.")
SLOW_HEAD = Refusal(408, "head_too_slow", "The head did not arrive within 10 s.")
SLOW_BODY = Refusal(408, "body_too_slow", "No byte of the body came for 30 s.")
LARGE_HEAD = Refusal(431, "head_too_large", "The request line and headers are too large.")
LARGE_FRAMING = Refusal(400, "invalid_http", "The body's chunks are mostly framing.")
