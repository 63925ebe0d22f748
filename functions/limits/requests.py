"""The body of a quote: that of the door it is for, whose name is in `endpoint`."""

from __future__ import annotations

import time
from collections.abc import Mapping

import msgspec
from litestar.types import HTTPScope

from shared.auth.caller import Caller
from shared.completion.admit import Asked, asked_of, read_chat
from shared.completion.doors.embeddings import EMBEDDINGS
from shared.completion.doors.messages import MESSAGES
from shared.completion.doors.responses import unsealed_wire
from shared.completion.wire import CHAT, Wire
from shared.errors import InvalidField, MalformedBody
from shared.ledger.request_id import current_request_id

_WIRES: Mapping[object, Wire] = {
    one.endpoint: one for one in (CHAT, MESSAGES, unsealed_wire(), EMBEDDINGS)
}
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


async def asking(body: bytes, caller: Caller, scope: HTTPScope) -> tuple[bytes, Asked]:
    """The door's own body, and what it asks for. Raises what the door refuses it with."""
    try:
        fields = _fields.decode(body)
        endpoint = msgspec.json.decode(fields.pop("endpoint", b'"chat"'))
    except msgspec.DecodeError as error:
        raise MalformedBody("The body must be a JSON object.") from error
    wire = _WIRES.get(endpoint) if isinstance(endpoint, str) else None
    if wire is None:
        names = ", ".join(map(str, _WIRES))
        raise InvalidField(f"endpoint must be one of {names}.", param="endpoint")
    own = msgspec.json.encode(fields)
    headers = dict(scope["headers"])
    asked = asked_of(
        *(wire, await read_chat(wire, own, headers), caller, scope, headers),
        request_id=current_request_id(),
        started=time.perf_counter(),
    )
    return own, asked
