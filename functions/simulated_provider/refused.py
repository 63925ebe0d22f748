"""A request that is not answered; each provider words it in its own shape."""

from __future__ import annotations


class Refused(Exception):
    """`param` is the field at fault, when it is one; `allow` the methods that a path takes."""

    def __init__(
        self,
        message: str,
        param: str | None = None,
        *,
        status: int = 400,
        code: str | None = None,
        allow: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.param = param
        self.allow = allow
