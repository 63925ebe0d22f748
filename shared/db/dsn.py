"""What DATABASE_URL may look like; libpq would quote parts of a password in its complaints."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

from shared.settings import SettingsInvalid


def refuse_malformed(dsn: str) -> None:
    """Raises SettingsInvalid where libpq could not read it, or would look for its port in it."""
    try:
        ports = str(conninfo_to_dict(dsn).get("port") or "")
        if re.fullmatch(r"[0-9,]*", ports):
            return
    except psycopg.ProgrammingError:
        # Neither raised from here nor quoted: libpq's message repeats parts of the password. So
        # does the one it has for a port, which is where it looks for a password with a slash.
        pass
    raise SettingsInvalid(
        "DATABASE_URL cannot be read: percent-encode what is special in the password, for"
        " example postgresql://user:p%40ss@localhost:5432/switchyard"
    )
