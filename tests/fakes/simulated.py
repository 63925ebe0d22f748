"""The scripted provider (its README says what it does) as a real server in its own process."""

from __future__ import annotations

from typing import Any

import httpx

from tests.fakes.uvicorn_server import UvicornServer


class SimulatedProvider(UvicornServer):
    """Use as `with`. `url` has no path: any prefix may follow it, as in `{url}/openai/v1`."""

    def __init__(self) -> None:
        super().__init__("tests.fakes.scripted_provider.app:app", ready="/__calls")

    def __enter__(self) -> SimulatedProvider:
        self.start()
        return self

    def calls(self) -> list[dict[str, Any]]:
        """The log, oldest first; `Call` in tests.fakes.scripted_provider.calls names its fields."""
        return httpx.get(f"{self.url}/__calls", trust_env=False).json()["calls"]

    def clear(self) -> None:
        httpx.delete(f"{self.url}/__calls", trust_env=False).raise_for_status()
