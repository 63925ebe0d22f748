"""What an admin may say of a provider. Health, keys and `is_system_provider` are not among it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from shared.wire.provider import DialectName

Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Words = Annotated[str, Meta(max_length=2000)]
BaseUrl = Annotated[str, Meta(min_length=1, max_length=500)]
Prefix = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
# Shown to others: a link, never a script.
Link = Annotated[str, Meta(pattern=r"^https?://[!-~]{1,500}$")]
Limit = Annotated[int, Meta(ge=1, le=2**31 - 1)]
AuthType = Literal["bearer", "x-api-key", "none"]
TierName = Literal["free", "starter", "professional", "enterprise"]


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`base_url` has the version segment. `is_local`: a server of the operator's own, which may be
    at a private address and serves requests with `privacy_required`. `auth_type` none: it asks
    for no key. `litellm_prefix`: what the LiteLLM proxy calls it.
    """

    name: Name | UnsetType = UNSET
    dialect: DialectName | UnsetType = UNSET
    auth_type: AuthType | UnsetType = UNSET
    litellm_prefix: Prefix | UnsetType | None = UNSET
    is_local: bool | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    is_byok_supported: bool | UnsetType = UNSET
    supports_streaming: bool | UnsetType = UNSET
    supports_function_calling: bool | UnsetType = UNSET
    supports_vision: bool | UnsetType = UNSET
    rate_limit_rpm: Limit | UnsetType | None = UNSET
    rate_limit_tpm: Limit | UnsetType | None = UNSET
    rate_limit_rpd: Limit | UnsetType | None = UNSET
    min_tier: TierName | UnsetType = UNSET
    api_key_format: Name | UnsetType | None = UNSET
    display_name: Name | UnsetType | None = UNSET
    description: Words | UnsetType | None = UNSET
    documentation_url: Link | UnsetType | None = UNSET
    pricing_url: Link | UnsetType | None = UNSET
    status_page_url: Link | UnsetType | None = UNSET

    def values(self) -> dict[str, Any]:
        """What was said, by the names of ProviderRow."""
        said = {name: getattr(self, name) for name in self.__struct_fields__}
        said.pop("remove_keys", None)
        return {name: value for name, value in said.items() if value is not UNSET}


class ChangeProvider(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`remove_keys`: where the host changes, the keys that are sealed to the old one go."""

    base_url: BaseUrl | UnsetType = UNSET
    remove_keys: bool = False


class NewProvider(_Said, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`provider` is the slug, which never changes; only it and `base_url` are required."""

    provider: Slug
    base_url: BaseUrl
