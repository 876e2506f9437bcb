"""What Terraform makes on AWS before the product runs: ``python -m local.foundation``, on the running local cloud.

Run again it changes nothing. It takes about a second, where Terraform needs a minute and a half.
"""

import json
from typing import Any

from botocore.exceptions import ClientError

from local.settings import ACCOUNT, REGION, client

LAKE = f"clickstream-{ACCOUNT}-lake"
EVIDENCE = f"clickstream-{ACCOUNT}-evidence"
PAGES = "clickstream-pages"
INBOX = "clickstream-pages-inbox"
DATABASE = "clickstream"
WORKGROUP = "clickstream"
FIREHOSE_ROLE = "clickstream-firehose"
GLUE_ROLE = "clickstream-glue"

NONCURRENT_DAYS = 30
FINDINGS_DAYS = 90
LOCK_DAYS = 365
INBOX_SECONDS = 14 * 24 * 3600


def main() -> None:
    """Make the foundation."""
    make_lake()
    make_evidence()
    make_roles()
    make_pages()
    make_catalog()
    make_workgroup()
    print(f"foundation ready: {LAKE}, {EVIDENCE}, {PAGES}, Glue database {DATABASE}, Athena workgroup {WORKGROUP}")


def make_lake() -> None:
    """The lake: versions of what was deleted are kept for a while, findings and scratch expire."""
    _make_bucket(LAKE)
    s3 = client("s3")
    s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_lifecycle_configuration(
        Bucket=LAKE,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "noncurrent-versions-expire",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": NONCURRENT_DAYS},
                },
                {
                    "ID": "findings-expire",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "findings/"},
                    "Expiration": {"Days": FINDINGS_DAYS},
                },
                {
                    # What a killed job leaves: a run that ends removes its own.
                    "ID": "scratch-expires",
                    "Status": "Enabled",
                    "Filter": {"Prefix": "scratch/"},
                    "Expiration": {"Days": 1},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
                },
            ]
        },
    )


def make_evidence() -> None:
    """The evidence: no version of an object can be deleted for a year, short of a named permission."""
    _make_bucket(EVIDENCE, ObjectLockEnabledForBucket=True)
    client("s3").put_object_lock_configuration(
        Bucket=EVIDENCE,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": LOCK_DAYS}},
        },
    )


def make_roles() -> None:
    """The roles that Firehose and Glue act in, each with what it needs and no more."""
    lake, evidence = f"arn:aws:s3:::{LAKE}", f"arn:aws:s3:::{EVIDENCE}"
    _make_role(
        FIREHOSE_ROLE,
        # The external id keeps deliveries of other accounts from using the role.
        _trust("firehose.amazonaws.com", {"StringEquals": {"sts:ExternalId": ACCOUNT}}),
        [
            _allow(["s3:AbortMultipartUpload", "s3:PutObject"], [f"{lake}/landing/*", f"{lake}/staging/failed/*"]),
            _allow(["s3:GetBucketLocation", "s3:ListBucketMultipartUploads"], [lake]),
            _allow(
                [
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                ],
                [f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/*"],
            ),
            _allow(["logs:PutLogEvents"], [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/firehose/*"]),
            # By the columns of a table records become rows.
            _allow(["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"], _catalog()),
        ],
    )
    _make_role(
        GLUE_ROLE,
        _trust("glue.amazonaws.com"),
        [
            _allow(
                ["s3:GetObject", "s3:GetObjectVersion"],
                [f"{lake}/{prefix}/*" for prefix in ("landing", "staging/failed", "code", "runs")],
            ),
            _allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{evidence}/manifests/*"]),
            _allow(
                ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
                [f"{lake}/{prefix}/*" for prefix in ("silver", "gold", "runs")],
            ),
            _allow(
                ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"], [f"{lake}/scratch/*"]
            ),
            _allow(["s3:GetBucketLocation", "s3:ListBucket"], [lake, evidence]),
            _allow(["s3:ListBucketVersions"], [lake]),
            _allow(
                ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:CreateTable", "glue:UpdateTable"],
                _catalog(),
            ),
            _allow(
                ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
                [f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws-glue/*"],
            ),
            _allow(["cloudwatch:PutMetricData"], ["*"]),
        ],
    )


def _catalog() -> list[str]:
    """The product's tables, and what they lie in."""
    kinds = ("catalog", f"database/{DATABASE}", f"table/{DATABASE}/*")
    return [f"arn:aws:glue:{REGION}:{ACCOUNT}:{kind}" for kind in kinds]


def make_pages() -> None:
    """The topic that pages go to, and a queue on it in which they can be read here."""
    sns, sqs = client("sns"), client("sqs")
    topic = sns.create_topic(Name=PAGES)["TopicArn"]
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{INBOX}"
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sns.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
            }
        ],
    }
    sqs.create_queue(
        QueueName=INBOX,
        Attributes={"MessageRetentionPeriod": str(INBOX_SECONDS), "Policy": json.dumps(policy)},
    )
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)


def make_catalog() -> None:
    """The Glue database of all tables."""
    if not _exists(client("glue").get_database, Name=DATABASE):
        client("glue").create_database(
            DatabaseInput={
                "Name": DATABASE,
                "Description": "Clickstream tables of all sources",
                "LocationUri": f"s3://{LAKE}/silver/",
            }
        )


def make_workgroup() -> None:
    """The Athena workgroup; no query can put its results elsewhere."""
    athena = client("athena")
    if not _exists(athena.get_work_group, WorkGroup=WORKGROUP):
        athena.create_work_group(
            Name=WORKGROUP,
            Description="Queries of the clickstream control plane",
            Configuration={
                "EnforceWorkGroupConfiguration": True,
                "ResultConfiguration": {"OutputLocation": f"s3://{LAKE}/athena/"},
            },
        )


def _make_bucket(name: str, **how: Any) -> None:
    s3 = client("s3")
    if not _exists(s3.head_bucket, Bucket=name):
        s3.create_bucket(Bucket=name, **how)
    s3.put_public_access_block(
        Bucket=name,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "IgnorePublicAcls": True,
            "BlockPublicPolicy": True,
            "RestrictPublicBuckets": True,
        },
    )


def _make_role(name: str, trust: dict[str, Any], statements: list[dict[str, Any]]) -> None:
    iam = client("iam")
    if not _exists(iam.get_role, RoleName=name):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    policy = {"Version": "2012-10-17", "Statement": statements}
    iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=json.dumps(policy))


def _trust(service: str, condition: dict[str, Any] | None = None) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {
        "Version": "2012-10-17",
        "Statement": [statement | ({"Condition": condition} if condition else {})],
    }


def _allow(actions: list[str], resources: list[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resources}


def _exists(look: Any, **what: Any) -> bool:
    """Whether a describing call finds its thing."""
    try:
        look(**what)
    except ClientError as error:
        # A failure that is not an absence must be seen as such.
        if error.response["Error"]["Code"] in {"404", "NoSuchEntity", "EntityNotFoundException"}:
            return False
        if "not found" in error.response["Error"]["Message"]:
            return False
        raise
    return True


if __name__ == "__main__":
    main()
