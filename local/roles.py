"""The roles that services act in: whether a service may take one, and what it may do then.

Requests of callers are not authorised here; what a service does by itself, as its role, is. ministack keeps the
roles and evaluates the policies.
"""

import json
from typing import Any

from ministack.core import iam_evaluator as evaluator
from ministack.services import iam

from local.settings import ACCOUNT, REGION
from local.upstream import enter_account


def is_assumable(role: str, service: str) -> bool:
    """Whether the role exists and its trust policy lets the service take it.

    :param role: its ARN or name.
    :param service: the service's principal, such as ``firehose.amazonaws.com``.
    """
    found = _find(role)
    if found is None:
        return False
    # Firehose names the account as external id (developer guide, "Controlling access").
    names = {"sts:externalid": ACCOUNT, "aws:sourceaccount": ACCOUNT}
    context = _context(service, "sts:AssumeRole", found["Arn"], names)
    trust = json.loads(found["AssumeRolePolicyDocument"])["Statement"]
    statements = [trust] if isinstance(trust, dict) else trust
    effects = {each["Effect"] for each in statements if _is_about(each, service, context)}
    return effects == {"Allow"}


def allows(role: str, action: str, resource: str) -> bool:
    """Whether the role's policies allow an action.

    :param role: its ARN or name.
    :param resource: the ARN of what the action is on.
    """
    found = _find(role)
    if found is None:
        return False
    policies = evaluator._gather_role_policies(found["RoleName"], ACCOUNT)
    decision: str = evaluator.evaluate(_context(found["Arn"], action, resource), policies).decision
    return decision == "Allow"


def _find(role: str) -> dict[str, Any] | None:
    enter_account()
    found: dict[str, Any] | None = iam._roles.get(role.rpartition("/")[2])
    return found if found and role in (found["Arn"], found["RoleName"]) else None


def _is_about(statement: dict[str, Any], service: str, context: evaluator.EvalContext) -> bool:
    actions = statement.get("Action", [])
    principal = statement.get("Principal", {})
    return bool(
        evaluator._action_matches(context.action, [actions] if isinstance(actions, str) else actions, [])
        and (principal == "*" or evaluator._service_principal_matches(principal, service))
        and evaluator._conditions_met(statement.get("Condition", {}), context)
    )


def _context(principal: str, action: str, resource: str, names: dict[str, str] | None = None) -> evaluator.EvalContext:
    return evaluator.EvalContext(
        principal_arn=principal,
        principal_type="AssumedRole",
        principal_account=ACCOUNT,
        action=action,
        resource_arn=resource,
        region=REGION,
        service_context=names or {},
    )
