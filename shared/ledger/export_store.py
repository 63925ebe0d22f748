"""Where an export goes: a folder, or a prefix of an S3 bucket. An object is there whole or not."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit


class Store(Protocol):
    def put(self, name: str, content: bytes) -> None:
        """Write over what is there; after it returns the content is durable."""
        ...

    def get(self, name: str) -> bytes | None: ...


class Folder:
    """Readable by its owner alone: usage tells who asked what model when."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path

    def put(self, name: str, content: bytes) -> None:
        unfinished = self._path / f".{name}.new"
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(self._path / name)

    def get(self, name: str) -> bytes | None:
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None


class S3:
    """Credentials and region are found as in every AWS tool. Raises OSError where S3 refuses."""

    def __init__(self, bucket: str, prefix: str) -> None:
        """Raises ImportError where boto3 is not installed."""
        import boto3  # noqa: PLC0415  0.3 s and 80 MB, for this alone
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        self._errors = (BotoCoreError, ClientError)
        self._client: Any = boto3.client("s3")  # pyright: ignore[reportUnknownMemberType]
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def put(self, name: str, content: bytes) -> None:
        try:
            self._client.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=content)
        except self._errors as error:
            raise OSError(f"S3: {error}") from error

    def get(self, name: str) -> bytes | None:
        try:
            found = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name)
        except self._client.exceptions.NoSuchKey:
            return None
        except self._errors as error:
            raise OSError(f"S3: {error}") from error
        return found["Body"].read()


def open_store(place: str) -> Store:
    """A path, or `s3://bucket/prefix`. Raises ValueError, ImportError, OSError."""
    if not place.startswith("s3://"):
        return Folder(Path(place))
    parts = urlsplit(place)
    if not parts.netloc:
        raise ValueError("write s3://bucket/prefix")
    return S3(parts.netloc, parts.path.strip("/"))
