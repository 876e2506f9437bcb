"""The foundation: made once, the same when made again, and tight where it must be."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local.conftest import ROOT, Cloud

LAKE, EVIDENCE = "clickstream-000000000000-lake", "clickstream-000000000000-evidence"


def make(cloud: Cloud) -> None:
    subprocess.run(
        [sys.executable, "-m", "local.foundation"],
        cwd=ROOT,
        env=os.environ | {"CLOUD_PORT": str(cloud.port)},
        check=True,
        timeout=60,
    )


def everything(cloud: Cloud) -> dict[str, Any]:
    """All that the foundation makes, as its services describe it."""
    s3, iam, sns, sqs = (cloud.client(name) for name in ("s3", "iam", "sns", "sqs"))
    found: dict[str, Any] = {}
    for bucket in (LAKE, EVIDENCE):
        found[bucket] = [
            s3.get_bucket_versioning(Bucket=bucket)["Status"],
            s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"],
        ]
    found["lifecycle"] = s3.get_bucket_lifecycle_configuration(Bucket=LAKE)["Rules"]
    found["lock"] = s3.get_object_lock_configuration(Bucket=EVIDENCE)["ObjectLockConfiguration"]
    for role in ("clickstream-firehose", "clickstream-glue"):
        found[role] = [
            iam.get_role(RoleName=role)["Role"],
            iam.list_role_policies(RoleName=role)["PolicyNames"],
            iam.get_role_policy(RoleName=role, PolicyName=role)["PolicyDocument"],
        ]
    found["subscriptions"] = sns.list_subscriptions()["Subscriptions"]
    queue = sqs.get_queue_url(QueueName="clickstream-pages-inbox")["QueueUrl"]
    attributes = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["Policy", "MessageRetentionPeriod"])
    found["queue"] = attributes["Attributes"]
    found["database"] = cloud.client("glue").get_database(Name="clickstream")["Database"]
    found["workgroup"] = cloud.client("athena").get_work_group(WorkGroup="clickstream")["WorkGroup"]
    return found


def test_the_foundation(common_cloud: Cloud) -> None:
    make(common_cloud)
    first = everything(common_cloud)
    make(common_cloud)
    assert everything(common_cloud) == first

    assert all(first[bucket][0] == "Enabled" and all(first[bucket][1].values()) for bucket in (LAKE, EVIDENCE))
    assert {rule["Filter"]["Prefix"] for rule in first["lifecycle"]} == {"", "findings/", "scratch/"}
    configuration = first["workgroup"]["Configuration"]
    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["ResultConfiguration"]["OutputLocation"] == f"s3://{LAKE}/athena/"
    (trust,) = first["clickstream-firehose"][0]["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"sts:ExternalId": "000000000000"}}

    sns, sqs = common_cloud.client("sns"), common_cloud.client("sqs")
    sns.publish(TopicArn="arn:aws:sns:us-east-1:000000000000:clickstream-pages", Message="page")
    queue = sqs.get_queue_url(QueueName="clickstream-pages-inbox")["QueueUrl"]
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"])["Message"] == "page"


def test_evidence_cannot_be_deleted(common_cloud: Cloud) -> None:
    make(common_cloud)
    s3 = common_cloud.client("s3")
    version = s3.put_object(Bucket=EVIDENCE, Key="ledger/1", Body=b"x", ChecksumAlgorithm="CRC32")["VersionId"]
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(Bucket=EVIDENCE, Key="ledger/1", VersionId=version)


@pytest.mark.parametrize(
    ("action", "resource", "decision"),
    [
        ("s3:PutObject", f"arn:aws:s3:::{LAKE}/landing/x", "allowed"),
        ("s3:PutObject", f"arn:aws:s3:::{LAKE}/staging/failed/x", "allowed"),
        ("s3:PutObject", f"arn:aws:s3:::{LAKE}/silver/x", "implicitDeny"),
        ("s3:DeleteObject", f"arn:aws:s3:::{LAKE}/landing/x", "implicitDeny"),
        ("kinesis:GetRecords", "arn:aws:kinesis:us-east-1:000000000000:stream/retail-clickstream", "allowed"),
        ("kinesis:PutRecords", "arn:aws:kinesis:us-east-1:000000000000:stream/retail-clickstream", "implicitDeny"),
    ],
)
def test_firehose_s_role_may_do_its_work_alone(common_cloud: Cloud, action: str, resource: str, decision: str) -> None:
    assert decided(common_cloud, "clickstream-firehose", action, resource) == decision


@pytest.mark.parametrize(
    ("action", "resource", "decision"),
    [
        ("s3:GetObject", f"arn:aws:s3:::{LAKE}/landing/x", "allowed"),
        ("s3:PutObject", f"arn:aws:s3:::{LAKE}/landing/x", "implicitDeny"),
        ("s3:PutObject", f"arn:aws:s3:::{LAKE}/scratch/x", "allowed"),
        ("s3:DeleteObjectVersion", f"arn:aws:s3:::{LAKE}/scratch/x", "allowed"),
        ("s3:DeleteObject", f"arn:aws:s3:::{LAKE}/silver/x", "allowed"),
        ("s3:DeleteObject", f"arn:aws:s3:::{LAKE}/gold/x", "allowed"),
        ("s3:DeleteObject", f"arn:aws:s3:::{LAKE}/landing/x", "implicitDeny"),
        ("s3:DeleteObject", f"arn:aws:s3:::{EVIDENCE}/ledger/x", "implicitDeny"),
        ("s3:DeleteObjectVersion", f"arn:aws:s3:::{LAKE}/silver/x", "implicitDeny"),
        ("s3:PutObject", f"arn:aws:s3:::{EVIDENCE}/ledger/x", "implicitDeny"),
    ],
)
def test_glue_s_role_may_do_its_work_alone(common_cloud: Cloud, action: str, resource: str, decision: str) -> None:
    assert decided(common_cloud, "clickstream-glue", action, resource) == decision


def decided(cloud: Cloud, role: str, action: str, resource: str) -> str:
    """What the role's policies say of an action."""
    make(cloud)
    (result,) = cloud.client("iam").simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::000000000000:role/{role}", ActionNames=[action], ResourceArns=[resource]
    )["EvaluationResults"]
    decision: str = result["EvalDecision"]
    return decision
