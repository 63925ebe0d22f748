"""The circuits of one process, and what it knows of credentials: fed by outcomes, read per request.

What is to be passed over just now is in `blocks`, which is empty as long as all is well: then a
request pays nothing for it. Own keys that a provider refused are not here: their table says so.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from shared.errors import (
    Blame,
    PlatformKeyRefused,
    ProviderDeniedModel,
    ProviderRateLimited,
    ProviderUnavailable,
    UpstreamError,
)
from shared.health.circuits import Circuit, CircuitState, Counts, State
from shared.health.connect_failures import ConnectFailures
from shared.log import get_logger
from shared.metrics import CIRCUITS
from shared.routing.choice import Candidate
from shared.routing.order import Block, BlockKey
from shared.routing.snapshot import Health
from shared.wire.rate_limits import LimitKind, RateLimit

COOL_S = 2.0
"""How long a rate limit holds where the provider does not say."""
LONGEST_COOL_S = 3600.0
REFUSED_S = 60.0
DENIED_S = 300.0
"""How long a model is asked for last with a key that may not use it."""
REFUSALS_WITHIN_S = 60.0
LOW_SHARE = 0.1
"""From here on tokens that are left are looked at: a prompt of more of them would be a 429."""

MOST_UNLISTED = 500
"""Models that callers name and nobody has listed: so many are told apart at once, and no more."""

_OVERLOADED = frozenset({502, 503, 504, 529})
"""Statuses that say how the provider is. Any other failure may be what one request brings about."""
_CHECKS_FAIL = (Health.DEGRADED, Health.DOWN)
# Python 3.11 looks a member up by a call, and this is asked in each request.
_CLOSED = State.CLOSED
_GAUGE = {State.CLOSED: 0, State.HALF_OPEN: 1, State.OPEN: 2}


class CircuitTable:
    """Belongs to one event loop. `clock` never goes back; `chance` draws from [0, 1)."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.blocks: dict[BlockKey, Block] = {}
        self.clock = clock
        self._chance = chance
        self._circuits: dict[tuple[str, str], Circuit] = {}
        self._unlisted: set[tuple[str, str]] = set()
        self._connects = ConnectFailures()
        self._refused_s: dict[str, float] = {}
        self._news: dict[tuple[str, str], CircuitState] = {}
        self._block_news: dict[BlockKey, Block] = {}

    def admit(self, candidate: Candidate) -> bool:
        """Whether to send to it now: a half-open circuit lets few through at once."""
        place = _place(candidate)
        circuit = self._circuits.get(place)
        if circuit is None or circuit.state is _CLOSED:
            return True
        is_admitted = circuit.admit(self.clock())
        self._block(place, circuit)
        return is_admitted

    def released(self, candidate: Candidate) -> None:
        """What was admitted says nothing of its place: its permit is given back."""
        place = _place(candidate)
        circuit = self._circuits.get(place)
        if circuit is not None and circuit.state is not _CLOSED:
            circuit.released()
            self._block(place, circuit)

    def answered(self, candidate: Candidate) -> None:
        """The provider did its work, be it to refuse the request or the key."""
        place = _place(candidate)
        self._note_answer(candidate)
        circuit = self._circuits.get(place) or self._new(candidate, place)
        if circuit is None:
            return
        if circuit.state is _CLOSED:
            circuit.succeeded(self.clock())
        elif circuit.succeeded(self.clock()):
            self._tell(place, circuit)
        else:
            self._block(place, circuit)

    def failed(
        self,
        candidate: Candidate,
        error: UpstreamError,
        *,
        caller: str,
        status: int | None = None,
        never_connected: bool = False,
    ) -> None:
        """Take in how an attempt failed that was sent, and against whom that counts.

        `caller` is the user whose request it was; `status` what was answered, None for nothing.
        """
        if error.blames is Blame.PROVIDER:
            if status is not None:
                self._note_answer(candidate)
            self._provider_failed(candidate, status, caller, never_connected=never_connected)
        elif isinstance(error, ProviderRateLimited):
            wait_s = COOL_S if error.retry_after_s is None else error.retry_after_s
            self._note_answer(candidate)
            self._cool(candidate, wait_s)
            self.released(candidate)
        elif isinstance(error, PlatformKeyRefused):
            self.answered(candidate)
            self._platform_key_refused(candidate.model.provider.slug)
        elif error.blames is not Blame.US:
            self.answered(candidate)
            if isinstance(error, ProviderDeniedModel):
                place = (*_place(candidate), candidate.credential)
                block = Block(ProviderDeniedModel, self.clock() + DENIED_S)
                self.blocks[place] = self._block_news[place] = block

    def not_sent(self, candidate: Candidate, error: BaseException) -> None:
        """Nothing was sent after all, by `error`: that says nothing of the provider."""
        self.released(candidate)
        if isinstance(error, PlatformKeyRefused):
            self._platform_key_refused(candidate.model.provider.slug)

    def learn(self, candidate: Candidate, limits: Iterable[RateLimit]) -> None:
        """Keep away what would be answered 429: nothing is left, or less than a prompt takes."""
        for limit in limits:
            if limit.remaining is None or limit.kind is LimitKind.OUTPUT_TOKENS:
                continue
            wait_s = COOL_S if limit.reset_s is None else limit.reset_s
            if limit.remaining == 0:
                self._cool(candidate, wait_s)
            elif limit.kind is not LimitKind.REQUESTS and _is_low(limit):
                self._cool(candidate, wait_s, over_tokens=limit.remaining)

    def is_local_fault(self) -> bool:
        """Whether it is our own network that is down."""
        return self._connects.is_local(self.clock())

    def sweep(self) -> None:
        """Forget what has passed; once a second is enough."""
        now = self.clock()
        for place in [place for place, block in self.blocks.items() if block.until_s <= now]:
            del self.blocks[place]
        for place in [place for place, one in self._circuits.items() if one.is_idle(now)]:
            del self._circuits[place]
            self._unlisted.discard(place)

    def counts(self) -> Iterator[tuple[str, str, Counts]]:
        """Provider, model and what came back in the window, for all that were sent to in it; the
        models of a provider that nobody has listed together, under an empty name.
        """
        now = self.clock()
        unlisted: dict[str, Counts] = {}
        for (slug, model_id), circuit in self._circuits.items():
            counts = circuit.counts(now)
            if (slug, model_id) in self._unlisted:
                unlisted[slug] = counts.plus(unlisted.get(slug))
            else:
                yield slug, model_id, counts
        for slug, counts in unlisted.items():
            yield slug, "", counts

    def states(self) -> Iterator[tuple[str, str, CircuitState]]:
        """Every circuit that is not closed."""
        for (slug, model_id), circuit in self._circuits.items():
            if circuit.state is not _CLOSED:
                yield slug, model_id, circuit.news

    def take_news(self) -> tuple[Mapping[tuple[str, str], CircuitState], Mapping[BlockKey, Block]]:
        """What has changed here since the last call, for other processes."""
        news, self._news = self._news, {}
        blocks, self._block_news = self._block_news, {}
        return news, blocks

    def put_back(
        self, news: Mapping[tuple[str, str], CircuitState], blocks: Mapping[BlockKey, Block]
    ) -> None:
        """What could not be told is told the next time, unless something newer is."""
        self._news = {**news, **self._news}
        self._block_news = {**blocks, **self._block_news}

    def adopt(self, slug: str, model_id: str, news: CircuitState) -> None:
        """Follow another process in what it has newly learned."""
        if news.state is State.CLOSED and (slug, model_id) not in self._circuits:
            return
        circuit = self._circuits.setdefault((slug, model_id), Circuit())
        if circuit.adopt(news):
            get_logger().info(
                "circuit.followed", provider=slug, model=model_id, state=news.state.value
            )
            self._block((slug, model_id), circuit)

    def adopt_block(self, place: BlockKey, block: Block) -> None:
        held = self.blocks.get(place)
        if block.until_s > self.clock() and (held is None or held.until_s < block.until_s):
            self.blocks[place] = block

    def _new(self, candidate: Candidate, place: tuple[str, str]) -> Circuit | None:
        """None for one unlisted model too many: of those no more are told apart."""
        if not candidate.model.id:
            if len(self._unlisted) >= MOST_UNLISTED:
                return None
            self._unlisted.add(place)
        circuit = self._circuits[place] = Circuit()
        return circuit

    def _note_answer(self, candidate: Candidate) -> None:
        if not candidate.model.provider.is_local:
            self._connects.answered()

    def _provider_failed(
        self, candidate: Candidate, status: int | None, caller: str, *, never_connected: bool
    ) -> None:
        now, place, provider = self.clock(), _place(candidate), candidate.model.provider
        if never_connected and not provider.is_local:
            self._connects.note(place[0], now)
            if self._connects.is_local(now):
                self.released(candidate)
                return
        circuit = self._circuits.get(place) or self._new(candidate, place)
        if circuit is None:
            return
        is_seen = never_connected or status in _OVERLOADED or provider.health in _CHECKS_FAIL
        if circuit.failed(now, self._chance(), None if is_seen else caller):
            self._tell(place, circuit)
        elif circuit.state is not _CLOSED:
            self._block(place, circuit)

    def _platform_key_refused(self, slug: str) -> None:
        """Two refusals within a minute: until the operator has fixed it others come first."""
        now = self.clock()
        before = self._refused_s.get(slug)
        self._refused_s[slug] = now
        if before is not None and now - before <= REFUSALS_WITHIN_S:
            block = Block(PlatformKeyRefused, now + REFUSED_S)
            self.blocks[slug, None, 0] = self._block_news[slug, None, 0] = block

    def _cool(self, candidate: Candidate, wait_s: float, over_tokens: int = -1) -> None:
        place = (*_place(candidate), candidate.credential)
        is_unlisted = not candidate.model.id
        until = self.clock() + min(wait_s, LONGEST_COOL_S)
        held = self.blocks.get(place)
        if held is None and is_unlisted and len(self.blocks) >= MOST_UNLISTED:
            return
        if held is not None and held.until_s >= until and held.over_tokens <= over_tokens:
            return
        block = self.blocks[place] = Block(ProviderRateLimited, until, over_tokens)
        if not is_unlisted:
            self._block_news[place] = block

    def _tell(self, place: tuple[str, str], circuit: Circuit) -> None:
        """A circuit has opened or closed: here at once, elsewhere with the next exchange."""
        slug, model_id = place
        if place not in self._unlisted:
            self._news[place] = circuit.news
        self._block(place, circuit)
        get_logger().warning(
            "circuit.opened" if circuit.state is State.OPEN else "circuit.closed",
            provider=slug,
            model=model_id,
            times_opened=circuit.times_opened,
            open_s=round(max(0.0, circuit.until_s - self.clock()), 1),
        )

    def _block(self, place: tuple[str, str], circuit: Circuit) -> None:
        until = circuit.shut_until(self.clock())
        if until:
            self.blocks[(*place, None)] = Block(ProviderUnavailable, until)
        else:
            self.blocks.pop((*place, None), None)
        if place not in self._unlisted:
            CIRCUITS.labels(*place).set(_GAUGE[circuit.state])


def _place(candidate: Candidate) -> tuple[str, str]:
    model = candidate.model
    return model.provider.slug, model.model_id


def _is_low(limit: RateLimit) -> bool:
    return limit.limit is not None and (limit.remaining or 0) < LOW_SHARE * limit.limit
