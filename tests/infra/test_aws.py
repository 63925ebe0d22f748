"""infra/aws: one Lambda a function, with its settings, its routes, and no right beyond its needs.

Nothing here ran on AWS. The template is translated by AWS's translator, held to AWS's schemas by
cfn-lint, and deployed to moto, which leaves out in silence the types that it does not know: they
are named below, and made through their services' own calls.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.architecture.tree import ROOT
from tests.infra import aws
from tests.infra.deployed import INFRA, deployed, difference, lambdas, settings_of_lambda, web_alone

STREAMING = {"chat_completions", "embeddings", "messages", "responses"}
# Of the place: where it listens, and what starts it.
OF_LAMBDA = {
    *("SWITCHYARD_FUNCTION", "FUNCTION", "HOST", "PORT", "DRAIN_S"),
    *("AWS_LAMBDA_EXEC_WRAPPER", "AWS_LWA_INVOKE_MODE", "AWS_LWA_READINESS_CHECK_PATH"),
}
# Not from the secret of settings: the key ring has one of its own, the queue is the stack's.
OF_THE_STACK = {
    *("BYOK_KEY_SOURCE", "HEALTH_CHECK_LAMBDA"),
    *("USAGE_QUEUE_URL", "SWITCHYARD_DATA_DIR", "SPOOL_EPHEMERAL"),
}
NOT_ON_LAMBDA = {"BYOK_ENCRYPTION_KEY"}
UNKNOWN_TO_MOTO = {
    *("AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage", "AWS::Lambda::Url"),
    *("AWS::CloudWatch::Alarm", "AWS::SecretsManager::Secret"),
}


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", aws.REGION)


def variables(name: str) -> dict[str, Any]:
    return aws.functions()[name]["Environment"]["Variables"]


@pytest.mark.slow
def test_the_template_passes_cfn_lint() -> None:
    lint = Path(sys.executable).with_name("cfn-lint")
    command = [str(lint), str(INFRA / "aws" / "template.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("name", lambdas())
def test_every_function_is_a_lambda_with_exactly_its_settings(name: str) -> None:
    assert name in aws.functions(), f"add a function for {name} to template.yaml, like Models"
    given = variables(name).keys() - OF_LAMBDA | (settings_of_lambda(name) & NOT_ON_LAMBDA)
    assert given == settings_of_lambda(name), difference(
        set(given), name, "infra/aws/template.yaml", settings_of_lambda
    )
    assert not variables(name).keys() & NOT_ON_LAMBDA


def test_no_lambda_is_of_a_function_that_is_gone() -> None:
    assert aws.functions().keys() == set(lambdas())


@pytest.mark.parametrize("name", lambdas())
def test_settings_come_from_the_secret_by_their_own_names(name: str) -> None:
    for variable, value in variables(name).items():
        if variable not in OF_LAMBDA | OF_THE_STACK:
            assert value == {
                "Fn::Sub": "{{resolve:secretsmanager:${SettingsSecret}:SecretString:"
                + variable
                + "}}"
            }


def test_the_example_of_the_secret_has_every_setting_that_is_read_from_it() -> None:
    example = json.loads((INFRA / "aws" / "settings.example.json").read_text("utf-8"))
    read = {one for name in lambdas() for one in variables(name)} - OF_LAMBDA - OF_THE_STACK
    assert example.keys() == read


@pytest.mark.parametrize("name", lambdas())
def test_a_lambda_starts_with_an_entry_that_exists(name: str) -> None:
    handler: str = aws.functions()[name]["Handler"]
    if name in STREAMING:
        assert (handler, variables(name)["FUNCTION"]) == ("run.sh", name)
        assert variables(name)["AWS_LWA_INVOKE_MODE"] == "response_stream"
        assert variables(name)["DRAIN_S"] == "0"
        assert aws.functions()[name]["FunctionUrlConfig"]["InvokeMode"] == "RESPONSE_STREAM"
        return
    assert variables(name)["SWITCHYARD_FUNCTION"] == name
    if name in web_alone():
        assert handler == "shared.aws.http.handler"
    else:
        module, _, function = handler.rpartition(".")
        source = (ROOT / (module.replace(".", "/") + ".py")).read_text("utf-8")
        assert f"def {function}(" in source


def events(name: str, kind: str) -> list[dict[str, Any]]:
    found = aws.functions()[name].get("Events", {}).values()
    return [one["Properties"] for one in found if one["Type"] == kind]


def owner(path: str) -> str:
    """Who gets a path from the HTTP API: a whole route first, else the longest greedy one."""
    routes = {event["Path"]: name for name in lambdas() for event in events(name, "HttpApi")}
    if path in routes:
        return routes[path]
    greedy = {route.removesuffix("{proxy+}"): who for route, who in routes.items() if "+" in route}
    fitting = [prefix for prefix in greedy if path.startswith(prefix) and path != prefix]
    return greedy[max(fitting, key=len)] if fitting else "nobody"


@pytest.mark.parametrize("name", [one for one in web_alone() if one not in STREAMING])
def test_the_api_leads_each_route_to_its_function(name: str) -> None:
    astray = [route for route in deployed()[name].routes if owner(route.path) != name]
    assert astray == [], f"give {name} an HttpApi event for each of these paths in template.yaml"
    assert all(event["Method"] == "ANY" for event in events(name, "HttpApi"))


@pytest.mark.parametrize("name", lambdas())
def test_each_job_with_a_schedule_has_its_rule(name: str) -> None:
    rules = {json.loads(one["Input"])["job"]: one["Schedule"] for one in events(name, "Schedule")}
    wanted = {job.name: job.schedule for job in deployed()[name].jobs if job.schedule}
    assert rules == wanted, f"give {name} a Schedule event for each in template.yaml"


def statements(name: str) -> list[dict[str, Any]]:
    """What a function's role allows, beside the managed policies."""
    resources = aws.translated()["Resources"]
    (lambda_,) = (
        one
        for one in resources.values()
        if one["Type"] == "AWS::Lambda::Function"
        and name
        in (
            one["Properties"]["Environment"]["Variables"].get("SWITCHYARD_FUNCTION"),
            one["Properties"]["Environment"]["Variables"].get("FUNCTION"),
        )
    )
    role = resources[lambda_["Properties"]["Role"]["Fn::GetAtt"][0]]["Properties"]
    return [
        statement
        for policy in role.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


@pytest.mark.parametrize("name", lambdas())
def test_a_role_allows_only_what_its_function_does(name: str) -> None:
    allowed: set[str] = set()
    for statement in statements(name):
        actions = statement["Action"]
        allowed |= {actions} if isinstance(actions, str) else set(actions)
        assert statement["Resource"] != "*"
    expected: set[str] = set()
    if "BYOK_KEY_SOURCE" in settings_of_lambda(name):
        expected |= {"secretsmanager:GetSecretValue", "kms:Decrypt"}
    if "USAGE_QUEUE_URL" in settings_of_lambda(name):
        expected |= {"sqs:SendMessage"}
    if "HEALTH_CHECK_LAMBDA" in settings_of_lambda(name):
        expected |= {"lambda:InvokeFunction"}
    if events(name, "SQS"):
        expected |= {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"}
    assert allowed == expected


def test_each_lambda_has_a_role_of_its_own_and_no_managed_policy_but_logs_and_network() -> None:
    resources = aws.translated()["Resources"]
    found = [one for one in resources.values() if one["Type"] == "AWS::Lambda::Function"]
    roles = [one["Properties"]["Role"]["Fn::GetAtt"][0] for one in found]
    assert len(set(roles)) == len(found) == len(lambdas())
    managed = {
        str(arn["Fn::Sub"] if isinstance(arn, dict) else arn).rpartition("/")[2]
        for role in roles
        for arn in resources[role]["Properties"]["ManagedPolicyArns"]
    }
    assert managed == {"AWSLambdaBasicExecutionRole", "AWSLambdaVPCAccessExecutionRole"}


def test_usage_waits_in_a_queue_longer_than_its_function_runs_and_dies_into_another() -> None:
    (event,) = events("write_usage", "SQS")
    assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    queue = aws.template()["Resources"]["UsageQueue"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * aws.functions()["write_usage"]["Timeout"]
    dead = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"]
    assert dead == ["UsageDeadLetters", "Arn"]


@pytest.fixture(scope="module")
def stack() -> Iterator[dict[str, Any]]:
    """The template in moto: what it was asked for, and the physical ids of what it made."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.setenv("AWS_DEFAULT_REGION", aws.REGION)
        wanted = aws.translated()["Resources"]
        # moto stumbles over outputs of what it left out.
        body = {key: value for key, value in aws.translated().items() if key != "Outputs"}
        parameters = {**_network(), "SettingsSecret": "switchyard/settings"}
        _upload_code()
        formation = boto3.client("cloudformation")

        def deploy() -> list[dict[str, Any]]:
            formation.create_stack(
                StackName="switchyard",
                TemplateBody=json.dumps(body),
                Parameters=[
                    {"ParameterKey": key, "ParameterValue": value}
                    for key, value in parameters.items()
                ],
                Capabilities=["CAPABILITY_IAM"],
            )
            listed = formation.list_stack_resources(StackName="switchyard")
            # What it left out is listed without a name.
            return [one for one in listed["StackResourceSummaries"] if one["LogicalResourceId"]]

        with pytest.warns(UserWarning, match="not supported by moto's CloudFormation"):
            made = deploy()
        yield {
            "wanted": {name: one["Type"] for name, one in wanted.items()},
            "made": {one["LogicalResourceId"]: one["ResourceType"] for one in made},
            "ids": {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in made},
        }


def _network() -> dict[str, str]:
    ec2 = boto3.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="lambda", Description="Lambda", VpcId=vpc)
    return {"SubnetIds": subnet, "SecurityGroupIds": group["GroupId"]}


def _upload_code() -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("functions/__init__.py", "")
    s3 = boto3.client("s3")
    where = {"LocationConstraint": aws.REGION}
    s3.create_bucket(Bucket=aws.CODE["Bucket"], CreateBucketConfiguration=where)
    s3.put_object(**aws.CODE, Body=archive.getvalue())


def test_moto_makes_every_resource_but_those_it_does_not_know(stack: dict[str, Any]) -> None:
    left_out = {name: kind for name, kind in stack["wanted"].items() if name not in stack["made"]}
    assert set(left_out.values()) == UNKNOWN_TO_MOTO
    assert stack["made"] == {
        name: kind for name, kind in stack["wanted"].items() if name not in left_out
    }


def test_the_queue_calls_the_writer_and_a_rule_sends_it_the_jobs_name(
    stack: dict[str, Any],
) -> None:
    writer = stack["ids"]["WriteUsage"]
    (mapping,) = boto3.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert mapping["FunctionArn"].endswith(writer)
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    rules = boto3.client("events")
    (target,) = rules.list_targets_by_rule(Rule=stack["ids"]["WriteUsageUsagePartitions"])[
        "Targets"
    ]
    assert target["Arn"].endswith(writer)
    assert json.loads(target["Input"]) == {"job": "usage.partitions"}


def test_a_message_that_fails_too_often_goes_to_the_dead_letters(stack: dict[str, Any]) -> None:
    sqs = boto3.client("sqs")
    url = stack["ids"]["UsageQueue"]
    names = ["VisibilityTimeout", "RedrivePolicy"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    tries = int(json.loads(attributes["RedrivePolicy"])["maxReceiveCount"])
    # The writer has it from the mapping, too: so a queue of the same policy, without one.
    own = sqs.create_queue(QueueName="own", Attributes={**attributes, "VisibilityTimeout": "0"})
    sqs.send_message(QueueUrl=own["QueueUrl"], MessageBody="poison")
    for _ in range(tries + 1):
        sqs.receive_message(QueueUrl=own["QueueUrl"])
    dead = sqs.receive_message(QueueUrl=stack["ids"]["UsageDeadLetters"])["Messages"]
    assert [one["Body"] for one in dead] == ["poison"]


def test_what_moto_left_out_is_taken_by_the_services_themselves(stack: dict[str, Any]) -> None:
    """The same properties, by each service's own call; botocore checks their shapes."""
    resources = aws.translated()["Resources"]
    api = boto3.client("apigatewayv2")
    body = resources["Api"]["Properties"]["Body"]
    made = api.create_api(Name="switchyard", ProtocolType="HTTP")
    for path in body["paths"]:
        api.create_route(ApiId=made["ApiId"], RouteKey=f"ANY {path}")
    listed = api.get_routes(ApiId=made["ApiId"])["Items"]
    assert len(listed) == len(body["paths"]) > 5
    url = resources["ChatCompletionsUrl"]["Properties"]
    config = boto3.client("lambda").create_function_url_config(
        FunctionName=stack["ids"]["ChatCompletions"],
        AuthType=url["AuthType"],
        InvokeMode=url["InvokeMode"],
    )
    assert config["AuthType"] == "NONE"
    ring = boto3.client("secretsmanager").create_secret(
        Name="ring", KmsKeyId=stack["ids"]["KeyRingKey"], SecretString="x"
    )
    assert ring["ARN"]
    alarm = resources["UsageDeadLettersAlarm"]["Properties"]
    alarm = {**alarm, "Dimensions": [{"Name": "QueueName", "Value": "dead"}]}
    cloudwatch = boto3.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="usage", **alarm)
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 1
