"""Eight HTTP services by path on one host, on S3 and DynamoDB alone, from `scan` to `status`: no name is typed."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from dr_estate.config.environment import Side, load_environment
from sandbox.client.endpoint import Endpoint
from sandbox.client.launcher import HURRIED
from tests.dr_estate.scan.acme import AWAY, BUCKET, HOME, HOST, SECRET, SERVICES, SUFFIX, TABLES, build, build_tool
from tests.hosting import hosted
from tests.utils.running import ROOT, Ran, at_endpoint
from utils.aws_mgmt.app.exit_codes import Exit

SIDES = (Side.PRIMARY, Side.DR)
OF_THE_TOOL = {
    "evidence.anchored",
    "evidence.signed",
    "prerequisites.contacts-named",
    "prerequisites.control-table",
    "prerequisites.operator-allowed",
    "prerequisites.runbook-current",
}
"""What this tool asks for beside the platform: deploy/ makes it, and people write it."""

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Endpoint, Path, Ran]]:
    """The platform in an empty sandbox, the folder of its settings, and what `init` said when it wrote them."""
    home = tmp_path_factory.mktemp("acme")
    environment = load_environment(ROOT / "environments", "sit")
    with hosted(environment, 0, seeded=False) as world:
        admin = world.people["admin"]
        build(world.url, admin.access_key_id, admin.secret_access_key, environment.account)
        words = f"-e acme --config {home / 'own'} init --yes"  # records lead to the regions
        yield world, home, at_endpoint(world, home, words, "admin")


def _status(world: Endpoint, home: Path) -> Ran:
    return at_endpoint(world, home, f"-e acme --config {home / 'own'} status --format json", "admin")


def test_scan_pairs_every_service_by_its_rule_and_sees_no_gap(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = acme
    found = at_endpoint(world, home, "scan --format json", "admin").report
    assert ([], [HOST]) == (found["gaps"], [entry["name"] for entry in found["entries"]])
    pairs = {row["service"]["name"]: row["counterpart"]["thing"]["name"] for row in found["workloads"]}
    assert {f"{name}-{SUFFIX[HOME]}": f"{name}-{SUFFIX[AWAY]}" for name in SERVICES} == pairs


def test_init_leaves_names_to_the_map_and_empty_what_is_not_there(acme: tuple[Endpoint, Path, Ran]) -> None:
    _, home, written = acme
    assert Exit.READY == written.code, written.err
    settings = tomllib.loads((home / "own" / "acme.toml").read_text(encoding="utf-8"))
    absent = dict.fromkeys(("state_bucket", "backup_plan", "master_secret", "tenant_secret", "vpc"), "")
    own = {"control_table": "{env}-dr-control", "topics": [], "alarms": [], "tags": {}}
    assert ({**absent, **own}, "http") == (settings["names"], settings["profile"])
    assert "" == settings["traffic"]["distribution_alias"]


def test_each_region_has_its_own_names(acme: tuple[Endpoint, Path, Ran]) -> None:
    env = load_environment(acme[1] / "own", "acme")
    for side, suffix in zip(SIDES, SUFFIX.values(), strict=True):
        names = env.on(side)
        patterns = (names.names.service, names.names.target_group, names.names.task_family, names.names.log_group)
        answers = [names.named(pattern, tenant="orders") for pattern in patterns]
        assert [f"orders-{suffix}", f"orders-{suffix}", f"acme-orders-{suffix}", f"/acme/orders-{suffix}"] == answers
        assert "orders" == names.tenant_of(names.names.service, f"orders-{suffix}")
    assert ("", "") == (env.names.database, env.names.file_system)
    assert (TABLES, (BUCKET,), (SECRET,)) == (
        tuple(sorted(env.names.tables))[::-1],
        env.names.buckets,
        env.names.secrets,
    )
    assert f"{BUCKET}-replica" == env.named(env.names.bucket_copy, bucket=BUCKET)
    assert f"{HOST}/orders" == env.site_of("orders")


def test_status_is_red_for_nothing_that_the_estate_does_not_have(acme: tuple[Endpoint, Path, Ran]) -> None:
    ran = _status(*acme[:2])
    assert ("NORMAL", 8, "all") == (
        ran.report["posture"],
        *(ran.report["visitors"][key] for key in ("served", "write")),
    )
    statuses = ran.statuses()
    assert OF_THE_TOOL == {check for check, status in statuses.items() if status in ("fail", "unknown")}
    rooms = ("rds", "efs", "backup", "cloudfront", "terraform")
    assert {"not-applicable"} == {statuses[check] for check in statuses if check.startswith(rooms)}
    assert {"pass"} == {
        statuses[check] for check in ("elbv2-routing.host-rules", "sites.own-identity", "s3.copy-exists")
    }
    assert [] == words_of_wordpress(ran)


def words_of_wordpress(*screens: Ran) -> list[str]:
    """Its words on the screens: nobody who runs HTTP services knows them."""
    text = "".join(screen.out + screen.err for screen in screens)
    return re.findall(r"(?i).{30}(?:wordpress|wp-\w).{10}", text)


def test_no_plan_speaks_of_wordpress(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, written = acme
    words = f"-e acme --config {home / 'own'}"
    screens = [at_endpoint(world, home, f"{words} {command}", "admin") for command in ("failover", "failback")]
    assert [] == [screen.err for screen in screens if "Traceback" in screen.err]
    assert [] == words_of_wordpress(written, *screens)


PEOPLE = """
[people]
runbook = "s3://acme-runbooks/runbook.md"
contacts = { "Platform Admin" = "a@acme.example", "DR Manager" = "a@acme.example", "Backup Manager" = "a@acme.example", "Monitoring Agent" = "a@acme.example" }

