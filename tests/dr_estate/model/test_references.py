"""What a text leads to: by its kind, its name and its region, in full or by the short code."""

from __future__ import annotations

import pytest

from dr_estate.model.references import ReferenceKind, balancer_region, references, short_code, unregional


@pytest.mark.parametrize(
    ("text", "kind", "name", "region"),
    [
        ("sit-mysql.c0ffee12.eu-west-1.rds.amazonaws.com:3306", ReferenceKind.DATABASE, "sit-mysql", "eu-west-1"),
        ("app.proxy-c0ffee.eu-west-1.rds.amazonaws.com", ReferenceKind.OTHER, "app", "eu-west-1"),
        ("redis://c.abc123.0001.afs1.cache.amazonaws.com:6379/0", ReferenceKind.CACHE, "c", "afs1"),
        ("c.euw2.abc9.0001.afs1.cache.amazonaws.com", ReferenceKind.CACHE, "c", "afs1"),
        ("master.c.abc123.euw1.cache.amazonaws.com", ReferenceKind.CACHE, "c", "euw1"),
        ("c-abc123.serverless.euw1.cache.amazonaws.com", ReferenceKind.CACHE, "c", "euw1"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/jobs", ReferenceKind.QUEUE, "jobs", "eu-west-1"),
        ("https://sqs.eu-west-1.amazonaws.com", ReferenceKind.SERVICE, "sqs", "eu-west-1"),
        ("email-smtp.eu-west-1.amazonaws.com:587", ReferenceKind.SERVICE, "email-smtp", "eu-west-1"),
        ("fs-0123456789abcdef0.efs.eu-west-1.amazonaws.com", ReferenceKind.FILES, "fs-0123456789abcdef0", "eu-west-1"),
        ("fsap-0123456789abcdef0", ReferenceKind.ACCESS_POINT, "fsap-0123456789abcdef0", ""),
        ("internal-sit-alb-12345678.eu-west-1.elb.amazonaws.com", ReferenceKind.BALANCER, "sit-alb", "eu-west-1"),
        ("s3://assets/a/b.jpg", ReferenceKind.BUCKET, "assets", ""),
        ("https://assets.s3.eu-west-1.amazonaws.com/a", ReferenceKind.BUCKET, "assets", "eu-west-1"),
        ("https://s3.eu-west-1.amazonaws.com/assets/a", ReferenceKind.BUCKET, "assets", "eu-west-1"),
        ("arn:aws:s3:::assets/a/*", ReferenceKind.BUCKET, "assets", ""),
        ("arn:aws:secretsmanager:eu-west-1:1:secret:a/b-AbCdEf", ReferenceKind.SECRET, "a/b-AbCdEf", "eu-west-1"),
        ("arn:aws:ssm:eu-west-1:1:parameter/a/b", ReferenceKind.PARAMETER, "parameter/a/b", "eu-west-1"),
        ("arn:aws:kms:eu-west-1:1:key/mrk-1", ReferenceKind.KEY, "key/mrk-1", "eu-west-1"),
        ("arn:aws:dynamodb:eu-west-1:1:table/state/index/x", ReferenceKind.TABLE, "state", "eu-west-1"),
        ("arn:aws:lambda:eu-west-1:1:function:resize", ReferenceKind.OTHER, "function:resize", "eu-west-1"),
        (
            "search-sit-abc.eu-west-1.es.amazonaws.com",
            ReferenceKind.OTHER,
            "search-sit-abc.eu-west-1.es.amazonaws.com",
            "eu-west-1",
        ),
        ("mysql://user:word@db.sit.internal:3306/x", ReferenceKind.HOST, "db.sit.internal", ""),
        ("smtp.example.org", ReferenceKind.HOST, "smtp.example.org", ""),
        ('{"host": "10.20.3.4", "port": 11211}', ReferenceKind.ADDRESS, "10.20.3.4", ""),
    ],
)
def test_a_text_leads_to_one_thing(text: str, kind: ReferenceKind, name: str, region: str) -> None:
    assert [(row.kind, row.name, row.region) for row in references(text)] == [(kind, name, region)]


@pytest.mark.parametrize(
    "text",
    ["", "serve", "1.2.3.4", "127.0.0.1", "8.8.8.8", "10.10.0.0/16", "300.1.1.1", "see wp-config.php", "utf8mb4"],
)
def test_a_word_a_version_a_block_and_a_public_address_lead_nowhere(text: str) -> None:
    assert () == references(text)


@pytest.mark.parametrize(
    ("region", "code"),
    [("af-south-1", "afs1"), ("eu-west-1", "euw1"), ("ap-southeast-2", "apse2"), ("us-gov-west-1", "usgw1")],
)
def test_a_region_has_a_short_code(region: str, code: str) -> None:
    assert code == short_code(region)


@pytest.mark.parametrize(
    "pattern",
    [
        "sit-mysql.{id}.{region}.rds.amazonaws.com:3306",
        "c.{id}.0001.{short}.cache.amazonaws.com",
        "https://sqs.{region}.amazonaws.com/1/jobs",
        "https://{id}.execute-api.{region}.amazonaws.com/live",
        "{address}:11211",
        '{{"cache": "{address}", "zone": "{short}-az1"}}',
        "arn:aws:sns:{region}:1:news",
    ],
)
def test_what_differs_by_region_id_and_address_alone_is_comparable(pattern: str) -> None:
    texts = {
        unregional(pattern.format(region=region, short=short_code(region), id=own, address=address), region)
        for region, own, address in (("af-south-1", "c1a2b3", "10.10.3.4"), ("eu-west-1", "c4d5e6", "10.20.3.4"))
    }
    assert 1 == len(texts)


def test_another_name_stays_another() -> None:
    first, second = (unregional(f"{name}.c1.eu-west-1.rds.amazonaws.com", "eu-west-1") for name in ("a", "b"))
    assert first != second


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("sit-alb-1234567890.eu-west-1.elb.amazonaws.com", "eu-west-1"),
        ("sit-nlb-0123456789abcdef.elb.eu-west-1.amazonaws.com", "eu-west-1"),
        ("dualstack.sit-alb-1234567890.us-gov-west-1.elb.amazonaws.com", "us-gov-west-1"),
        ("sit-nlb-0123456789abcdef.elb.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("sit-mysql.c0ffee12.eu-west-1.rds.amazonaws.com", None),
        ("d111111abcdef8.cloudfront.net", None),
        ("elb.eu-west-1.amazonaws.com.example", None),
    ],
)
def test_the_name_of_a_load_balancer_of_either_kind_says_its_region(host: str, region: str | None) -> None:
    assert region == balancer_region(host)
