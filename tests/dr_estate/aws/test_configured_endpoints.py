"""A journal's world is where botocore's own clients go, whichever of this machine's variables and files sets it."""

from __future__ import annotations

from pathlib import Path

import botocore.session
import pytest

from dr_estate.aws.configured_endpoints import configured_endpoints
from dr_estate.model.world_id import WorldId, WorldKind

HERE, THERE = "http://127.0.0.1:1", "http://127.0.0.1:2"
GLOBAL = f"[default]\nregion = eu-west-1\nendpoint_url = {HERE}\n"
OF_ONE = f"[default]\nservices = mine\n[services mine]\ndynamodb =\n  endpoint_url = {THERE}\n"
NAMED = f"[default]\n[profile other]\nendpoint_url = {HERE}\n"
IGNORED = f"{GLOBAL}ignore_configured_endpoint_urls = true\n"
VARIABLE = {"AWS_ENDPOINT_URL": THERE}


def goes_to(service: str) -> str:
    """Where a client of botocore's goes, "" for AWS."""
    client = botocore.session.Session().create_client(service, "eu-west-1")
    return "" if client.meta.endpoint_url.endswith("amazonaws.com") else str(client.meta.endpoint_url)


@pytest.mark.parametrize("file", ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("", {}, ("", {})),
        (GLOBAL, {}, (HERE, {})),
        (NAMED, {}, ("", {})),
        (GLOBAL, VARIABLE, (THERE, {})),
        (GLOBAL, {"AWS_ENDPOINT_URL_DYNAMODB": THERE}, (HERE, {"dynamodb": THERE})),
        (GLOBAL, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, ("", {})),
        (GLOBAL, {"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, (HERE, {})),
        ("no file of AWS: endpoint_url", VARIABLE, (THERE, {})),
    ],
)
def test_what_stands_for_aws_is_what_botocore_finds(
    file: str, text: str, variables: dict[str, str], expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(text, {**variables, file: str(tmp_path / "aws")}, monkeypatch)
    assert expected == configured_endpoints()
    if not text.startswith("no file"):
        endpoint, of_services = configured_endpoints()
        assert (endpoint, of_services.get("dynamodb", endpoint)) == (goes_to("sns"), goes_to("dynamodb"))


def test_a_file_that_names_the_endpoint_of_one_service_makes_another_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given(OF_ONE, {"AWS_CONFIG_FILE": str(tmp_path / "aws")}, monkeypatch)
    endpoint, of_services = configured_endpoints()
    world = WorldId.live("123456789012", endpoint, **of_services)
    assert (world.kind, world.detail) == (WorldKind.ENDPOINT, f"dynamodb={THERE}")
    assert ("", THERE) == (goes_to("sns"), goes_to("dynamodb"))


@pytest.mark.parametrize("variables", [{}, VARIABLE], ids=["", "a variable too"])
def test_a_run_on_aws_is_no_sandbox_though_a_file_ignores_endpoints(
    variables: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a real failover is recorded as a rehearsal in the sandbox that is up."""
    given(IGNORED, {**variables, "AWS_CONFIG_FILE": str(tmp_path / "aws")}, monkeypatch)
    assert (("", {}), "") == (configured_endpoints(), goes_to("sns"))


def given(text: str, variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the variables; the file that one of them names holds ``text``."""
    for name, value in {"AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s", **variables}.items():
        monkeypatch.setenv(name, value)
        if name.endswith("_FILE"):
            Path(value).write_text(text, encoding="utf-8")
