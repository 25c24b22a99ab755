"""What differs between any two runs of the same, each replaced by its name: moments, and what AWS draws by lot."""

from __future__ import annotations

import re

MOMENTS = (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<moment>")
DRAWN = (
    (re.compile(r"\bab-[a-z0-9]{26}\b"), "<backup>"),
    (re.compile(r"\bdb-[A-Z0-9]{26}\b"), "<resource>"),
)
_UUID = r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_OF_A_RUN = (
    (re.compile(r"(rds:\S+)-\d{4}(-\d\d){4}$"), r"\1-<minute>"),
    (re.compile(r"\becs-svc/\d{19}\b"), "ecs-svc/<deployment>"),
    (re.compile(r":task/([^/]+)/[0-9a-f]{32}"), r":task/\1/<task>"),
    (re.compile(r"\b\d{8}T\d{6}-[0-9a-f]{6}\b"), "<run>"),
    (re.compile(r"run of \d{8}T\d{6}Z"), "run of <moment>"),
    (re.compile(r'("ClientRequestToken": )"[0-9a-f]{64}"'), r'\1"<token>"'),
    (re.compile(r"FrozenForFailback\d{8}T\d{6}Z"), "FrozenForFailback<moment>"),
    (re.compile(r'("dr_marker": \{"S": ")[^"]*'), r"\1<marker>"),
    (re.compile(rf"(awsbackup:job-|recovery-point:){_UUID}"), r"\1<point>"),
    (re.compile(r"\b[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\b"), "<job>"),
    (re.compile(rf'("IdempotencyToken": )"{_UUID}"'), r'\1"<token>"'),
    (re.compile(r'"Message": "(?:[^"\\]|\\.)*"(?=.*-ops-critical)'), '"Message": "<alarm>"'),  # names the run itself
    (re.compile(r"(journal_head\W+)\d+ [0-9a-f]{64}"), r"\1<head>"),
    (re.compile(r"(rules\W+)[0-9a-f]{64}"), r"\1<rules>"),  # a rig's environment is quicker than the command line's
    (re.compile(r'"PreSignedUrl": "[^"]*", '), ""),  # the same call again, signed at its moment
)


def plain(text: str) -> str:
    """``text`` without what differs between any two runs."""
    for lot, name in (MOMENTS, *DRAWN, *_OF_A_RUN):
        text = lot.sub(name, text)
    return text
