"""The type and the name in an ARN, as a person would say them."""

from __future__ import annotations

import pytest

from dr_estate.model.references import resource_of


@pytest.mark.parametrize(
    ("arn", "kind", "name"),
    [
        ("lambda:eu-west-1:1:function:sit-mail", "lambda:function", "sit-mail"),
        ("events:eu-west-1:1:rule/sit-nightly", "events:rule", "sit-nightly"),
        ("events:eu-west-1:1:rule/shop/sit-nightly", "events:rule", "shop/sit-nightly"),
        ("scheduler:eu-west-1:1:schedule/default/sit-n", "scheduler:schedule", "sit-n"),
        ("sqs:eu-west-1:1:sit-jobs", "sqs", "sit-jobs"),
        ("s3:::bbws-backups-sit", "s3", "bbws-backups-sit"),
        ("elasticache:r:1:replicationgroup:sit-redis", "elasticache:replicationgroup", "sit-redis"),
        ("wafv2:r:1:regional/webacl/sit-waf/0a1b-2c", "wafv2:webacl", "sit-waf"),
        ("cloudwatch::1:dashboard/sit", "cloudwatch:dashboard", "sit"),
        ("logs:r:1:metric-filter//ecs/sit-t1/errors", "logs:metric-filter", "ecs/sit-t1/errors"),
        ("elasticloadbalancing:r:1:loadbalancer/app/sit-alb/0123", "elasticloadbalancing:loadbalancer", "sit-alb"),
        ("apigateway:r::/restapis/a1b2c3", "apigateway:restapis", "a1b2c3"),
        ("cloudformation:r:1:stack/sit-net/0a1b-2c", "cloudformation:stack", "sit-net"),
    ],
)
def test_an_arn_is_read(arn: str, kind: str, name: str) -> None:
    assert resource_of(f"arn:aws:{arn}") == (kind, name)
