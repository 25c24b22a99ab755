"""scan: what an account runs in two regions, without an environment file. It only reads, and writes nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from dr_estate.aws.clock import WorldClock
from dr_estate.aws.read_client import Credentials, ReadClient
from dr_estate.config.environment import load_environment
from dr_estate.config.settings import ResourceNames
from dr_estate.scan.account import GLOBAL_REGION, READS
from dr_estate.scan.saved import map_file_of
from dr_estate.scan.scan import NoEstate, scan
from reports.render.estate_map import render
from reports.terminal import console
from utils.aws_mgmt.app.discovery import draft, with_deadline
from utils.aws_mgmt.app.errors import UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.options import ScanOptions
from utils.aws_mgmt.app.target import world_of

DEADLINE_S = 60
_FORMS = ("terminal", "json")


def scan_command(options: ScanOptions) -> Exit:
    """Print the estate map. Raises UsageError where there is nothing to map, DataUnavailable where nobody signed in.

    Returns 0 where no gap was found, 1 where one was, 3 where a read had no answer and no gap was found.
    """
    if options.format not in _FORMS:
        raise UsageError(f"scan is not written as {options.format}: use {', '.join(_FORMS)}.")
    region = options.region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or ""
    with _credentials(options) as credentials, console.working("Reading the account"):
        unknown = with_deadline(
            draft("scan", region or GLOBAL_REGION, ResourceNames()), options.deadline_s or DEADLINE_S
        )
        client = ReadClient(unknown, READS, credentials)
        try:
            caller = client.call("sts", region or GLOBAL_REGION, lambda sts: sts.get_caller_identity())
            regions, starts = ([text] if text else [] for text in (region, options.start))
            found = scan(client, str(caller["Account"]), regions, starts)
        except NoEstate as none:
            raise UsageError(str(none)) from none
        finally:
            client.close_connections(for_good=True)
    console.result(render(found, options.format, whole=options.every_finding), options.format)
    if options.save:
        is_map_file = options.save.suffix == ".toml"
        text = map_file_of(found).to_toml() if is_map_file else render(found, "json")
        options.save.write_text(text, encoding="utf-8")
    code = Exit.NOT_READY if found.gaps else Exit.COULD_NOT_SEE if found.unread else Exit.READY
    answer = f"{len(found.workloads)} workloads, {len(found.stores)} stores, {len(found.gaps)} gaps, exit {code}"
    console.conclude(options.format, answer, "`dr_cli.py scan --all` lists every workload and store.")
    return code


@contextmanager
def _credentials(options: ScanOptions) -> Iterator[Credentials]:
    """What botocore finds; with --sandbox, the keys of the sandbox of the environment that -e names."""
    if not options.sandbox:
        yield Credentials(clock=WorldClock())
        return
    if not options.environment:
        raise UsageError("Whose sandbox? Name its environment with -e.")
    with world_of(options, load_environment(options.config, options.environment)) as world:
        yield world.credentials
