"""infra/aws/template.yaml as CloudFormation gets it, translated by AWS's own translator."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

from tests.infra.deployed import INFRA

REGION = "eu-central-1"
CODE = {"Bucket": "code", "Key": "function.zip"}
PARAMETERS = {
    "SettingsSecret": "switchyard/settings",
    "SubnetIds": ["subnet-1"],
    "SecurityGroupIds": ["sg-1"],
    "WebAdapterVersion": 27,
}


@cache
def template() -> dict[str, Any]:
    return yaml_parse((INFRA / "aws" / "template.yaml").read_text("utf-8"))


def functions() -> dict[str, dict[str, Any]]:
    """The properties of each Lambda, by the folder that it is built from."""
    return {
        one["Properties"]["CodeUri"].rpartition("/")[2]: one["Properties"]
        for one in template()["Resources"].values()
        if one["Type"] == "AWS::Serverless::Function"
    }


class _NoManagedPolicies:
    """AWS's list of policies, which the translator would fetch: the template names its own."""

    def load(self) -> dict[str, str]:
        return {}


@cache
def translated() -> dict[str, Any]:
    """Needs a region in the environment, and asks nobody."""
    packaged = copy.deepcopy(template())
    for one in packaged["Resources"].values():
        if one["Type"] == "AWS::Serverless::Function":
            one["Properties"]["CodeUri"] = dict(CODE)
    return transform(packaged, dict(PARAMETERS), _NoManagedPolicies())
