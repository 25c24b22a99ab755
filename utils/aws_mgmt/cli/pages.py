"""How the command line reads its words and prints its help: the same width everywhere, examples at the end."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from dr_estate.config.given_file import OF_SHELLS
from dr_estate.model.invocation import Program

if TYPE_CHECKING:  # help builds no options
    from datetime import datetime

    from utils.aws_mgmt.app.options import Options

WIDTH = 100
_WITHOUT_ENVIRONMENT = {"report", "review", "diff", "scan", "tour", "verify", "check", "gate", "trap", "exit"}
_OF_NOW = {"approve", "attach", "doctor", "evidence", "log", "pause", "unpause", "repair"}
_OF_NO_ESTATE = {"diff", "iam", "init", "report", "review", "sandbox", "scan", "tour"}
_CHOOSES_REGION = {"init", "scan"}
_NAME = re.compile(r"[\w.-]{0,64}", re.ASCII)
Params = Sequence[click.Parameter]
_EXCLUSIVE = (
    ("assess_only", "execute", "--assess-only changes nothing, --execute runs the plan: choose one."),
    ("profile", "sandbox", "--profile chooses keys of AWS, --sandbox has keys of its own: choose one."),
    ("from_evidence", "sandbox", "--from-evidence judges what was saved, --sandbox observes now: choose one."),
    ("from_evidence", "execute", "--from-evidence judges what was saved, --execute changes what is there: choose one."),
    ("empty", "tenants", "--empty has no tenants, --tenants seeds some: choose one."),
    ("rules", "overrides", "--rules pins the files, --override is approved with a plan: choose one."),
    ("withdraw", "overrides", "--withdraw takes approvals back, --override is approved with a plan: choose one."),
)


class InputPath(click.Path):
    """A path that is read, whole: a device is refused, for /dev/zero has no end; /dev/null is an empty file.

    So is a pipe with a name, whose writer may never come; a shell's own, as of <(command), has one.
    """

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path. Raises BadParameter for a device, and for a named pipe."""
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        with suppress(OSError):  # such as a name that is too long: reading it reports the error
            if (path.is_char_device() or path.is_block_device()) and not path.samefile(os.devnull):
                self.fail(f"{value} is a device, and no file.", param, ctx)
            if (path.is_fifo() and path.parent not in OF_SHELLS) or path.is_socket():
                self.fail(f"{value} is a pipe or a socket, and no file.", param, ctx)
        return path


class HelpPage(click.Command):
    """A command whose help ends with ``examples``, split at "; ". ``shared`` options are listed after its own."""

    def __init__(
        self, name: str | None, params: Params = (), *, shared: Params = (), examples: str, **more: Any
    ) -> None:
        super().__init__(name, params=[*params, *shared], **more)
        self.shared, self.examples = shared, examples.split("; ")

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words of a command. Raises click.UsageError for an option in the place of a value."""
        args = [f"-e{word[3:]}" if word.startswith("-e=") else word for word in args]
        if not ctx.resilient_parsing:
            self._refuse_options_as_values(ctx, args)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as unknown:  # an option that is there to be refused is no proposal
            options = (p for p in self.get_params(ctx) if isinstance(p, click.Option) and not p.hidden)
            names = [name for option in options for name in option.opts if name.startswith("--")]
            raise click.NoSuchOption(unknown.option_name, possibilities=names, ctx=unknown.ctx) from unknown
        except click.UsageError as wrong:
            wrong.ctx = wrong.ctx or ctx  # click names none for a wrong number of values, and thus no page to read
            raise

    def _refuse_options_as_values(self, ctx: click.Context, args: list[str]) -> None:
        """click would take `--execute` for the ticket of `--incident --execute`, and lose what it asks for."""
        options = (p for p in self.get_params(ctx) if isinstance(p, click.Option) and not p.is_flag)
        takes = {name: option.nargs for option in options for name in option.opts}
        words = iter(args)
        for word in words:
            if word == "--" or (isinstance(self, click.Group) and not word.startswith("-")):
                return
            for value in islice(words, takes.get(word, 0)):
                if value.startswith("-") and not value[1:2].isdigit() and " " not in value and value != "-":
                    raise click.BadOptionUsage(word, f"Option '{word}' requires a value before '{value}'.", ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, then the shared ones."""
        own = [param for param in self.get_params(ctx) if param not in self.shared]
        for title, params in (("Options", own), ("Global options (before or after the command)", self.shared)):
            records = (param.get_help_record(ctx) for param in params if isinstance(param, click.Option))
            _write(formatter, title, [record for record in records if record])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples as they are to be typed."""
        with formatter.section("Examples"):
            for example in self.examples:
                formatter.write(f"{'':{formatter.current_indent}}{ctx.find_root().obj} {example}\n")


class OptionsPage(HelpPage):
    """A command whose result is its options: the global ones before it and its own."""

    def invoke(self, ctx: click.Context) -> Options:
        """Return the typed options. Raises click.UsageError for what cannot be meant together."""
        root = ctx.find_root()
        levels = [root, *([ctx.parent] if ctx.parent not in (root, None) else []), ctx]
        given = _command_line_values(levels) | ({"action": self.name} if len(levels) > 2 else {})  # noqa: PLR2004 - root and command
        self._refuse_contradictions(ctx, given, str(levels[1].info_name))
        given.pop("assess_only", None)
        from utils.aws_mgmt.app.options import TYPES, configuration

        if "config" not in given:
            given["config"] = configuration(given.get("environment", ""))
        if self.name not in _CHOOSES_REGION and "region" in given:
            file = given["config"] / f"{given.get('environment') or 'ENV'}.toml"
            ctx.fail(f"--region has no effect: {file} names both regions ([regions]). Omit it.")
        options: Options = TYPES[str(levels[1].info_name)](**given, program=root.obj)
        return options

    def _refuse_contradictions(self, ctx: click.Context, given: Mapping[str, Any], command: str) -> None:
        """Refuse what cannot be meant together, no environment, and a user without a home directory."""
        for first, second, sentence in _EXCLUSIVE:
            if given.get(first) and given.get(second):
                ctx.fail(sentence)
        if given.get("from_evidence") and self.name in _OF_NOW:
            ctx.fail(f"--from-evidence judges what was saved, `{self.name}` is of what is there now. Omit it.")
        if given.get("from_evidence") and (command in _OF_NO_ESTATE or self.name in _WITHOUT_ENVIRONMENT):
            name = command if command in _OF_NO_ESTATE else f"{command} {self.name}"
            ctx.fail(f"--from-evidence judges what was saved, `{name}` judges no estate. Omit it.")
        if not given.get("environment") and not {self.name, given.get("action")} & _WITHOUT_ENVIRONMENT:
            ctx.fail(_environment_hint(ctx, given.get("config")))
        for name in str(given.get("environment", "")).split(","):
            if not _NAME.fullmatch(name.strip()):
                ctx.fail(f"'{name}' names no environment: letters, digits, '-', '_' and '.', at most 64.")
        if _has_no_home():
            ctx.fail(
                "This user has no home folder for results and caches: set HOME, or XDG_STATE_HOME and XDG_CACHE_HOME."
            )


def _command_line_values(levels: Sequence[click.Context]) -> dict[str, Any]:
    """What the command line itself gives, at each level, by name; a later level wins, and what repeats adds up."""
    given: dict[str, Any] = {}
    for level in levels:
        for param in level.command.params:
            name, value = str(param.name), level.params.get(str(param.name))
            if value is not None and level.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                given[name] = (*given.get(name, ()), *value) if param.multiple else value
    return given


def _has_no_home() -> bool:
    """Whether no folder of this user is known, as in a container that runs under a user id of nobody's."""
    if os.environ.get("XDG_STATE_HOME") and os.environ.get("XDG_CACHE_HOME"):
        return False
    try:
        return not Path.home().is_absolute()
    except RuntimeError:
        return True


