"""What a new operator meets before anything works: each hindrance is one sentence and its exit code, never a defect."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.utils.running import ROOT, dr_cli

DOOR = "utils/aws_mgmt/dr_cli.py"
OLD = f"import sys, runpy; sys.version_info = (3, 9, 18); runpy.run_path('{DOOR}', run_name='__main__')"
REFUSES_A_PARAMETER = """
def _without_help(self, param_decls, required=None, **attrs):
    if "help" in attrs:
        raise TypeError("Parameter.__init__() got an unexpected keyword argument 'help'")

Argument.__init__ = _without_help
"""
LACKS_A_CLASS = """
import sys
del sys.modules["click"].Choice
"""
HOMELESS = (
    "import os, pwd, runpy; del os.environ['HOME'], os.environ['XDG_STATE_HOME']; pwd.getpwuid = {}.__getitem__; "
    f"runpy.run_path('{DOOR}', run_name='__main__')"
)
NOBODY = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
Ran = subprocess.CompletedProcess[str]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home directory in which AWS was configured wrongly."""
    (tmp_path / "broken").write_text("[profile half\naws_access_key_id\n")
    (tmp_path / "profiles").write_text(
        "[profile program]\ncredential_process = /bin/false\n"
        "[profile lost]\nrole_arn = arn:aws:iam::123456789012:role/x\nsource_profile = nowhere\n"
    )
    (tmp_path / "file").touch()
    return tmp_path


def _run(home: Path, command: str, **variables: str) -> Ran:
    """Run a shell's line in which ``$DR`` is the command line, with nothing but these AWS variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PYTHON"))}
    own = {"HOME": str(home), "XDG_STATE_HOME": str(home), "AWS_EC2_METADATA_DISABLED": "true"}
    own |= {"DR": f"{sys.executable} {DOOR} --output {home / 'out'}", "PY": sys.executable, "H": str(home)}
    shell = ["/bin/sh", "-c", command]
    completed = subprocess.run(
        shell,
        cwd=ROOT,
        env={**environment, **own, **variables},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "Traceback" not in completed.stderr
    assert "defect" not in completed.stderr
    return completed


def _sentence(ran: Ran) -> str:
    (line,) = ran.stderr.splitlines()
    return line


def test_a_python_without_the_packages_says_how_to_get_them(home: Path) -> None:
    ran = _run(home, f"$PY -S {DOOR} -e sit status")
    assert 3 == ran.returncode
    assert "needs its packages" in _sentence(ran)
    assert "`make setup`" in ran.stderr
    assert "`.venv/bin/python utils/aws_mgmt/dr_cli.py`" in ran.stderr
    assert sys.executable in ran.stderr, "and which Python it was"


@pytest.mark.parametrize(("module", "difference"), [("core", REFUSES_A_PARAMETER), ("__init__", LACKS_A_CLASS)])
def test_a_python_with_an_older_library_names_it_and_the_right_python(home: Path, module: str, difference: str) -> None:
    older = shutil.copytree(Path(click.__file__).parent, home / "older" / "click")
    with (older / f"{module}.py").open("a", encoding="utf-8") as source:
        source.write(difference)
    ran = _run(home, f"$PY {DOOR} -e sit status", PYTHONPATH=str(older.parent))
    assert 3 == ran.returncode
    assert "needs another version of click" in _sentence(ran)
    assert f"({sys.executable}): run `make setup`" in ran.stderr


def test_the_installed_tool_without_its_packages_says_how_to_install_them(home: Path) -> None:
    ran = _run(home, "$PY -S -m aws_dr_manager -e sit status")
    assert 3 == ran.returncode
    assert f"({sys.executable}): install them for it: `pip install 'aws-dr-manager'`." in _sentence(ran)


def test_the_module_names_itself_in_its_help(home: Path) -> None:
    assert "Usage: python -m aws_dr_manager [OPTIONS]" in _run(home, "$PY -m aws_dr_manager --help").stdout
    assert "Usage: dr_cli.py [OPTIONS]" in _run(home, f"$PY {DOOR} --help").stdout


def test_a_python_that_is_too_old_says_which_is_needed(home: Path) -> None:
    ran = _run(home, '$PY -S -c "$OLD" -e sit status', OLD=OLD)
    assert 3 == ran.returncode
    assert "needs Python 3.11 or newer, and this is Python 3.9" in _sentence(ran)
    assert "`make setup`" in ran.stderr


@pytest.mark.parametrize("words", ["-e sit status", "--output $H/out -e sit status", "-e sit --sandbox status"])
def test_a_user_who_has_no_home_folder_hears_which_variables_name_one(home: Path, words: str) -> None:
    ran = _run(home, f'$PY -c "$CODE" {words}', CODE=HOMELESS)
    assert (2, "") == (ran.returncode, ran.stdout)
    assert "no home folder" in ran.stderr
    assert "set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME" in ran.stderr
    assert 0 == _run(home, '$PY -c "$CODE" --help', CODE=HOMELESS).returncode


def test_a_home_folder_that_cannot_be_made_is_named_with_what_to_do(home: Path) -> None:
    ran = _run(home, f"$PY {DOOR} --output $H/file/below/out -e sit status", **NOBODY)
    assert 3 == ran.returncode
    assert "name another folder with --output DIR" in _sentence(ran)


def test_an_old_python_can_read_the_door_at_all() -> None:
    source = (ROOT / DOOR).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "__future__" not in source, "3.6 knows no future annotations"


@pytest.mark.proof
@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"AWS_PROFILE": "misspelt"}, "misspelt) could not be found"),
        ({"AWS_CONFIG_FILE": "$H/broken"}, "Unable to parse config file"),
        ({"AWS_SHARED_CREDENTIALS_FILE": "$H/broken"}, "Unable to parse config file"),
        ({"AWS_CONFIG_FILE": "$H/profiles", "AWS_PROFILE": "program"}, "custom-process"),
        ({"AWS_CONFIG_FILE": "$H/profiles", "AWS_PROFILE": "lost"}, 'source_profile "nowhere"'),
        ({"AWS_ENDPOINT_URL": "nonsense"}, "AWS_ENDPOINT_URL is no URL"),
    ],
    ids=["profile", "config", "credentials", "program", "source profile", "endpoint"],
)
def test_aws_settings_that_cannot_be_used_are_named_with_what_to_do(
    home: Path, variables: dict[str, str], message: str
) -> None:
    given = {name: value.replace("$H", str(home)) for name, value in variables.items()}
    keys = {} if "AWS_PROFILE" in given else NOBODY
    for command in ("status", "failover --execute --incident INC-1"):
        ran = dr_cli(f"-e sit {command}", home, **{**keys, **given})
        assert ran.code == (2 if "AWS_ENDPOINT_URL" in variables else 3), ran.err
        (sentence,) = ran.err.splitlines()
        assert message in sentence
        assert "Correct" in sentence


@pytest.mark.proof
def test_closed_streams_are_no_defect(home: Path) -> None:
    looked = _run(home, "$DR -e sit log <&-")
    assert (2, "No journal of sit") == (looked.returncode, _sentence(looked)[:17])
    unread = _run(home, "$DR -e sit iam reader >&-")
    assert (3, "Standard output is closed") == (unread.returncode, _sentence(unread)[:25])
    unheard = _run(home, "$DR -e sit iam reader 2>&-")
    assert (0, True) == (unheard.returncode, "sit-dr-look" in json.loads(unheard.stdout))
    nowhere = _run(home, "$DR -e sit iam reader <&- 2>&-")
    assert (0, unheard.stdout) == (nowhere.returncode, nowhere.stdout)


@pytest.mark.proof
def test_a_result_that_cannot_be_written_is_never_green(home: Path) -> None:
    for command in ("iam reader", "--help"):
        for unbuffered in ("", "1"):
            ran = _run(home, f"$DR -e sit {command} >/dev/full", PYTHONUNBUFFERED=unbuffered)
            assert (3, True) == (ran.returncode, "No space left on device" in _sentence(ran))
    assert 2 == _run(home, "$DR -e sit log 2>/dev/full").returncode, "what went wrong is told by the exit code still"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_whatever_the_output_can_encode_a_character_is_no_reason_to_fail(encoding: str) -> None:
    message = "Störung → 🌍"
    code = f"""
