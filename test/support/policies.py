"""Decides by IAM policies, conditions included, as SimulatePrincipalPolicy does; moto has neither.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html. It supports the
condition operators that infra/lanceflow.yaml uses.
"""
import json
import re

from moto.core.responses import ActionResult


def matches(pattern, text):
    return re.fullmatch("".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in pattern), text) is not None


OPERATORS = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringLike": matches,
    "ArnLike": matches,
    "Bool": lambda wanted, value: wanted.lower() == value.lower(),
}


def listed(value):
    return value if isinstance(value, list) else [value]


def holds(condition, context):
    for name, keys in condition.items():
        operator = OPERATORS[name.removesuffix("IfExists")]
        for key, wanted in keys.items():
            if key not in context and name.endswith("IfExists"):
                continue
            if key not in context or not any(operator(str(each), context[key]) for each in listed(wanted)):
                return False
    return True


def decide(documents, action, resource, context):
    """allowed, implicitDeny or explicitDeny."""
    effects = {
        statement["Effect"]
        for document in documents
        for statement in listed(document["Statement"])
        if any(matches(each.lower(), action.lower()) for each in listed(statement["Action"]))
        and any(matches(each, resource) for each in listed(statement["Resource"]))
        and holds(statement.get("Condition", {}), context)
    }
    return "explicitDeny" if "Deny" in effects else "allowed" if "Allow" in effects else "implicitDeny"


def documents_of(backend, role_name):
    """The policies of a role in moto."""
    attached, _ = backend.list_attached_role_policies(role_name)
    inline = [backend.get_role_policy(role_name, name)[1] for name in backend.list_role_policies(role_name)]
    texts = [version.document for policy in attached for version in policy.versions if version.is_default] + inline
    return [json.loads(text) for text in texts]


def simulate(response):
    """IAM's SimulatePrincipalPolicy of a role, as a method of moto's responses."""
    entries = response._get_param("ContextEntries") or []
    context = {entry["ContextKeyName"]: entry["ContextKeyValues"][0] for entry in entries}
    role = response.backend.get_role_by_arn(response._get_param("PolicySourceArn"))
    documents = documents_of(response.backend, role.name)
    results = [
        {"EvalActionName": action, "EvalResourceName": resource, "EvalDecision": decide(documents, action, resource, context)}
        for action in response._get_param("ActionNames")
        for resource in response._get_param("ResourceArns") or ["*"]
    ]
    return ActionResult({"IsTruncated": False, "EvaluationResults": results})
