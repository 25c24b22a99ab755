"""`aws-dr-sandbox`, and `python -m sandbox`: a two-region AWS on this machine, with disasters, for any client of AWS.

Its words are those of `dr sandbox`, which holds them to a team's own settings; here the settings are the shipped ones
of SIT, and regions are chosen by option. A wheel puts the rooms off ``sys.path``, as the product's does.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from pydantic import ValidationError

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from dr_estate.config.environment import Environment, load_environment  # noqa: E402 - after the path
from dr_estate.model.engines import ENGINES  # noqa: E402
from sandbox.client import daemon, endpoint  # noqa: E402
from sandbox.core.errors import SandboxError  # noqa: E402

# Beside the worlds of the shipped settings; Systems Manager refuses names of parameters that begin with `aws`.
NAME = "local"
REFUSED, UNUSABLE, INTERRUPTED = 1, 2, 130
MOST_PORTS = 65_535


def main() -> int:
    """Run the command line. Returns 0, else the exit code, with one sentence on stderr."""
    parser = _parser()
    options = parser.parse_args()
    try:
        print(options.run(options), flush=True)  # noqa: T201 - what was asked for
    except BrokenPipeError:
        # Who reads has enough. What Python still holds for the pipe would fail again as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except ValidationError as refused:
        parser.error("; ".join(error["msg"].removeprefix("Value error, ") for error in refused.errors()))
    except KeyboardInterrupt:
        return _end("Interrupted.", INTERRUPTED)  # the starter has ended what it began
    except (SandboxError, OSError) as refused:
        return _end(re.sub(r"dr_cli\.py (?=sandbox )", "aws-dr-", str(refused)), REFUSED)
    except ModuleNotFoundError as missing:
        return _end(f"{missing.name} is not installed: `pip install aws-dr-sandbox`.", UNUSABLE)
    return 0


def _end(sentence: str, code: int) -> int:
    print(sentence, file=sys.stderr)  # noqa: T201
    return code


def _region(text: str) -> str:
    """The region. Raises ArgumentTypeError for one that botocore's tables lack."""
    if text not in boto3.session.Session().get_available_regions("ec2"):
        raise argparse.ArgumentTypeError(f"'{text}' is no region of AWS that this sandbox knows")
    return text


def _number(what: str, most: int | None = None) -> Callable[[str], int]:
    """What reads a number from 1 on. It raises ArgumentTypeError for any other text."""

    def read(text: str) -> int:
        if not text.isdecimal() or not 0 < int(text) <= (most or int(text)):
            raise argparse.ArgumentTypeError(f"{text} is no {what}")
        return int(text)

    return read


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="aws-dr-sandbox", description=(__doc__ or "").partition(": ")[2].split("\n")[0]
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], str]) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=(run.__doc__ or "").strip())
        added.set_defaults(run=run)
        return added

    up = command("up", _up)
    up.add_argument("--primary", type=_region, metavar="REGION", help="the primary region (as shipped)")
    up.add_argument("--dr", type=_region, metavar="REGION", help="the DR region (as shipped)")
    up.add_argument("--seeded", action="store_true", help="with a WordPress platform on ECS in both regions")
    up.add_argument(
        "--tenants", type=_number("number of tenants"), default=None, metavar="N", help="of the seeded platform (12)"
    )
    up.add_argument("--engine", default="", choices=["", *ENGINES], metavar="ENGINE", help=f"{', '.join(ENGINES)}")
    up.add_argument(
        "--port", type=_number("port", MOST_PORTS), default=0, metavar="N", help="any that is free, where none is given"
    )
    up.add_argument("--fresh", action="store_true", help="throw the kept world away")
    command("show", _show)
    command("list", _list)
    command("break", _break).add_argument("name", help="of `list`")
    command("mend", _repair).add_argument("name", nargs="?", default="", help="all, where none is named")
    command("clock", _clock).add_argument("--speed", type=float, help="seconds of the world in one of this machine")
    command("down", _down)
    return parser


def _environment(primary: str | None = None, dr: str | None = None) -> Environment:
    """The shipped settings of SIT under the sandbox's own name, with other regions where they are asked for."""
    shipped = load_environment(ROOT / "environments", "sit")
    regions = shipped.regions.model_dump()
    others = {side: region for side, region in (("primary", primary), ("dr", dr)) if region}
    return Environment.model_validate({**shipped.model_dump(), "name": NAME, "regions": {**regions, **others}})


def _running() -> endpoint.Endpoint:
    found = daemon.find(_environment())
    if found is None:
        raise SandboxError("No sandbox is up. Start one: `aws-dr-sandbox up`.")
    return found


def _up(options: argparse.Namespace) -> str:
    """Start it, or show the one that runs: empty, or seeded with an estate."""
    world = daemon.up(
        _environment(options.primary, options.dr),
        options.tenants if options.seeded else 0,
        options.port,
        options.fresh,
        seeded=options.seeded,
        engine=options.engine,
    )
    return _access(world)


def _show(_options: argparse.Namespace) -> str:
    """How a client reaches it."""
    return _access(_running())


def _access(world: endpoint.Endpoint) -> str:
    keys = world.people["admin"]
    return "\n".join(
        (
            f"export AWS_ENDPOINT_URL={world.url}",
            f"export AWS_ACCESS_KEY_ID={keys.access_key_id} AWS_SECRET_ACCESS_KEY={keys.secret_access_key}",
            "unset AWS_PROFILE AWS_SESSION_TOKEN",
        )
    )


def _list(_options: argparse.Namespace) -> str:
    """The disasters it can play; those in force have a star."""
    return "\n".join(
        f"{'*' if row['broken'] else ' '} {row['name']}: {row['sentence']}" for row in _running().disasters()
    )


def _break(options: argparse.Namespace) -> str:
    """Play a disaster."""
    _running().inject(options.name)
    return f"In force: {options.name}. `aws-dr-sandbox mend {options.name}` takes it back."


def _repair(options: argparse.Namespace) -> str:
    """Take a disaster back."""
    return f"Taken back: {', '.join(_running().repair(options.name)) or 'none was in force'}."


def _clock(options: argparse.Namespace) -> str:
    """Show its clock, or let it run faster."""
    world = _running()
    clock: dict[str, Any] = world.clock() if options.speed is None else world.set_speed(options.speed)
    return json.dumps(clock)


def _down(_options: argparse.Namespace) -> str:
    """Save its world and stop it."""
    ended = daemon.down(_environment())
    if ended.lost:
        raise SandboxError(f"It is down, and what changed since its last save is lost: {ended.lost}.")
    return "It is down; its world is kept for the next `aws-dr-sandbox up`." if ended.ran else "None was up."


if __name__ == "__main__":
    sys.exit(main())