import json, sys
from utils.aws_mgmt.cli import streams
streams.prepare()
sys.stdout.write(json.dumps({message!r}, ensure_ascii=False))
sys.exit(streams.finish(0))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    assert 0 == ran.returncode, ran.stderr
    assert message == json.loads(ran.stdout.decode(encoding)), "JSON stays JSON"


@pytest.mark.proof
def test_a_command_speaks_in_an_encoding_that_lacks_its_characters(home: Path) -> None:
    shown = _run(home, "$DR -e sit log --incident 'INC→Störung'", PYTHONIOENCODING="ascii")
    assert 2 == shown.returncode
    assert "'INC\\u2192St\\u00f6rung' is no incident id" in _sentence(shown)


@pytest.mark.proof
def test_a_results_folder_that_cannot_be_made_is_named_with_its_option(home: Path) -> None:
    ran = _run(home, "$DR -e sit --output $H/file/x status", **NOBODY)
    assert 3 == ran.returncode
    assert f"{home}/file/x" in _sentence(ran)
    assert "--output DIR" in ran.stderr


@pytest.mark.proof
def test_an_unwritable_home_keeps_no_sandbox_but_can_look_at_one(home: Path) -> None:
    away = {"HOME": str(home / "file"), "XDG_STATE_HOME": ""}
    looked = _run(home, "$DR -e sit --sandbox --tenants 1 status --infrastructure", **away)
    progress = re.compile(r"\(\d+ s\)$")  # printed every 10 s where it takes so long
    assert (0, []) == (looked.returncode, [line for line in looked.stderr.splitlines() if not progress.search(line)])
    completed = _run(home, "$DR -e sit sandbox up --tenants 1", **away)
    assert 3 == completed.returncode
    assert str(home / "file") in _sentence(completed)


def test_ctrl_c_before_a_command_has_begun_is_a_sentence_too(home: Path) -> None:
    (home / "early").mkdir()
    (home / "early" / "click.py").write_text("raise KeyboardInterrupt\n")  # as if pressed while it is imported
    ran = _run(home, "PYTHONPATH=$H/early $DR -e sit status")
    assert (130, "") == (ran.returncode, ran.stdout)
    assert "Interrupted. Nothing was changed: the command had not begun." == _sentence(ran)


def test_ctrl_c_during_the_last_message_claims_nothing_of_the_changes(home: Path) -> None:
    (home / "late").mkdir()
    (home / "late" / "sitecustomize.py").write_text(
        "import sys\n\n"
        "def first(text, write=sys.stderr.write):  # as if pressed while its last sentence is written\n"
        "    sys.stderr.write = write\n"
        "    raise KeyboardInterrupt\n\n"
        "sys.stderr.write = first\n"
    )
    ran = _run(home, "PYTHONPATH=$H/late $DR -e nowhere status")
    assert (130, "") == (ran.returncode, ran.stdout)
    assert "Interrupted again. What was changed is in the incident log; the same command goes on." == _sentence(ran)
