"""Laws of images whose label is not what they are."""

from __future__ import annotations

import pytest

from shared.wire.history.images import relabel_images
from tests.fakes.strict.images import GIF, JPEG, PNG, WEBP


def part(label: str, data: str, key: str = '"url"') -> bytes:
    return b'[{%b: "data:%b;base64,%b"}]' % (key.encode(), label.encode(), data.encode())


@pytest.mark.parametrize(
    ("label", "data", "real"),
    [
        ("image/png", JPEG, "image/jpeg"),
        ("image/jpg", JPEG, "image/jpeg"),
        ("image/jpeg", PNG, "image/png"),
        ("application/octet-stream", GIF, "image/gif"),
        ("", WEBP, "image/webp"),
        ("IMAGE/PNG", PNG, "image/png"),
        (r"image\/png", JPEG, "image/jpeg"),
        ("image/png", JPEG.replace("/", r"\/"), "image/jpeg"),
    ],
)
def test_an_image_is_what_its_first_bytes_say(label: str, data: str, real: str) -> None:
    assert relabel_images(part(label, data)) == part(real, data)


def test_a_parameter_of_the_label_stays_and_so_does_a_label_with_escapes_that_is_true() -> None:
    odd = part("image/png;name=a", JPEG)
    assert relabel_images(odd) == part("image/jpeg;name=a", JPEG)
    true = part(r"image\/png", PNG)
    assert relabel_images(true) is true


@pytest.mark.parametrize(
    "messages",
    [
        part("image/png", PNG),
        part("image/png", "AAAA"),
        part("image/png", "not base64!"),
        part("image/png", JPEG, key='"text"'),
        part("application/pdf", JPEG, key='"file_data"'),
        b'[{"content":"a;base64,b"}]',
        b'[{"url":"https://e.com/a.png"}]',
    ],
)
def test_anything_else_stays_the_same_object(messages: bytes) -> None:
    assert relabel_images(messages) is messages


def test_each_of_several_is_looked_at() -> None:
    both = part("image/png", JPEG)[:-1] + b"," + part("image/png", PNG)[1:]
    true = part("image/jpeg", JPEG)[:-1] + b"," + part("image/png", PNG)[1:]
    assert relabel_images(both) == true
