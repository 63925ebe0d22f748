"""Where the key ring comes from: the environment, AWS Secrets Manager, or wrapped by AWS KMS.

    env                       BYOK_ENCRYPTION_KEY holds the keys
    aws-secretsmanager:<id>   the secret holds them: as text, or as JSON {"BYOK_ENCRYPTION_KEY": …}
    aws-kms:<key id>          BYOK_ENCRYPTION_KEY holds them, each wrapped (`key generate --kms`)

boto3 is imported when a source of AWS is read; region and credentials are boto3's own affair.
"""

from __future__ import annotations

import base64
import binascii
import logging
from typing import Any, cast

import msgspec

from shared.settings import VaultSettings
from shared.vault.keyring import MAKE_ONE, KeyRing, parse_key_ring

SECRETS_MANAGER = "aws-secretsmanager:"
KMS = "aws-kms:"

# Shown in CloudTrail in clear; a wrapped key opens with the same words alone.
_KMS_CONTEXT = {"purpose": "switchyard-byok"}
_VARIABLE = "BYOK_ENCRYPTION_KEY"


def read_key_ring(settings: VaultSettings) -> KeyRing:
    """The ring of the source that BYOK_KEY_SOURCE names.

    Raises ValueError("Invalid encryption key: …"), which says what to do and holds no key.
    """
    source = settings.key_source
    if source.startswith(SECRETS_MANAGER):
        return parse_key_ring(_from_secrets_manager(source.removeprefix(SECRETS_MANAGER)))
    if settings.byok_encryption_key is None:
        raise ValueError(f"Invalid encryption key: {_VARIABLE} is not set; {MAKE_ONE}")
    given = settings.byok_encryption_key.get_secret_value()
    if source.startswith(KMS):
        return parse_key_ring(_unwrapped(given, source.removeprefix(KMS)))
    return parse_key_ring(given)


def wrap_key(key: str, kms_key_id: str) -> str:
    """`key`, wrapped by KMS, as BYOK_ENCRYPTION_KEY takes it under `aws-kms:<key id>`."""
    answer = _call(
        "kms", "encrypt", KeyId=kms_key_id, Plaintext=key, EncryptionContext=_KMS_CONTEXT
    )
    return base64.b64encode(answer["CiphertextBlob"]).decode("ascii")


def _unwrapped(given: str, kms_key_id: str) -> str:
    keys: list[str] = []
    for position, wrapped in enumerate(given.split(","), start=1):
        try:
            blob = base64.b64decode(wrapped.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ValueError(
                f"Invalid encryption key: key {position} is not one that KMS wrapped;"
                " `switchyard key generate --kms <key id>` makes one"
            ) from error
        answer = _call(
            "kms",
            "decrypt",
            KeyId=kms_key_id,
            CiphertextBlob=blob,
            EncryptionContext=_KMS_CONTEXT,
        )
        keys.append(answer["Plaintext"].decode("ascii", "replace"))
    return ",".join(keys)


def _from_secrets_manager(secret_id: str) -> str:
    text: str = _call("secretsmanager", "get_secret_value", SecretId=secret_id)["SecretString"]
    if not text.lstrip().startswith("{"):
        return text
    try:
        # As the console of Secrets Manager makes it.
        return str(msgspec.json.decode(text, type=dict[str, str])[_VARIABLE])
    except (msgspec.DecodeError, KeyError):
        # `from None`: the complaint could quote the secret.
        raise ValueError(
            f"Invalid encryption key: the secret is JSON without a text {_VARIABLE} in it"
        ) from None


def _call(service: str, operation: str, **arguments: Any) -> Any:
    """One call of AWS. Raises ValueError with the error's code, never with what was sent."""
    try:
        import boto3  # noqa: PLC0415  60 MB that only these sources need
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError as error:
        raise ValueError(
            "Invalid encryption key: BYOK_KEY_SOURCE names AWS and boto3 is not installed;"
            " pip install 'switchyard-gateway[aws]'"
        ) from error
    # At DEBUG botocore logs whole answers, and with them the keys.
    logging.getLogger("botocore").setLevel(logging.INFO)
    try:
        client: Any = cast(Any, boto3).client(service)
        return getattr(client, operation)(**arguments)
    except ClientError as error:
        code = cast(Any, error).response["Error"]["Code"]
        raise ValueError(
            f"Invalid encryption key: AWS {service} answered {code} to {operation}; check the"
            " name in BYOK_KEY_SOURCE, the role's permissions and AWS_REGION"
        ) from None
    except BotoCoreError as error:
        raise ValueError(
            f"Invalid encryption key: AWS {service} could not be asked"
            f" ({type(error).__name__}); check AWS_REGION and the role"
        ) from error
