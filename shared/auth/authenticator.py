"""From an Authorization header to a Caller: from memory, and from PostgreSQL the first time.

Tokens are remembered by their full SHA-256 digest, never by a part of it (CVE-2026-35030), and
forgotten when the token table's version moves, or when nothing of it was heard for STALE_AUTH_S
(catalog/watch.py). A database that is down is a 503, never a 401.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncGenerator, Mapping
from functools import lru_cache

from shared.auth.caller import Caller, Role
from shared.auth.remembered import Remembered
from shared.auth.token import digest, is_well_formed
from shared.catalog.news.change import TOKENS
from shared.catalog.watch import SnapshotKeeper
from shared.db.access_tokens import AccessToken, find_access_token
from shared.db.connect import Database, Use
from shared.errors import InvalidToken, MissingToken
from shared.resources import opener
from shared.routing.snapshot import Tier
from shared.settings import TryOutSettings

TRYOUT_CALLERS: Mapping[str, Caller] = {
    "test-user-token": Caller(
        user_id="test-user",
        team_id=None,
        tier=Tier.PROFESSIONAL,
        role=Role.USER,
        token_id=None,
        scopes=frozenset(),
        allowed_models=None,
        expires_at_s=None,
    ),
    "admin-token": Caller(
        user_id="admin",
        team_id=None,
        tier=Tier.ENTERPRISE,
        role=Role.ADMIN,
        token_id=None,
        scopes=frozenset(),
        allowed_models=None,
        expires_at_s=None,
    ),
}
"""The two tokens of the deployment guide, valid only under `switchyard up` on loopback."""


class Authenticator:
    """Remembers callers by token digest, and which tokens are nobody's."""

    def __init__(self, database: Database, pinned: Mapping[bytes, Caller] | None = None) -> None:
        self._database = database
        self._pinned = dict(pinned or {})
        self._callers = Remembered(
            self._query,
            event="token.lookup_failed",
            complaint="The token cannot be checked right now: the database is unavailable.",
        )

    def forget(self) -> None:
        """Drop every remembered token: the table has changed."""
        self._callers.forget()

    def forget_token(self, token_id: str) -> None:
        """Drop one, which has changed; `token_id` as text."""
        self._callers.forget_where(lambda caller: str(caller.token_id) == token_id)

    def recall(self, authorization: bytes) -> Caller | None:
        """The caller of `Bearer <token>` if remembered and not expired; no I/O, no lock."""
        if authorization[:7].lower() != b"bearer ":
            return None
        key = hashlib.sha256(authorization[7:].strip()).digest()
        caller = self._callers.recall(key) or self._pinned.get(key)
        if caller is None or (
            caller.expires_at_s is not None and caller.expires_at_s <= time.time()
        ):
            return None
        return caller

    async def authenticate(self, authorization: bytes | None) -> Caller:
        """Raises MissingToken, InvalidToken, or NotReady where the database cannot be asked."""
        if not authorization:
            raise MissingToken(
                "No API token: send it as 'Authorization: Bearer <token>' "
                "(`switchyard token create` makes one)."
            )
        caller = self.recall(authorization)
        if caller is not None:
            return caller
        scheme, _, rest = authorization.partition(b" ")
        token = rest.strip().decode("latin-1")
        if scheme.lower() != b"bearer":
            raise _malformed()
        caller = await self._resolve(token)
        if caller is None:
            raise InvalidToken(
                "The API token is not known or has been revoked, or its user or team is blocked."
            )
        if caller.expires_at_s is not None and caller.expires_at_s <= time.time():
            raise InvalidToken("The API token has expired.", code="token_expired")
        return caller

    async def holder_of(self, key: bytes) -> Caller | None:
        """Who holds the token of this digest; None where it has ended. For the console's sessions.

        Raises NotReady where the database cannot be asked.
        """
        caller = self._pinned.get(key) or await self._callers.load(key)
        if caller is None or caller.expires_at_s is None or caller.expires_at_s > time.time():
            return caller
        return None

    async def _resolve(self, token: str) -> Caller | None:
        """Whose token it is, by the kind that its shape says; None: nobody's.

        A second kind of bearer (a JWT of OIDC, three parts with dots) has its branch here, before
        anything is asked of the database. What it finds belongs into `_callers` under the same
        digest, with the JWT's own end: then `recall` needs to know nothing of kinds.
        """
        if not is_well_formed(token):
            raise _malformed()
        return await self._callers.load(digest(token))

    async def _query(self, key: bytes) -> Caller | None:
        async with self._database.connection(Use.LOOK_UP) as connection:
            row = await find_access_token(connection, key)
        return None if row is None else _caller(row)


def _malformed() -> InvalidToken:
    return InvalidToken("The API token is malformed; check that it was copied whole.")


@lru_cache(maxsize=128)
def _set_of(scopes: tuple[str, ...]) -> frozenset[str]:
    """One for all who have the same: 100,000 callers are remembered."""
    return frozenset(scopes)


def _caller(row: AccessToken) -> Caller:
    return Caller(
        user_id=row.user_id,
        team_id=row.team_id,
        tier=Tier(row.tier),
        role=Role(row.role),
        token_id=row.id,
        scopes=_set_of(tuple(row.scopes)),
        allowed_models=None if row.allowed_models is None else frozenset(row.allowed_models),
        expires_at_s=None if row.expires_at is None else row.expires_at.timestamp(),
    )


@opener
async def open_authenticator(
    database: Database, keeper: SnapshotKeeper, settings: TryOutSettings
) -> AsyncGenerator[Authenticator]:
    pinned: dict[bytes, Caller] = {}
    if settings.tokens:
        pinned = {digest(token): caller for token, caller in TRYOUT_CALLERS.items()}
    authenticator = Authenticator(database, pinned)
    keeper.on_change(TOKENS, authenticator.forget, of_one=authenticator.forget_token)
    yield authenticator
