"""A container's secret has the same name in both regions."""

from __future__ import annotations

import pytest

from dr_estate.model.ecs_settings import by_named_arn, secret_reference, source_of


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("arn:aws:secretsmanager:r:1:secret:sit-t-db-AbCdEf:password::", "sit-t-db#password"),
        ("arn:aws:secretsmanager:r:1:secret:sit-t-db-AbCdEf", "sit-t-db"),
        ("arn:aws:secretsmanager:r:1:secret:sit-t-db-AbCdEf:password:AWSPREVIOUS:", "sit-t-db#password of AWSPREVIOUS"),
        ("arn:aws:secretsmanager:r:1:secret:sit-t-db-AbCdEf:::v1", "sit-t-db of v1"),
        ("arn:aws:secretsmanager:r:1:secret:sit-t-db-AbCdEf::AWSCURRENT:", "sit-t-db"),
        ("arn:aws:ssm:r:1:parameter/sit/t/key", "/sit/t/key"),
        ("sit-key", "sit-key"),
    ],
)
def test_a_secret_is_named_alike_in_every_region(source: str, expected: str) -> None:
    assert expected == secret_reference(source)


def test_a_secret_is_meant_by_its_whole_arn_or_by_one_without_its_suffix() -> None:
    arn = "arn:aws:secretsmanager:r:1:secret:sit-t-db-AbCdEf"
    meant = by_named_arn([(arn, 1), (f"{arn[:-6]}ZyXwVu", 2), ("arn:aws:ssm:r:1:parameter/sit/t/key", 3)])
    assert meant[source_of(f"{arn}:password::").arn] == [1]
    assert meant[source_of("arn:aws:secretsmanager:r:1:secret:sit-t-db").arn] == [1, 2]
    assert source_of("arn:aws:secretsmanager:r:1:secret:sit-t-db-ZzZzZz").arn not in meant
    assert source_of("arn:aws:secretsmanager:q:1:secret:sit-t-db-AbCdEf").arn not in meant
    assert source_of("sit-t-db").arn not in meant, "a name is no ARN"