class PageOfCommands(HelpPage, click.Group):
    """A command that has commands, listed under the titles of ``groups``."""

    def __init__(
        self, name: str | None, groups: Mapping[str, Sequence[click.Command]], params: Params = (), **more: Any
    ) -> None:
        self.groups = groups
        more = {
            "subcommand_metavar": "ACTION [OPTIONS]" if name else "COMMAND [OPTIONS]",
            "no_args_is_help": False,
        } | more
        super().__init__(name, params, commands=[command for group in groups.values() for command in group], **more)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands of each group before the options."""
        for title, commands in self.groups.items():
            _write(formatter, title, [(str(command.name), str(command.help)) for command in commands])
        HelpPage.format_options(self, ctx, formatter)


def time_in(ctx: click.Context, param: click.Parameter, given: str | None) -> datetime | None:
    """The time that was given, in UTC where it names no zone. Raises BadParameter for what is none."""
    return None if given is None else _moment(given, ctx, param)


def _moment(text: str, ctx: click.Context, param: click.Parameter) -> datetime:
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise click.BadParameter(f"'{text}' is no time such as 2026-01-07T18:00Z.", ctx, param) from wrong
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def overrides_in(ctx: click.Context, param: click.Parameter, given: tuple[tuple[str, ...], ...]) -> tuple[Any, ...]:
    """The overrides as values. Raises BadParameter for a time that is none."""
    from dr_actions.model.gates import Override

    return tuple(Override(gate, who, reason, _moment(until, ctx, param)) for gate, who, until, reason in given)


def print_version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    """Print the version and leave, where that is asked for."""
    if wanted and not ctx.resilient_parsing:
        from utils.aws_mgmt.app.options import version

        click.echo(f"aws-dr-manager {version()}")
        ctx.exit()


def _environment_hint(ctx: click.Context, folder: Path | None) -> str:
    """What is missing without an environment: those that there are, and the command with one of them."""
    from dr_estate.config.environment import environment_names
    from utils.aws_mgmt.app.options import configuration

    names = environment_names(folder or configuration("")) or ["sit"]
    words = " ".join(ctx.command_path.split()[len(str(ctx.find_root().command_path).split()) :])
    return f"Which environment? Name one with -e ({', '.join(names)}), for example: -e {names[0]} {words}."


def _write(formatter: click.HelpFormatter, title: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        with formatter.section(title):
            formatter.write_dl(rows)


def contexts(page: click.Command, program: Program, parent: click.Context | None = None) -> Iterator[click.Context]:
    """A context for the page and for each below it: what gives its help and its examples."""
    ctx = click.Context(page, parent, page.name or program.short, obj=program, **page.context_settings)
    yield ctx
    for command in page.commands.values() if isinstance(page, click.Group) else ():
        yield from contexts(command, program, ctx)
