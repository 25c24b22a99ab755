"""What of a container definition decides how it runs: alike in both regions, and with no secret in it."""

from __future__ import annotations

from typing import Any

import pytest

from dr_estate.model.ecs_settings import container_settings

HERE, THERE = "eu-west-1", "af-south-1"
PLAIN: dict[str, Any] = {
    "name": "wordpress",
    "image": "wordpress:6",
    "cpu": 0,
    "essential": True,
    "portMappings": [{"containerPort": 80}],
    "environment": [{"name": "A", "value": "b"}],
    "mountPoints": [],
    "volumesFrom": [],
    "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-region": HERE, "awslogs-group": "/a"}},
}


def _set(**settings: Any) -> dict[str, str]:
    return dict(container_settings({**PLAIN, **settings}, HERE))


def test_what_is_read_apart_or_not_given_is_no_setting() -> None:
    assert _set() == {}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("ulimits", [{"name": "nofile", "softLimit": 1, "hardLimit": 1}]),
        ("command", ["php", "--password=hunter2"]),
        ("dependsOn", [{"containerName": "a", "condition": "HEALTHY"}]),
    ],
)
def test_what_is_no_plain_value_is_a_digest_of_it(setting: str, value: Any) -> None:
    assert _set(**{setting: value})[setting].startswith("sha256:")
    assert _set(**{setting: value}) != _set(**{setting: [*value, "more"]})


def test_a_health_check_is_its_command_and_its_times() -> None:
    command, times = {"command": ["CMD", "true"]}, {"interval": 10}
    digest = _set(healthCheck=command)["health check command"]
    assert digest.startswith("sha256:")
    assert _set(healthCheck=command) == {"health check command": digest}
    assert _set(healthCheck=command | times).keys() == {"health check command", "healthCheck"}
    assert _set(healthCheck=command | times) != _set(healthCheck=command | {"interval": 20})
    assert _set(healthCheck={"command": ["CMD", "false"]}) != _set(healthCheck=command)


def test_plain_values_are_shown() -> None:
    given = _set(user="www", stopTimeout=30, readonlyRootFilesystem=True, essential=False)
    assert given == {"user": "www", "stopTimeout": "30", "readonlyRootFilesystem": "true", "essential": "false"}


def test_the_region_makes_no_difference() -> None:
    here, there = ({**PLAIN, "command": ["sync", f"s3.{region}.amazonaws.com"]} for region in (HERE, THERE))
    assert container_settings(here, HERE) == container_settings(there, THERE)


def test_another_log_driver_and_its_options_are_settings() -> None:
    logs = {"logDriver": "splunk", "options": {"splunk-token": "hunter2"}}
    found = _set(logConfiguration=logs)
    assert found["log driver"] == "splunk"
    assert "hunter2" not in str(found)


def test_what_differs_by_region_without_harm_is_not_compared() -> None:
    assert _set(dockerLabels={"a": "b"}) == _set(linuxParameters={"initProcessEnabled": True, "tmpfs": []}) == {}
    assert _set(linuxParameters={"sharedMemorySize": 64}).keys() == {"linuxParameters"}
    waiting = {"mode": "non-blocking", "max-buffer-size": "25m"}
    assert _set(logConfiguration={"logDriver": "awslogs", "options": waiting}) == {}
    files = [_set(environmentFiles=[{"value": f"arn:aws:s3:::{name}/a.env", "type": "s3"}]) for name in ("a", "a-dr")]
    assert files[0] == files[1] != {}


def test_a_port_that_is_no_longer_tcp_is_a_difference() -> None:
    mapped = {"portMappings": [{"containerPort": 80, "protocol": "udp"}, {"containerPort": 443}]}
    assert _set(**mapped) == {"UDP ports": "80"}
    assert _set(portMappings=[{"containerPort": 80, "protocol": "tcp"}]) == {}
