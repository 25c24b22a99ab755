"""The Terraform of deploy/: parsed here; formatted and validated by Terraform itself in the proofs."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import hcl2
import pytest

from dr_estate.model.stream_records import VIEW
from tests.real_terraform import find_provider, write_terraform
from utils.aws_mgmt.generate.deploy_files import DEPLOY

FOLDER, FLEET = DEPLOY / "terraform", DEPLOY / "fleet"
TEMPLATES = ("states.json", "policy-machine.json", "policy-look.json", "policy-merge.json")


def blocks(kind: str) -> dict[str, Any]:
    """Every block of a kind in all files, by its labels."""
    found: dict[str, Any] = {}
    for path in sorted(FOLDER.glob("*.tf")):
        with path.open(encoding="utf-8") as file:
            for block in hcl2.load(file).get(kind, []):
                for label, inner in block.items():
                    nested = kind in {"resource", "data"}
                    found |= (
                        {f"{bare(label)}.{bare(k)}": v for k, v in inner.items()} if nested else {bare(label): inner}
                    )
    return found


def bare(text: str) -> str:
    return text.strip('"')


def terraform(*arguments: str, folder: Path, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the real Terraform in ``folder``; the ``home`` folder holds the program and is its HOME."""
    command = [str(write_terraform(home)), *arguments]
    variables = {"HOME": str(home), **environment}
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)


def test_variables_of_an_environment_are_declared_and_required_ones_given() -> None:
    declared = blocks("variable")
    for path in sorted(FOLDER.glob("*.tfvars.json")):
        given = json.loads(path.read_text(encoding="utf-8"))
        assert set() == set(given) - set(declared)
        assert set() == {name for name, inner in declared.items() if "default" not in inner} - set(given)


def test_every_policy_that_a_role_names_is_a_file() -> None:
    named = {
        policy
        for path in FOLDER.glob("*.tfvars.json")
        for role in json.loads(path.read_text(encoding="utf-8"))["roles"].values()
        for policy in role["policies"]
    }
    given = [json.loads(path.read_text(encoding="utf-8"))["automation"] for path in FOLDER.glob("*.tfvars.json")]
    automated = [variables["policies"].values() for variables in given if variables]
    of_automation = {policy for of_roles in automated for policies in of_roles for policy in policies}
    assert {path.stem for path in (DEPLOY / "policies").glob("*.json")} == named | of_automation


def test_the_control_table_is_protected_and_as_the_tool_uses_it() -> None:
    table = blocks("resource")["aws_dynamodb_table.control"]
    assert (True, "pk", "sk") == (
        table["deletion_protection_enabled"],
        bare(table["hash_key"]),
        bare(table["range_key"]),
    )
    index = table["global_secondary_index"][0]
    assert ["by-sk", "sk", "pk"] == [bare(index[key]) for key in ("name", "hash_key", "range_key")]
    assert table["point_in_time_recovery"][0]["enabled"]
    assert table["server_side_encryption"][0]["enabled"]
    assert table["lifecycle"][0]["prevent_destroy"]
    assert (True, VIEW) == (table["stream_enabled"], bare(table["stream_view_type"]))


def test_the_anchor_stack_is_the_one_template_with_all_its_parameters() -> None:
    stack = blocks("resource")["aws_cloudformation_stack.stream_anchors"]
    assert "cloudformation/stream-anchors.json" in str(stack["template_body"])
    template = json.loads((DEPLOY / "cloudformation" / "stream-anchors.json").read_text(encoding="utf-8"))
    assert set(template["Parameters"]) == set(stack["parameters"])
    assert stack["lifecycle"][0]["prevent_destroy"]


def test_the_topics_stand_in_both_regions() -> None:
    resources = blocks("resource")
    assert {"aws_sns_topic.dr", "aws_sns_topic.primary"} <= set(resources)
    assert "aws.primary" in str(resources["aws_sns_topic.primary"]["provider"])


def test_the_failback_policy_is_off_by_default_and_has_a_name_of_its_own() -> None:
    assert blocks("variable")["attach_home"]["default"] is False
    text = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("roles.tf", "automation.tf"))
    found = re.findall(r'startswith\(policy, "\$\{var.environment\}(-[a-z-]+)"\)', text)
    assert 2 == len(found), "of the people's roles, and of those by which AWS starts runs"
    (pattern,) = set(found)
    for path in FOLDER.glob("*.tfvars.json"):
        given = json.loads(path.read_text(encoding="utf-8"))
        of_runs = (given["automation"] or {"policies": {}})["policies"].values()
        roles = (*(role["policies"] for role in given["roles"].values()), *of_runs)
        named = [policy for policies in roles for policy in policies]
        assert {f"{given['environment']}-dr-operator-home"} == {
            name for name in named if name.startswith(given["environment"] + pattern)
        }


