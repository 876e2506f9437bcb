"""Roles that services may take."""

import contextlib
import json
from typing import Any

from tests.integration.local.conftest import Cloud


def role_arn(name: str) -> str:
    """The ARN of the role of that name."""
    return f"arn:aws:iam::000000000000:role/{name}"


def make_role(cloud: Cloud, name: str, service: str, *actions: str, resource: str = "*", **condition: Any) -> str:
    """Make a role, or change it.

    :param service: who may take it, such as ``glue.amazonaws.com``.
    :param actions: what it may do then.
    :param condition: of the trust policy, by operator.
    :returns: its ARN.
    """
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole", "Condition": condition}
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=_policy(trust))
    if actions:
        allowed = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=_policy(allowed))
    return role_arn(name)


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