[approvals]
people = 1
ticket = false

[execution]
poll_s = 0.2

[failback]
stable_minutes = 1
bake_minutes = 1

[observation]
attempts = 1
"""  # noqa: E501 - an inline table is one line
WAITING_SPEED = 10
"""How fast the world goes while a failback waits: a minute for the region to be stable, and one for each stage."""


def test_a_failover_and_a_failback_of_it_serve_all_eight(acme: tuple[Endpoint, Path, Ran]) -> None:
    world, home, _ = acme
    file, admin, words = home / "own" / "acme.toml", world.people["admin"], f"-e acme --config {home / 'own'}"
    settings = file.read_text(encoding="utf-8").replace('dns_step = "manual"', 'dns_step = "automatic"')
    file.write_text(settings + PEOPLE, encoding="utf-8")
    policies = at_endpoint(world, home, f"{words} iam operator", "admin").report
    account = load_environment(home / "own", "acme").account
    build_tool(world.url, admin.access_key_id, admin.secret_access_key, account, policies)
    healthy = _status(world, home)
    assert [] == [check for check, found in healthy.statuses().items() if found in ("fail", "unknown")]
    assert Exit.READY == healthy.code, healthy.err
    world.timing(**HURRIED)
    world.inject("primary-dark")
    ran = at_endpoint(world, home, f"{words} failover --execute --incident INC-1", "admin")
    assert Exit.READY == ran.code, ran.out + ran.err
    assert "DONE: Every step is done, and what serves now was validated" in ran.out
    after = _status(world, home).report
    assert ("ON_DR", [AWAY], 8) == (after["posture"], after["visitors"]["regions"], after["visitors"]["served"])
    world.repair("primary-dark")
    world.set_speed(WAITING_SPEED)
    back = at_endpoint(world, home, f"{words} failback --staged --execute --incident INC-1", "admin")
    assert Exit.READY == back.code, back.out + back.err
    assert [] == words_of_wordpress(ran, back)
    home_again = _status(world, home).report
    assert ("NORMAL", [HOME], 8) == (
        home_again["posture"],
        home_again["visitors"]["regions"],
        home_again["visitors"]["served"],
    )
