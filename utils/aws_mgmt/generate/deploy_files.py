"""Writes the generated files of deploy/: policies, Terraform variables, CloudFormation of the policies, workflows.

``python -m utils.aws_mgmt.generate.deploy_files`` writes them. A test keeps them fresh.
"""

from __future__ import annotations

import json
from typing import Any

from dr_actions.actions.notifications import CRITICAL
from dr_actions.iam.policies import HOME, IamRole, automated_policies, declared_operations, policies, role_name
from dr_estate.config.environment import Environment, environment_names, load_environment
from dr_estate.model.recovery_document import recovery_document
from utils.aws_mgmt.app.options import ROOT
from utils.aws_mgmt.generate import fleet_machine, outage_watch, readiness_workflows
from utils.aws_mgmt.generate.automation_stack import ATTACHED_AS_GIVEN, OWN, automation_template, automation_variables
from utils.aws_mgmt.generate.ci_workflows import workflow
from utils.aws_mgmt.generate.monitoring import alerts, dashboard
from utils.aws_mgmt.generate.stacks import (
    anchor_parameters,
    anchor_template,
    anchor_variables,
    start_test_template,
    start_test_variables,
)

DEPLOY = ROOT / "deploy"
GENERATED = (
    ("policies", "*.json"),
    ("terraform", "*.tfvars.json"),
    ("cloudformation", "*.json"),
    ("github", "*.yml"),
    ("gitlab", "*.yml"),
    ("monitoring", "*"),
    ("automation", "*.json"),
    ("outage", "*.json"),
    ("fleet", "*.json"),
    ("fleet", "*.ini"),
)
_ENVIRONMENTS = ROOT / "environments"
_STATEMENT = 6  # how deep a template's statement lies: AWS's command line takes no template of more than 51,200 bytes


def environments() -> list[Environment]:
    """Every shipped environment."""
    return [load_environment(_ENVIRONMENTS, name) for name in environment_names(_ENVIRONMENTS)]


def files() -> dict[str, str]:
    """Every generated file of deploy/: its text by its path."""
    found: dict[str, Any] = {}
    for env in environments():
        documents = policies(env, declared_operations())
        for of_role in documents.values():
            found |= {f"policies/{name}.json": document for name, document in of_role.items()}
        if env.approvals.people > 1 or env.holds_full_drills:
            found |= _of_automation(env)
        # Without a critical topic there is nobody whom the state machine could notify.
        if env.replicates and len(env.names.topics) > CRITICAL:
            found[f"outage/{env.name}-machine.json"] = outage_watch.machine(env)
            found[f"outage/{env.name}-policy.json"] = outage_watch.policy(env)
            found[f"cloudformation/{env.name}-outage.json"] = outage_watch.template(env)
        if env.replicates:
            found[f"cloudformation/{env.name}-start-test.json"] = start_test_template(env, documents)
        found[f"terraform/{env.name}.tfvars.json"] = _variables(env, documents)
        # As `aws cloudformation deploy --parameter-overrides file://` reads it; a template takes those it declares.
        topics = [env.named(topic) for topic in env.names.topics]
        parameters = {
            "ControlTable": env.named(env.names.control_table),
            "EvidenceKey": env.named(env.names.evidence_key),
            "AnchorLog": env.named(env.names.anchor_log),
            "RequiredPeople": str(env.approvals.people),
            "EventsTopic": topics[0],
            "CriticalTopic": topics[-1],
            **{f"{role.title()}Role": role_name(role, env) for role in IamRole},
            **anchor_parameters(env),
        }
        found[f"cloudformation/{env.name}-parameters.json"] = {"Parameters": parameters}
        found[f"cloudformation/{env.name}-policies.json"] = _template(env, documents)
    found["cloudformation/stream-anchors.json"] = anchor_template(DEPLOY / "anchors" / "index.py")
    texts = {path: _text_of(path, value) + "\n" for path, value in found.items()}
    texts |= {"monitoring/dr-alerts.yml": alerts(), "monitoring/dr-dashboard.json": dashboard()}
    texts["github/fleet-dr-readiness.yml"] = readiness_workflows.fleet(environments())
    texts |= fleet_machine.files(environments())
    for env in environments():
        texts[f"github/{env.name}-dr-tests.yml"] = workflow(env)
        if env.replicates:
            texts[f"github/{env.name}-dr-readiness.yml"] = readiness_workflows.github(env)
            texts[f"gitlab/{env.name}-dr-readiness.gitlab-ci.yml"] = readiness_workflows.gitlab(env)
    return texts


