"""Every error code that Switchyard answers with: its statuses, what it means, what to do.

A test compares them with the source. The OpenAPI document and the reference are made from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Code(NamedTuple):
    """`statuses` are those it may come with; `fix` is a sentence for the caller or operator."""

    statuses: tuple[int, ...]
    means: str
    fix: str


def _row(line: str) -> tuple[str, Code]:
    name, statuses, means, fix = (part.strip() for part in line.split("|"))
    return name, Code(tuple(map(int, statuses.split())), means, fix)


_TABLE = """
admin_required | 403 | The route is for admins. | Use a token with the admin role.
alias_not_found | 404 | There is no alias of that name. | List the aliases.
all_candidates_failed | 502 | Every model that could serve the request was tried. | See `attempts` in the error; try again later.
array_above_max_length | 400 | A list of the request has too many entries. | Send fewer.
base_url_refused | 400 | A provider's base URL is malformed or not allowed. | Use a public https address, or mark the provider local.
body_incomplete | 400 | The connection ended before the body did. | Send the request again.
body_too_large | 413 | The body is above 25 MB for a conversation, 64 KB for a form, or 1 MB for anything else. | Send less, for example smaller images.
body_too_slow | 408 | The head or body of the request took too long to arrive. | Send the request again, without pauses.
budget_exceeded | 402 | What a limit allows to be spent is spent. `param` is its scope. | Wait until it resets, or ask for more; `GET /api/v1/llm/limits` shows it.
budget_unavailable | 503 | What is left of a budget cannot be known right now. | Try again; an operator looks at Redis.
byok_not_supported | 400 | The provider takes no keys of callers here. | Leave the key to the operator.
cannot_be_asked | 400 | The provider cannot be tested as it is set up. | Correct its base URL or dialect.
ceiling_under_every_price | 400 | No model of the level costs as little as the ceiling says. | Raise it.
conflict | 409 | The change contradicts what is there already. | Read the message and look at the object named in `param`.
conflicting_credentials | 400 | The request has two credentials that differ. | Send one of them.
content_filter | 400 | The provider's filter refused the content. | Change the content.
context_length_exceeded | 400 | The messages do not fit the model's context window. | Shorten them, or ask for a model with a larger window.
csrf_mismatch | 403 | The console's page is older than the sign-in. | Open the page again.
database_unavailable | 503 | PostgreSQL does not answer, or takes no changes. | Try again; an operator looks at `/readyz`.
deadline_exceeded | 504 | No answer came within `REQUEST_DEADLINE`. | Ask for less, or stream.
field_refused | 400 | The field is not accepted through the gateway. | Leave it out.
foreign_origin | 403 | The form did not come from a page of the console. | Send it from there; behind a proxy set `PUBLIC_URL`.
head_too_large | 431 | The request line and headers are too large. | Send fewer or shorter headers; `MAX_HEAD_BYTES` is the bound.
head_too_slow | 408 | The headers did not arrive within 10 s. | Send the request again.
host_not_allowed | 403 | While the try-out tokens hold, only localhost is served. | Run the Procfile instead of `switchyard up`.
http_version_not_supported | 400 | The request is not HTTP/1.1. | Send HTTP/1.1.
internal_error | 500 | Something went wrong on our side. | Report it with the request id.
invalid_api_key | 401 | The token is not one of ours, or has been revoked. | Send a valid token; a provider's key is stored with `POST /api/v1/llm/byok/keys`.
invalid_content_length | 400 | Content-Length is not a plain number. | Correct it.
invalid_encoding | 400 | The body cannot be decompressed as its Content-Encoding says. | Correct the header or the body.
invalid_encrypted_content | 400 | Sealed reasoning is not of this gateway, or was given to another user or with another key. | Send back what you were given, or leave it out.
invalid_host | 400 | The Host header is missing, repeated or malformed. | Send one valid Host header.
invalid_http | 400 | This is not a valid HTTP/1.1 request. | Correct the client, or the proxy before us.
invalid_json | 400 | The body is not valid JSON. | Correct it.
invalid_request | 400 | The request is malformed. | Read the message.
invalid_type | 400 | A field has the wrong type. | Correct the field in `param`.
invalid_utf8 | 400 | The body is not valid UTF-8. | Encode it as UTF-8.
invalid_value | 400 | A field has a value that is not allowed. | Correct the field in `param`.
json_too_deep | 400 | The body is nested too deeply. | Flatten it.
json_too_large | 400 | The body has too many fields or values. | Send fewer.
key_not_found | 404 | No key is stored for that provider. | List the stored keys.
lifetime_not_allowed | 403 | The token would outlive the one it is made with. | Send an earlier `expires_at`, or none.
limit_not_found | 404 | There is no limit with that id. | List the limits.
method_not_allowed | 405 | The route does not take that method. | See the header `allow`.
missing_api_key | 401 | The request has no token. | Send `Authorization: Bearer <token>` or `x-api-key`.
missing_required_parameter | 400 | A required field is missing. | Send the field in `param`.
mixed_embedding_models | 400 | The models that could serve the request embed differently. | Name models of one kind.
model_in_use | 409 | The model was used, or a rule names it. | Switch it off instead.
model_not_allowed | 403 | The token may not use this model. | Use one of its `allowed_models`.
model_not_found | 400 404 | There is no such model, or no provider that can serve it. | See `GET /v1/models`; the message names near ones.
model_not_opened | 403 | The provider serves only listed models here. | Ask the operator to list it, or to open the provider.
model_unpriced | 400 | The model has no known price, and `UNPRICED_POLICY=refuse` holds. | Ask the operator to set its price.
network_unavailable | 503 | The gateway's own network is down. | Try again shortly.
no_candidate | 400 403 | Every model dropped out, for reasons in the message. | Correct the field in `param`; `POST /api/v1/llm/route` explains each model.
no_provider_key | 403 | Neither you nor the platform has a key for the provider. | Store one with `POST /api/v1/llm/byok/keys`, or ask the operator.
not_a_chat_model | 400 | The model does not chat. | Name one that does; texts are embedded at `/v1/embeddings`.
not_allowed | 403 | The caller may not do this. | Read the message.
not_an_embedding_model | 400 | The model does not embed. | Name one whose kind is `embedding`.
not_found | 404 | There is no such route or object. | `/docs` lists the routes.
not_ready | 503 | The process has not read its configuration yet. | Try again in a moment.
nothing_to_change | 400 | The body changes nothing. | Send at least one field.
origin_not_allowed | 403 | The page's origin may not call this gateway. | Add it to `CORS_ORIGINS`.
platform_key_refused | 503 | The provider refused the operator's key, or it has no credit. | The operator stores a valid key.
power_level_exists | 409 | There is a level of that name. | Change that one.
power_level_in_use | 409 | Rules or models still use the level. | Give them another level first.
previous_response_not_found | 400 404 | There is no such response, or it is another caller's. | Send the items themselves.
price_unreadable | 400 | A price's tiers contradict one another. | Correct `price.tiers`.
provider_denied_model | 403 | The provider's key may not use this model. | Ask the provider for access, or use another model.
provider_in_use | 409 | The provider still has models or keys. | Delete them first, or switch it off.
provider_key_host_changed | 409 422 | The provider has moved to another host than the key was sealed to. | Store the key again.
provider_key_rejected | 401 | The provider refused your own key. | Store a valid key with `POST /api/v1/llm/byok/keys`.
provider_key_unreadable | 422 | Your stored key does not open. | Store it again; if all keys fail, an operator checks `switchyard key verify`.
provider_not_found | 400 404 | There is no provider of that name. | List the providers.
provider_quota_exhausted | 402 | Your own key has no credit left at the provider. | Add credit there.
provider_rate_limited | 429 | The provider asked us to slow down. | Wait for `retry-after`.
provider_refused_request | 400 | The provider refused the request; the message quotes it. | Correct it as the provider says.
provider_takes_no_keys | 400 | No key can be stored for the provider. | Correct its base URL, or call it without one.
provider_timeout | 504 | The provider did not answer in time. | Try again, or use another model.
provider_unavailable | 502 | The provider failed or could not be reached. | Try again, or use another model.
quote_expired | 409 | There is no such quote, or no longer. | Ask for another: one holds for 60 s.
quote_mismatch | 422 | The quote is for another request. | Send the very body that the quote was asked for.
quote_used | 409 | The quote was redeemed already. | Ask for another.
rate_limit_exceeded | 429 | A limit on requests, tokens or open requests is reached. `param` is its scope. | Wait for `retry-after`.
redis_unavailable | 503 | Redis does not answer, so nobody can sign in. | Try again; see `/readyz`.
report_too_slow | 503 | The database took too long to answer a report. | Ask for fewer days or rows.
reports_busy | 503 | Too many reports are being read. | Try again when they are done.
response_not_found | 404 | There is no stored response of that id, or it was given to another user or with a key that is gone. | Send the id as you were given it.
rule_exists | 409 | Another rule says the same. | Change that one.
rule_never_matches | 400 | No request could ever match the rule. | Correct the field in `param`.
scope_not_allowed | 403 | The token lacks a scope. | Use a token that has it.
service_unavailable | 503 | The gateway cannot serve right now. | Wait for `retry-after`.
setting_not_used | 400 | The field has no effect yet, so it cannot be set. | Leave it out.
sign_in_needed | 401 | The page needs a sign-in. | Sign in at `/sign-in`.
stream_cut | 502 | The provider's stream ended early. | Try again; what was delivered is billed.
system_provider | 409 | The provider came with the installation. | Switch it off instead.
taken | 409 | There is one of that name already. | Choose another name, or change that one.
team_in_use | 409 | Valid tokens belong to the team. | Revoke them first, or switch the team off.
team_not_allowed | 403 | You do not belong to that team. | Ask an admin of the team.
team_not_found | 404 | There is no team with that id. | List the teams.
tier_not_allowed | 403 | The level or model needs a higher tier. | Ask for a token of that tier.
token_ended | 400 | The token has been revoked, or rotated already. | Create a new one.
token_expired | 401 | The token has expired. | Ask for a new one.
token_limited | 403 | The token has limits of its own, so it can make no other. | Ask an admin for another token.
token_not_allowed | 403 | The token to rotate may do more than the one that asks, or lasts longer. | Rotate it with itself, or ask an admin.
token_not_found | 404 | There is no token with that id. | List the tokens.
too_many_open_requests | 503 | The process serves as many requests as it may. | Wait for `retry-after`; an operator adds processes.
too_many_sign_ins | 429 | Too many sign-ins from this address failed. | Wait as `retry-after` says.
too_many_tokens | 409 | You have as many valid tokens as one may. | Revoke one first.
transfer_encoding_not_supported | 501 | The transfer encoding is not known. | Send `chunked`, or a Content-Length.
unknown_parameter | 400 | The route does not take that parameter. | The message lists those it takes.
unknown_provider | 400 | There is no provider of that name. | `GET /api/v1/llm/providers` lists them.
unprocessable | 422 | Well formed, but against a rule. | Read the message.
unsupported_content | 400 | The model's provider cannot take a part of the content. | Leave it out, or use another model.
unsupported_content_encoding | 415 | The body's Content-Encoding is not known. | Use gzip, deflate or none.
unsupported_parameter | 400 | The model's provider cannot honor the field. | Leave it out, or send `drop_params: true`.
unsupported_with_max_cost_usd | 400 | The field's cost cannot be bounded by `max_cost_usd`. | Leave one of the two out.
usage_spool_full | 503 | Usage cannot be stored, so nothing is served. | An operator looks at the disk and at Redis.
"""  # noqa: E501

CODES: Mapping[str, Code] = dict(map(_row, _TABLE.strip().splitlines()))
"""By code."""


def codes_of(status: int) -> list[str]:
    """Those that a status may come with."""
    return [name for name, code in CODES.items() if status in code.statuses]
