"""The image of the recovery's task: it holds all that the package is made of, and does not run as root."""

from __future__ import annotations

import tomllib

from utils.aws_mgmt.app.options import ROOT
from utils.aws_mgmt.generate.deploy_files import DEPLOY

LINES = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()


def test_it_copies_every_room_of_the_package_and_the_pinned_versions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    copied = {word for line in LINES if line.startswith("COPY ") for word in line.split()[1:-1]}
    assert set(wheel["only-include"]) | set(wheel["force-include"]) | {"constraints.txt"} <= copied
    assert any("--constraint constraints.txt" in line for line in LINES)


def test_it_runs_the_tool_by_its_own_environment_files_and_not_as_root() -> None:
    assert 'ENTRYPOINT ["/opt/dr/bin/dr", "--config", "/etc/dr/environments"]' == LINES[-1]
    users = [line.split()[1] for line in LINES if line.startswith("USER ")]
    assert users
    assert "0" not in users
