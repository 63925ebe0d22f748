"""The ring from the environment, AWS Secrets Manager, and wrapped by AWS KMS (moto)."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from shared.auth.open_vault import keep_fresh
from shared.settings import SettingsInvalid, VaultSettings, load_settings
from shared.vault.keyring import KeyRing, generate_key
from shared.vault.sealing import Vault
from shared.vault.sources import read_key_ring, wrap_key

ONE, TWO = generate_key(), generate_key()


def settings(source: str = "env", key: str = "") -> VaultSettings:
    values = {"BYOK_KEY_SOURCE": source, **({"BYOK_ENCRYPTION_KEY": key} if key else {})}
    return load_settings(VaultSettings, **values)[VaultSettings]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield


def put_secret(text: str) -> Any:
    client: Any = boto3.client("secretsmanager")
    client.create_secret(Name="byok", SecretString=text)
    return client


def test_the_environment_holds_the_ring_newest_first() -> None:
    assert read_key_ring(settings(key=f"{TWO},{ONE}")).ids == KeyRing([TWO, ONE]).ids


@pytest.mark.parametrize("key", ["", "swordfish", f"{ONE},short"], ids=["none", "no key", "half"])
def test_no_or_a_wrong_key_is_refused_in_the_guides_words(key: str) -> None:
    with pytest.raises(ValueError, match=r"^Invalid encryption key: .*`switchyard key generate`"):
        read_key_ring(settings(key=key))


@pytest.mark.parametrize("source", ["vault", "aws-kms:", "aws-secretsmanager: ", "aws-s3:x"])
def test_a_source_that_does_not_exist_is_named_with_its_setting(source: str) -> None:
    with pytest.raises(SettingsInvalid, match="BYOK_KEY_SOURCE is invalid"):
        settings(source)


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "text",
    [f"{TWO},{ONE}", json.dumps({"BYOK_ENCRYPTION_KEY": f"{TWO},{ONE}"})],
    ids=["text", "console"],
)
def test_secrets_manager_holds_the_ring_as_text_or_as_its_console_makes_it(text: str) -> None:
    put_secret(text)
    assert read_key_ring(settings("aws-secretsmanager:byok")).ids == KeyRing([TWO, ONE]).ids


@pytest.mark.usefixtures("aws")
@pytest.mark.parametrize(
    "text", ['{"other": "swordfish"}', '{"BYOK_ENCRYPTION_KEY": 7}', "{swordfish", "swordfish"]
)
def test_a_secret_without_a_ring_is_refused_and_not_repeated(text: str) -> None:
    put_secret(text)
    with pytest.raises(ValueError, match=r"^Invalid encryption key") as refused:
        read_key_ring(settings("aws-secretsmanager:byok"))
    assert "swordfish" not in str(refused.value)
    assert refused.value.__cause__ is None or "swordfish" not in str(refused.value.__cause__)


@pytest.mark.usefixtures("aws")
def test_a_secret_that_is_not_there_is_refused_with_awss_own_code() -> None:
    with pytest.raises(ValueError, match="ResourceNotFoundException to get_secret_value"):
        read_key_ring(settings("aws-secretsmanager:byok"))


def test_without_a_region_aws_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    with pytest.raises(ValueError, match=r"could not be asked \(NoRegionError\)"):
        read_key_ring(settings("aws-secretsmanager:byok"))


@pytest.mark.usefixtures("aws")
def test_kms_unwraps_each_key_of_the_ring() -> None:
    kms: Any = boto3.client("kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    wrapped = [wrap_key(key, key_id) for key in (TWO, ONE)]
    assert all(key not in "".join(wrapped) for key in (ONE, TWO))
    ring = read_key_ring(settings(f"aws-kms:{key_id}", ", ".join(wrapped)))
    assert ring.ids == KeyRing([TWO, ONE]).ids


@pytest.mark.usefixtures("aws")
def test_kms_unwraps_for_this_purpose_alone() -> None:
    kms: Any = boto3.client("kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=key_id, Plaintext=ONE)["CiphertextBlob"]
    foreign = base64.b64encode(blob).decode()
    with pytest.raises(ValueError, match="Invalid encryption key: AWS kms answered"):
        read_key_ring(settings(f"aws-kms:{key_id}", foreign))
    with pytest.raises(ValueError, match="key 1 is not one that KMS wrapped"):
        read_key_ring(settings(f"aws-kms:{key_id}", ONE + "!"))
    with pytest.raises(ValueError, match="BYOK_ENCRYPTION_KEY is not set"):
        read_key_ring(settings(f"aws-kms:{key_id}"))


@pytest.mark.usefixtures("aws")
def test_no_key_is_logged_at_debug(caplog: pytest.LogCaptureFixture) -> None:
    """botocore logs whole answers at DEBUG."""
    kms: Any = boto3.client("kms")
    key_id = kms.create_key()["KeyMetadata"]["KeyId"]
    put_secret(TWO)
    with caplog.at_level(logging.DEBUG):
        read_key_ring(settings("aws-secretsmanager:byok"))
        read_key_ring(settings(f"aws-kms:{key_id}", wrap_key(ONE, key_id)))
    assert ONE not in caplog.text
    assert TWO not in caplog.text


@pytest.mark.usefixtures("aws")
def test_a_key_added_to_the_secret_is_known_without_a_restart_and_an_outage_changes_nothing() -> (
    None
):
    client = put_secret(ONE)
    source = settings("aws-secretsmanager:byok")

    async def run() -> tuple[tuple[str, ...], tuple[str, ...]]:
        vault = Vault(read_key_ring(source), lambda: read_key_ring(source))
        fresh = asyncio.create_task(keep_fresh(vault, every_s=0.01))
        client.put_secret_value(SecretId="byok", SecretString=f"{ONE},{TWO}")
        async with asyncio.timeout(20):
            while len(vault.ring.ids) < 2:  # noqa: ASYNC110  nothing tells of a refresh
                await asyncio.sleep(0.01)
        added = vault.ring.ids
        client.put_secret_value(SecretId="byok", SecretString="swordfish")
        await asyncio.sleep(0.2)
        fresh.cancel()
        return added, vault.ring.ids

    added, after = asyncio.run(run())
    assert added == after == KeyRing([ONE, TWO]).ids