def _text_of(path: str, value: Any) -> str:
    return _json_text(value, _STATEMENT) if path.startswith("cloudformation/") else json.dumps(value, indent=2)


def _json_text(value: Any, depth: int, margin: str = "") -> str:
    """``value`` as JSON: down to ``depth`` each member on a line of its own, below it all on one."""
    if not depth or not value or not isinstance(value, dict | list):
        return json.dumps(value)
    inner, (start, end) = f"{margin}  ", "{}" if isinstance(value, dict) else "[]"
    items = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    rows = [
        f"{inner}{'' if key is None else f'{json.dumps(key)}: '}{_json_text(item, depth - 1, inner)}"
        for key, item in items
    ]
    return f"{start}\n" + ",\n".join(rows) + f"\n{margin}{end}"


def _of_automation(env: Environment) -> dict[str, Any]:
    """The files by which AWS starts the runs of an environment of two people, or full drills, switched on or not."""
    documents = automated_policies(env, declared_operations())
    found = {f"policies/{name}.json": document for of_role in documents.values() for name, document in of_role.items()}
    found[f"automation/{env.name}-document.json"] = recovery_document(env)
    found[f"cloudformation/{env.name}-automation.json"] = automation_template(env, documents)
    return found


def _variables(env: Environment, documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return {
        "account": env.account,
        "anchor_log": env.named(env.names.anchor_log),
        "automation": automation_variables(env, automated_policies(env, declared_operations())),
        "control_table": env.named(env.names.control_table),
        "evidence_key": env.named(env.names.evidence_key),
        "dr_region": env.regions.dr,
        "drills": env.approvals.full_drill,
        "environment": env.name,
        "primary_region": env.regions.primary,
        "required_people": env.approvals.people,
        "roles": {
            role: {"name": role_name(IamRole(role), env), "policies": sorted(documents[role])} for role in IamRole
        },
        "stream": anchor_variables(env),
        "start_test": start_test_variables(env, documents),
        "topics": [env.named(topic) for topic in env.names.topics],
    }


def _template(env: Environment, policy_documents: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return one managed policy per document, attached to its roles; the failback policy as ``AttachHome`` says."""
    holders: dict[str, list[str]] = {}
    documents: dict[str, Any] = {}
    for role, of_role in policy_documents.items():
        for name, document in of_role.items():
            if name.removeprefix(f"{env.name}-dr-") in OWN:
                continue  # of the stack that comes after this one
            people = holders.setdefault(name, [])
            # The roles of AWS's own tasks are made by the next stack, which attaches these policies by their ARNs.
            people += [role_name(IamRole(role), env)] if role in set(IamRole) else []
            documents[name] = document
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"IAM policies of the disaster recovery roles of {env.name}. Generated: do not edit.",
        **(ATTACHED_AS_GIVEN if any(HOME in name and holders[name] for name in documents) else {}),
        "Resources": {
            "".join(word.title() for word in name.split("-")): {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {
                    "ManagedPolicyName": name,
                    "PolicyDocument": documents[name],
                    **({"Roles": _roles_of(name, holders[name], env)} if holders[name] else {}),
                },
            }
            for name in documents
        },
    }


def _roles_of(name: str, holders: list[str], env: Environment) -> Any:
    """Return the roles that hold the policy.

    The failback policy is held by the drill role where full drills are allowed, and by the operator as the stack's
    parameter ``AttachHome`` says.
    """
    if HOME not in name:
        return holders
    always = [role_name(IamRole.DRILL, env)] if env.approvals.full_drill else {"Ref": "AWS::NoValue"}
    # What writes in the primary region is attached for a failback alone: else every run could write there.
    return {"Fn::If": ["GoesHome", holders, always]}


if __name__ == "__main__":
    contents = files()
    for folder, kind in GENERATED:
        (DEPLOY / folder).mkdir(parents=True, exist_ok=True)
        # An environment that was renamed or removed would leave its policies here, for somebody to deploy.
        for path in (DEPLOY / folder).glob(kind):
            if str(path.relative_to(DEPLOY)) not in contents:
                path.unlink()
    for name, text in contents.items():
        (DEPLOY / name).write_text(text, encoding="utf-8")
