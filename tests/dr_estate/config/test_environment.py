"""Environment files: what they say is taken, what they get wrong is said in a sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dr_estate.config.environment import (
    EnvironmentFileError,
    Side,
    environment_names,
    load_environment,
    parse_environment,
)

COPIES = ["automated-backup", "backup-copy"]
LIVE = ["read-replica", "backup-copy"]
NAMED = {"database": "orders"}
FOLDER = Path(__file__).parents[3] / "environments"


def _data() -> dict[str, Any]:
    return {
        "name": "x",
        "account": "123456789012",
        "regions": {"primary": "eu-north-1", "dr": "eu-south-1"},
        "replication": {"expectation": "expected"},
        "traffic": {
            "zone": "example.org",
            "tenant_domain": "wp.example.org",
            "origin_record": "origin.wp.example.org",
            "primary_set_identifier": "one",
            "secondary_set_identifier": "two",
            "distribution_alias": "*.wp.example.org",
        },
    }


def _refusal(data: dict[str, Any]) -> str:
    with pytest.raises(EnvironmentFileError) as refused:
        parse_environment(data, "x.toml", "x")
    return str(refused.value)


@pytest.mark.parametrize("name", ["dev", "sit", "prod"])
def test_the_shipped_files_load_under_their_own_name(name: str) -> None:
    environment = load_environment(FOLDER, name)
    assert name == environment.name
    assert environment.region(Side.PRIMARY) != environment.region(Side.DR)


def test_a_team_with_other_names_needs_only_its_own_file() -> None:
    data = _data() | {"names": {"service": "wp-{tenant}-{env}"}}
    environment = parse_environment(data, "x.toml", "x")
    assert environment.named(environment.names.service, tenant="shop") == "wp-shop-x"
    assert environment.tenant_of(environment.names.service, "wp-shop-x") == "shop"
    assert environment.tenant_of(environment.names.service, "wp-x") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bogus": 1}, "x.toml: bogus: unknown key"),
        ({"regions": {"primary": "a", "dr": "a"}}, "x.toml: regions: primary and DR region are both 'a'"),
        ({"account": "12"}, "x.toml: account: must be the 12 digits"),
        ({"objectives": {"rpo_minutes": 0}}, "x.toml: objectives.rpo_minutes: Input should be greater than 0"),
        ({"replication": {"expectation": "none"}}, "say why in replication.reason"),
        ({"replication": {"expectation": "mandatory", "database": []}}, "replication.expectation is 'mandatory'"),
        (
            {"scaling_schedule": {"timezone": "Mars/X", "off_from": "19:00", "off_until": "07:00"}},
            "'Mars/X' is not an IANA",
        ),
        (
            {"standby": {"mode": "warm"}, "names": NAMED},
            "standby.mode is 'warm', but no database runs in the DR region",
        ),
        (
            {
                "standby": {"mode": "warm"},
                "names": NAMED,
                "replication": {"expectation": "mandatory", "database": ["backup-copy"]},
            },
            "put 'read-replica' first in replication.database and replicate, or set standby.mode to 'pilot-light'",
        ),
        (
            {
                "standby": {"mode": "warm"},
                "names": NAMED,
                "replication": {"expectation": "none", "reason": "r", "database": LIVE},
            },
            "no database runs in the DR region",
        ),
        ({"standby": {"tasks_per_service": 1}}, "tasks_per_service is 1, but a pilot light runs no task: set it to 0"),
        ({"standby": {"mode": "warm", "tasks_per_service": 0}}, "mode is 'warm', but tasks_per_service is 0: set it"),
        ({"standby": {"mode": "hot"}}, "standby.mode: Input should be 'pilot-light' or 'warm'"),
        ({"failback": {"stages": [50, 10, 100]}}, "failback.stages: must rise, end at 100"),
        ({"failback": {"stages": [10, 50]}}, "failback.stages: must rise, end at 100"),
        ({"failback": {"stages": [10, 20, 30, 40, 50, 100]}}, "and be 5 at most"),
        ({"failback": {"stages": []}}, "failback.stages: must rise, end at 100"),
        ({"schedule": {"tabletop": "daily"}}, "schedule.tabletop: Input should be 'weekly', 'monthly'"),
        ({"schedule": {"timezone": "Mars/X"}}, "schedule.timezone: 'Mars/X' is not an IANA time zone"),
        ({"schedule": {"blocked": ["2026-12-20"]}}, "schedule.blocked: '2026-12-20' is no window of days: write for"),
        ({"schedule": {"blocked": ["2026-02-30..2026-03-01"]}}, "is no window of days"),
        ({"schedule": {"blocked": ["2027-01-05..2026-12-20"]}}, "ends before it begins"),
        ({"schedule": {"at_risk_days": 0}}, "schedule.at_risk_days: Input should be greater than 0"),
        ({"name": "y"}, 'x.toml: name: says "y", the file says "x"'),
    ],
)
def test_what_cannot_be_is_refused_with_file_key_and_fix(change: dict[str, Any], message: str) -> None:
    assert message in _refusal(_data() | change)


def _text(name: str, cut: str = "") -> str:
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8").replace(cut, "")


def test_a_file_without_the_names_of_the_estate_is_refused_by_its_keys(tmp_path: Path) -> None:
    file = tmp_path / "sit.toml"
    file.write_text(_text("sit", 'base = "bbws"\n') + '[names]\ndatabase = "orders"\n', encoding="utf-8")
    with pytest.raises(EnvironmentFileError) as refused:
        load_environment(tmp_path, "sit")
    text = str(refused.value)
    assert text.startswith(f"{file}: names.alarms, names.backup_plan, names.buckets, ")
    assert ("names.db_subnet_group, " in text, "names.database" in text, "\n" in text) == (True, False, False), text


def test_what_a_base_says_holds_where_the_file_says_nothing(tmp_path: Path) -> None:
    shipped = load_environment(FOLDER, "sit")
    (tmp_path / "sit.toml").write_text(_text("sit") + "[names]\ntopics = []\n", encoding="utf-8")
    by_the_shipped_base = load_environment(tmp_path, "sit")
    assert ((), shipped.names.buckets) == (by_the_shipped_base.names.topics, by_the_shipped_base.names.buckets)
    base = (FOLDER / "bbws.base.toml").read_text(encoding="utf-8")
    (tmp_path / "bbws.base.toml").write_text(base.replace("bbws-", "ours-"), encoding="utf-8")
    by_its_own = load_environment(tmp_path, "sit")
    assert ("ours-dr-vault", ()) == (by_its_own.names.dr_vault, by_its_own.names.topics)
    assert ["sit"] == environment_names(tmp_path), "a base is no environment"
    assert by_the_shipped_base.rules() != by_its_own.rules(), "an approver pins what a base says"


def test_a_base_that_is_not_there_is_named_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "sit.toml").write_text(_text("sit").replace('"bbws"', '"other"'), encoding="utf-8")
    with pytest.raises(EnvironmentFileError, match=r"base: there is no .*other\.base\.toml"):
        load_environment(tmp_path, "sit")


def test_a_warm_standby_runs_a_task_on_a_replica() -> None:
    data = _data() | {"replication": {"expectation": "expected", "database": LIVE}, "standby": {"mode": "warm"}}
    standby = parse_environment(data, "x.toml", "x").standby
    assert (standby.mode, standby.tasks_per_service) == ("warm", 1)


def test_a_warm_standby_of_tables_alone_is_read_without_its_map_too(tmp_path: Path) -> None:
    """The map says that it has no database, and `init --update` writes the map."""
    text = _text("sit", 'base = "bbws"\n').replace(
        '"pilot-light"\ntasks_per_service = 0', '"warm"\ntasks_per_service = 1'
    )
    (tmp_path / "sit.toml").write_text(text, encoding="utf-8")
    assert "warm" == load_environment(tmp_path, "sit", with_map=False).standby.mode


def test_a_pilot_light_runs_no_task_and_is_the_default_standby() -> None:
    standby = parse_environment(_data(), "x.toml", "x").standby
    assert (standby.mode, standby.tasks_per_service) == ("pilot-light", 0)


def test_every_fault_of_a_file_is_said_at_once() -> None:
    refusal = _refusal({"name": "x", "account": "1", "bogus": True})
    assert refusal.count("\n") >= 3
    assert "x.toml: traffic: missing" in refusal


def test_a_missing_file_names_the_folder_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "qa.toml").write_text("")
    with pytest.raises(EnvironmentFileError, match=r"no such environment file \(found in .*: qa\)"):
        load_environment(tmp_path, "sit")


def test_a_typo_in_toml_names_its_line(tmp_path: Path) -> None:
    (tmp_path / "sit.toml").write_text('name = "sit\n')
    with pytest.raises(EnvironmentFileError, match=r"not readable as TOML: .*line 1"):
        load_environment(tmp_path, "sit")