def test_no_principal_is_a_pattern_which_iam_refuses_in_a_trust_policy() -> None:
    """Users of Identity Center are roles whose names AWS makes up: a condition knows them, a principal cannot."""
    trusts = {name: text for name, inner in blocks("data").items() if "principals" in (text := json.dumps(inner))}
    assert {"aws_iam_policy_document.trust", "aws_iam_policy_document.break_glass_trust"} <= trusts.keys()
    patterned = re.compile(r'"identifiers": "\$\{(?:[^"\\]|\\.)*sets_arns')
    assert [] == [name for name, text in trusts.items() if patterned.search(text)]


def test_terraform_outputs_what_the_generated_files_of_a_fleet_ask_for() -> None:
    text = (FLEET / "main.tf").read_text(encoding="utf-8")
    given = set(
        re.findall(r"^    (\w+) += ", text[text.index("values = {") : text.index("containers = {")], re.MULTILINE)
    )
    named = {name: re.findall(r"\$\{(\w+)\}", (FLEET / name).read_text(encoding="utf-8")) for name in TEMPLATES}
    assert given == {value for found in named.values() for value in found}
    assert {"bucket"} == {*named["policy-look.json"], *named["policy-merge.json"]}, "templatefile is given no other"


@pytest.mark.proof
@pytest.mark.judge("terraform")
@pytest.mark.parametrize("folder", [FOLDER, FLEET], ids=lambda folder: folder.name)
def test_terraform_finds_it_well_formatted(folder: Path, tmp_path: Path) -> None:
    run = terraform("fmt", "-check", "-diff", folder=folder, home=tmp_path)
    assert ("", 0) == (run.stdout + run.stderr, run.returncode)
    (tmp_path / "bad.tf").write_text('variable   "a" {}\n')
    assert 0 != terraform("fmt", "-check", folder=tmp_path, home=tmp_path).returncode


@pytest.fixture
def checked_out(tmp_path: Path) -> Path:
    """A copy for the provider that can be had without a registry: 3.39 knows no deletion protection of tables."""
    plugin = find_provider()
    mirror = tmp_path / "mirror" / "registry.terraform.io" / "hashicorp" / "aws"
    mirror.mkdir(parents=True)
    assert zipfile.is_zipfile(plugin)
    shutil.copy(plugin, mirror)
    (tmp_path / "rc").write_text(f'provider_installation {{ filesystem_mirror {{ path = "{tmp_path}/mirror" }} }}')
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    for name, old, new in (
        ("terraform/versions.tf", ">= 5.0", ">= 3.39"),
        ("terraform/main.tf", "deletion_protection_enabled", "#"),
        ("fleet/main.tf", ">= 5.0", ">= 3.39"),
    ):
        text = (tmp_path / "deploy" / name).read_text(encoding="utf-8")
        assert old in text
        (tmp_path / "deploy" / name).write_text(text.replace(old, new), encoding="utf-8")
    for name in (
        "fleet/bucket.tf",
        "fleet/schedule.tf",
        "terraform/dry_start.tf",
        "terraform/start_test.tf",
    ):  # of resources that 3.39 does not know
        (tmp_path / "deploy" / name).unlink()
    return tmp_path / "deploy"


@pytest.mark.proof
@pytest.mark.judge("terraform")
@pytest.mark.parametrize("stack", ["terraform", "fleet"])
def test_terraform_finds_it_valid(checked_out: Path, stack: str) -> None:
    home, checked_out = checked_out.parent, checked_out / stack
    environment = {"TF_CLI_CONFIG_FILE": str(home / "rc"), "CHECKPOINT_DISABLE": "1"}
    began = terraform("init", "-input=false", "-no-color", folder=checked_out, home=home, **environment)
    assert 0 == began.returncode, began.stderr
    valid = terraform("validate", "-no-color", folder=checked_out, home=home, **environment)
    assert ("", 0) == (valid.stderr, valid.returncode)
