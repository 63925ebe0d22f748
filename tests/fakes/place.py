"""What a deployment of a module's or a session's own stands on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    database_url: str
    redis_url: str
    data_dir: Path


NewPlace = Callable[[str], Place]
"""The fixture `new_place`; it is given the name of the folder."""
