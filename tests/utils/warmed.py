"""What a command imports and reads, loaded once: the tests fork every command line from the process that did."""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

import utils.aws_mgmt
from dr_checks.core.registry import checks
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side, load_environment
from dr_estate.snapshot.registry import reads
from tests.dr_checks.estates import healthy

ROOT = Path(__file__).parents[2]
_APART = {"utils.aws_mgmt.dr_cli"}  # the door itself: each command runs it as a script
_PLUGINS = ("pytest_bdd.plugin", "allure_pytest.plugin", "reports.allure.plugin")
_LATE = ("rich.console", "rich.progress", "rich.table", "pytest", *_PLUGINS)


def warm() -> None:
    """Import what commands import late, and read what they read: evidence, and the models of the services asked."""
    found = {module.name for module in pkgutil.walk_packages(utils.aws_mgmt.__path__, "utils.aws_mgmt.")}
    for name in (*_LATE, *sorted(found - _APART)):
        importlib.import_module(name)
    checks()
    healthy()
    environment = load_environment(ROOT / "environments", "sit")
    client = ReadClient(environment, reads(), Credentials("http://127.0.0.1:9", "nobody", "nothing"))
    for service in sorted({operation.partition(":")[0] for operation in reads()}):
        client.client(service, environment.region(Side.DR))


warm()
