"""What a command imports and reads, loaded once: the tests fork every command line from the process that did."""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import lzma
import os
import pkgutil
import tempfile
from pathlib import Path

import utils.aws_mgmt
from dr_checks.core.observation import result_from_json, result_to_json
from dr_checks.core.registry import checks, judge
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import Side, load_environment
from dr_estate.snapshot.placeholders import public_words
from dr_estate.snapshot.registry import reads
from tests.dr_checks.estates import healthy

ROOT = Path(__file__).parents[2]
EVIDENCE = ROOT / "tests" / "golden" / "evidence" / "sit-healthy.json.xz"
_APART = {"utils.aws_mgmt.dr_cli"}  # the door itself: each command runs it as a script
_LATE = ("rich.console", "rich.progress", "rich.table", "pytest_bdd.plugin", "reports.allure.plugin", "steps.judging")


def warm() -> None:
    """Import and judge as commands do, and read what they read: evidence, and the models of the services asked."""
    found = {module.name for module in pkgutil.walk_packages(utils.aws_mgmt.__path__, "utils.aws_mgmt.")}
    for name in (*_LATE, *sorted(found - _APART)):
        importlib.import_module(name)
    snapshot, environment = healthy(), load_environment(ROOT / "environments", "sit")
    importlib.import_module("pytest_bdd.feature").get_features([str(ROOT / "features")])
    for check in checks().values():  # patterns, plans and codecs that libraries remember
        result_from_json(result_to_json(judge(check, snapshot, environment)))
    client = ReadClient(environment, reads(), Credentials("http://127.0.0.1:9", "nobody", "nothing"))
    for service in sorted({operation.partition(":")[0] for operation in reads()}):
        client.account.ordinary(service, environment.region(Side.DR))
    public_words(reads())
    assess_once()


def assess_once() -> None:
    """Assess recorded evidence: patterns are compiled, templates parsed, actions declared as a first command does."""
    # not among the imports above: they are loaded where a command loads them
    parse = importlib.import_module("utils.aws_mgmt.cli.parser").parse
    run_command = importlib.import_module("utils.aws_mgmt.cli.error_boundary").run_command
    environment = dict(os.environ)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as silence:
        silence.enter_context(contextlib.redirect_stdout(io.StringIO()))
        shown = silence.enter_context(contextlib.redirect_stderr(io.StringIO()))
        evidence = Path(folder) / "evidence.json"
        evidence.write_bytes(lzma.decompress(EVIDENCE.read_bytes()))
        os.environ.update(dict.fromkeys(("HOME", "XDG_STATE_HOME", "DR_SANDBOX_HOME"), folder))
        code = run_command(parse(f"-e sit --output {folder}/out failover --from-evidence {evidence}".split()))
        assert code in (0, 1), shown.getvalue()
    os.environ.clear()
    os.environ.update(environment)


gc.disable()
warm()
gc.freeze()  # what is loaded once is no garbage, and a fork that looks through it copies it
gc.enable()
