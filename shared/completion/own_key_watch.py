"""What happens to a caller's own key that fails while serving: noted once, off the hot path.

A refusal has the key checked at the provider's free endpoint, and nothing but a failed check makes
it `invalid`: a 401 to a completion may be about something else. Then this process sends nothing
more with it, and checks it again later, when a request would use it: a key can be made good again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine

import psycopg

from shared.auth.key_check import KeyChecks, KeyStatus
from shared.auth.own_keys import OwnKeys, StoredKey, open_own_key
from shared.db.audit import Action, Actor, append_audit
from shared.db.connect import Database
from shared.db.user_keys import note_status
from shared.errors import (
    ProviderQuotaExhausted,
    ProviderRejectedKey,
    StoredKeyUnreadable,
    SwitchyardError,
    UpstreamError,
)
from shared.log import get_logger
from shared.routing.own_keys import OwnKey
from shared.routing.snapshot import Provider
from shared.vault.sealing import Vault

CHECK_EVERY_S = 60.0
"""At most so often is a key that still counts as good checked, however often it is refused."""
RECHECK_EVERY_S = 600.0
"""At most so often is one checked that counts as invalid."""

_STOP_WAIT_S = 2.0
_ACTOR = "switchyard"
_MAX_NOTED = 10_000

_Mark = tuple[int, str]
_Note = tuple[_Mark, str]


class OwnKeyWatch:
    """One a process; belongs to one event loop. `note` returns at once and never raises."""

    def __init__(
        self, own_keys: OwnKeys, checks: KeyChecks, vault: Vault, database: Database
    ) -> None:
        self._own_keys = own_keys
        self._checks = checks
        self._vault = vault
        self._database = database
        self._checked_at: dict[_Mark, float] = {}
        self._noted: dict[_Note, None] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def note(
        self, key: OwnKey | None, provider: Provider, error: UpstreamError, request_id: str
    ) -> None:
        """Take notice of an attempt with `key` that failed with `error`; anything else is ignored.

        `key` None is the platform's, which is not watched here.
        """
        if not isinstance(key, StoredKey):
            return
        actor = Actor(_ACTOR, request_id=request_id)
        if isinstance(error, ProviderRejectedKey):
            self._refused(key, provider, actor)
        elif isinstance(error, ProviderQuotaExhausted):
            reason = f"The key's account at {provider.name} has no credit."
            self._once(key, KeyStatus.QUOTA_EXHAUSTED, reason, actor)
        elif isinstance(error, StoredKeyUnreadable) and (note := self._new_note(key, error.code)):
            self._start(self._audit_unopened(key, error.code, actor), note)

    def forget(self) -> None:
        """The table has changed: what was noted may be worth noting again."""
        self._noted.clear()

    async def aclose(self) -> None:
        """Wait 2 s at most for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_STOP_WAIT_S)

    def _refused(self, key: StoredKey, provider: Provider, actor: Actor) -> None:
        mark, now = (key.id, key.sealed), time.monotonic()
        before = self._checked_at.get(mark)
        wait_s = RECHECK_EVERY_S if key.is_refused else CHECK_EVERY_S
        if before is not None and now - before < wait_s:
            return
        if len(self._checked_at) >= _MAX_NOTED:
            self._checked_at.clear()
        self._checked_at[mark] = now
        self._start(self._check(key, provider, actor))

    async def _check(self, key: StoredKey, provider: Provider, actor: Actor) -> None:
        opened = open_own_key(self._vault, key.user_id, key.sealed, provider)
        found = await self._checks.check(provider, opened)
        if found.status is KeyStatus.INVALID:
            self._own_keys.mark_refused(key)
            self._once(key, found.status, found.reason, actor)
        elif found.status is KeyStatus.OK and key.is_refused:
            await self._write(key, found.status, found.reason, actor, Action.USER_KEY_TESTED)
            self._own_keys.forget_user(key.user_id)

    def _once(self, key: StoredKey, status: KeyStatus, reason: str | None, actor: Actor) -> None:
        if note := self._new_note(key, status):
            self._start(self._write(key, status, reason, actor), note)

    def _new_note(self, key: StoredKey, what: str) -> _Note | None:
        """None where it was noted before."""
        note = ((key.id, key.sealed), what)
        if note in self._noted:
            return None
        if len(self._noted) >= _MAX_NOTED:
            self._noted.clear()
        self._noted[note] = None
        return note

    async def _write(
        self,
        key: StoredKey,
        status: KeyStatus,
        reason: str | None,
        actor: Actor,
        action: Action = Action.USER_KEY_FAILED,
    ) -> None:
        async with self._database.connection() as connection, connection.transaction():
            if await note_status(connection, key.id, key.sealed, status, reason, only_news=True):
                await append_audit(
                    connection,
                    actor,
                    action,
                    "user_key",
                    key.id,
                    details={"provider": key.provider, "user": key.user_id, "status": status},
                )

    async def _audit_unopened(self, key: StoredKey, code: str, actor: Actor) -> None:
        async with self._database.connection() as connection:
            await append_audit(
                connection,
                actor,
                Action.USER_KEY_NOT_OPENED,
                "user_key",
                key.id,
                details={"provider": key.provider, "user": key.user_id, "code": code},
            )

    def _start(self, work: Coroutine[None, None, None], note: _Note | None = None) -> None:
        task = asyncio.create_task(self._run(work, note))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, work: Coroutine[None, None, None], note: _Note | None) -> None:
        try:
            await work
        except (psycopg.Error, OSError, SwitchyardError) as error:
            if note is not None:
                self._noted.pop(note, None)  # so that the next refusal writes it
            get_logger().warning("own_key.note_failed", error=type(error).__name__)
