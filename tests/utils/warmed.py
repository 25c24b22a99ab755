"""What a command imports and reads, loaded once: the tests fork every command line from the process that did."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from pathlib import Path

import utils.aws_mgmt
from dr_checks.core.registry import checks, judge
from dr_checks.core.serialization import result_from_json, result_to_json
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side, load_environment
from dr_estate.snapshot.registry import reads
from tests.dr_checks.estates import healthy
from utils.aws_mgmt.app.early_imports import loading_judgement

ROOT = Path(__file__).parents[2]
_APART = {"utils.aws_mgmt.dr_cli"}  # the door itself: each command runs it as a script
_LATE = ("rich.console", "rich.progress", "rich.table")


def warm() -> None:
    """Import and judge as commands do, and read what they read: evidence, and the models of the services asked."""
    found = {module.name for module in pkgutil.walk_packages(utils.aws_mgmt.__path__, "utils.aws_mgmt.")}
    for name in (*_LATE, *sorted(found - _APART)):
        importlib.import_module(name)
    snapshot, environment = healthy(), load_environment(ROOT / "environments", "sit")
    with loading_judgement():
        pass
    for check in checks().values():  # patterns, plans and codecs that libraries remember
        result_from_json(result_to_json(judge(check, snapshot, environment)))
    client = ReadClient(environment, reads(), Credentials("http://127.0.0.1:9", "nobody", "nothing"))
    for service in sorted({operation.partition(":")[0] for operation in reads()}):
        client.client(service, environment.region(Side.DR))


gc.disable()
warm()
gc.freeze()  # what is loaded once is no garbage, and a fork that looks through it copies it
gc.enable()
