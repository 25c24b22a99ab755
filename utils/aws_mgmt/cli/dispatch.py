"""Which command does what was asked for."""

from __future__ import annotations

import os

from dr_estate.config.environment import Environment, load_environment
from reports.terminal import console
from utils.aws_mgmt.app import options as of
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import invocation_of
from utils.aws_mgmt.app.target import calls_file
from utils.aws_mgmt.cli.completion import CI_FORMATS

_OFFLINE = (
    of.ReportOptions,
    of.ReviewOptions,
    of.DiffOptions,
    of.EvidenceOptions,
    of.ExplainOptions,
    of.InitOptions,
    of.ScanOptions,
)


def run(options: of.Options) -> Exit:
    """Run the command of ``options``. Raises UsageError, Refused, and what the layers below raise."""
    console.begin(invocation_of(options))
    _refuse_what_is_no_judgement(options)
    _choose_keys(options)
    if options.several:
        return _of_several(options)
    if isinstance(options, _OFFLINE):
        return _without_environment(options)
    environment = _environment(options)
    _note_region(options, environment)
    match options:
        case of.DrTestOptions() | of.DrillOptions() | of.TourOptions():
            return _exercise(options, environment)
        case of.StatusOptions():
            return _judge(options, environment)
        case of.RecoveryOptions() | of.AttachOptions():
            return _recover(options, environment)
        case of.ApproveOptions() | of.PauseOptions() | of.UnpauseOptions() | of.RepairOptions():
            return _decide(options, environment)
        case of.LogOptions() | of.DoctorOptions():
            return _look(options, environment)
        case of.ScheduleOptions() | of.SandboxOptions() | of.IamOptions():
            return _prepare(options, environment)
    raise UsageError(f"There is no command for {type(options).__name__}.")


def _prepare(options: of.ScheduleOptions | of.SandboxOptions | of.IamOptions, environment: Environment) -> Exit:
    """Show what is due, run the sandbox, or print policies."""
    match options:
        case of.IamOptions():
            from utils.aws_mgmt.cli.commands.iam import run_iam

            return run_iam(options, environment)
        case of.ScheduleOptions():
            from utils.aws_mgmt.cli.commands.schedule import schedule_command

            return schedule_command(options, environment)
        case of.SandboxOptions():
            from utils.aws_mgmt.cli.commands.sandbox import run_sandbox

            return run_sandbox(options, environment)


def _refuse_what_is_no_judgement(options: of.Options) -> None:
    """Only a judgement has scenarios for a CI system to read, and results to weigh. Raises UsageError."""
    judges = isinstance(options, of.JudgingOptions) or (isinstance(options, of.ReportOptions) and options.merge)
    if isinstance(options, of.DrTestOptions) and (options.acts or options.tabletop):
        judges = False
        if options.gated or options.metrics:
            raise UsageError("An exercise is no judgement: omit --gate, its rules and --metrics.")
    if isinstance(options, of.StatusOptions) and options.explain and not _explains_alone(options):
        raise UsageError(
            "--explain counts the calls of one environment's whole look: omit the other options of status."
        )
    if options.format in CI_FORMATS and not judges and not getattr(options, "validate", False):
        raise UsageError(f"Only what `status`, `test` and `failover --validate` judge is written as {options.format}.")


def _explains_alone(options: of.StatusOptions) -> bool:
    """Whether nothing else of status is asked for, nor another environment."""
    alone = of.StatusOptions(**options.shared() | {"html": False}, explain=options.explain)
    return options == alone and not options.several


def _choose_keys(options: of.Options) -> None:
    """Let a named profile count before keys in variables, and say where calls are logged. Raises UsageError."""
    if options.several:
        return  # each environment's own process chooses its own
    if options.person and not options.sandbox and not isinstance(options, of.SandboxOptions):
        raise UsageError(
            f"--as {options.person} chooses among the sandbox's people. Without --sandbox your own keys say who you "
            "are: choose them by --profile, and omit --as."
        )
    if options.debug:
        console.complain(f"Calls: {calls_file(options)}")
    if options.profile:
        os.environ["AWS_PROFILE"] = options.profile
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)


def _note_region(options: of.Options, environment: Environment) -> None:
    """Say of a region in the variables that it chooses nothing, where it is neither of the environment's."""
    if (
        options.sandbox
        or options.from_evidence
        or isinstance(options, of.SandboxOptions | of.TourOptions | of.IamOptions)
    ):
        return
    name = next((name for name in ("AWS_REGION", "AWS_DEFAULT_REGION") if os.environ.get(name)), "")
    both = (environment.regions.primary, environment.regions.dr)
    if name and os.environ[name] not in both:
        file = options.config / f"{environment.name}.toml"
        console.complain(f"{name}={os.environ[name]} chooses nothing here: {file} names {' and '.join(both)}.")


def _of_several(options: of.Options) -> Exit:
    """Look at several environments, each by ``run`` as if it were alone, or merge runs of them."""
    if isinstance(options, of.ReportOptions):
        return _without_environment(options)
    from utils.aws_mgmt.cli.commands.fleet import fleet_command

    return fleet_command(options, run)


def _without_environment(
    options: of.ReportOptions
    | of.ReviewOptions
    | of.DiffOptions
    | of.EvidenceOptions
    | of.ExplainOptions
    | of.InitOptions
    | of.ScanOptions,
) -> Exit:
    """Show an earlier run, compare two, check or make a pack, explain a word, or write an environment file."""
    if isinstance(options, of.InitOptions):
        from utils.aws_mgmt.cli.commands.init import init_command

        return init_command(options)
    if isinstance(options, of.ScanOptions):
        from utils.aws_mgmt.cli.commands.scan import scan_command

        return scan_command(options)
    if isinstance(options, of.ReportOptions | of.ReviewOptions):
        return _report_again(options)
    if isinstance(options, of.DiffOptions):
        from utils.aws_mgmt.cli.commands.diff import diff_command

        return diff_command(options)
    if isinstance(options, of.ExplainOptions):
        from utils.aws_mgmt.cli.commands import explain, explain_term

        if options.action == "needs":
            return explain.explain_needs(options, _environment(options))
        if options.action == "calls":
            return explain.explain_calls(options, _environment(options))
        return explain_term.explain_term(options)
    from utils.aws_mgmt.cli.commands.evidence import evidence_command, verify_command

    return verify_command(options) if options.action else evidence_command(options, _environment(options))


def _report_again(options: of.ReportOptions | of.ReviewOptions) -> Exit:
    """Show what was recorded before: a run, several, an incident, or the review in a pack."""
    if isinstance(options, of.ReviewOptions):
        from utils.aws_mgmt.cli.commands.review import review_command

        return review_command(options)
    if options.merge:
        from utils.aws_mgmt.cli.commands.fleet import merge_command

        return merge_command(options)
    from utils.aws_mgmt.cli.commands.report import incident_report_command, report_command

    if options.incident and not options.environment:
        raise UsageError("Whose incident? Its record is in one environment: `-e ENV report --incident`.")
    return incident_report_command(options, _environment(options)) if options.incident else report_command(options)


def _judge(options: of.StatusOptions | of.DrTestOptions, environment: Environment) -> Exit:
    from utils.aws_mgmt.app.areas import areas_of

    if isinstance(options, of.StatusOptions) and options.explain:
        from utils.aws_mgmt.cli.commands.explain import explain_calls

        return explain_calls(of.ExplainOptions(**options.shared(), action="calls"), environment)
    if isinstance(options, of.StatusOptions) and options.watch_s:
        from utils.aws_mgmt.cli.commands.watch import watch_command

        return watch_command(options, environment, areas_of(options), options.watch_s)
    from utils.aws_mgmt.cli.commands.status import judge_readiness

    return judge_readiness(options, environment, areas_of(options))


def _look(options: of.LogOptions | of.DoctorOptions, environment: Environment) -> Exit:
    if isinstance(options, of.LogOptions):
        from utils.aws_mgmt.cli.commands.log import log_command

        return log_command(options, environment)
    from utils.aws_mgmt.cli.commands.doctor import doctor_command

    return doctor_command(options, environment)


def _recover(options: of.RecoveryOptions | of.AttachOptions, environment: Environment) -> Exit:
    """Execute, watch, validate or assess a failover or failback."""
    if isinstance(options, of.AttachOptions):
        from utils.aws_mgmt.cli.commands.attach import attach_command

        return attach_command(options, environment)
    if options.execute:
        from utils.aws_mgmt.cli.commands.execute import execute_command

        return execute_command(options, environment)
    if isinstance(options, of.FailoverOptions) and options.validate:
        from dr_checks.core.model import Area

        if options.watch_s:
            from utils.aws_mgmt.cli.commands.watch import watch_command

            return watch_command(options, environment, (Area.VALIDATION,), options.watch_s)
        from utils.aws_mgmt.cli.commands.status import judge_readiness

        return judge_readiness(options, environment, (Area.VALIDATION,))
    if isinstance(options, of.FailoverOptions) and options.watch_s:
        raise UsageError("Which watch? `dr_cli.py failover --validate --watch` or `dr_cli.py status --watch`.")
    from utils.aws_mgmt.cli.commands.assess import assess_command

    return assess_command(options, environment)


def _decide(
    options: of.ApproveOptions | of.PauseOptions | of.UnpauseOptions | of.RepairOptions, environment: Environment
) -> Exit:
    from utils.aws_mgmt.app.target import outlives
    from utils.aws_mgmt.cli.commands import approve, repair

    if not outlives(options, environment):
        raise UsageError(
            f"`{options.command}` decides for later commands, and no sandbox of {environment.name} is up: one that "
            "this command starts ends with it. Start one that stays: `dr_cli.py sandbox up`."
        )
    match options:
        case of.ApproveOptions():
            return approve.approve_command(options, environment)
        case of.PauseOptions():
            return approve.pause_command(options, environment)
        case of.UnpauseOptions():
            return approve.unpause_command(options, environment)
        case of.RepairOptions():
            return repair.repair_command(options, environment)


def _exercise(options: of.DrTestOptions | of.DrillOptions | of.TourOptions, environment: Environment) -> Exit:
    """Run a test, a drill of any kind or the tour, or remove what is left of one. Raises Refused and UsageError."""
    if isinstance(options, of.TourOptions):
        from utils.aws_mgmt.cli.commands.tour import tour_command

        return tour_command(options, environment)
    if isinstance(options, of.DrTestOptions):
        if options.full_drill and not environment.approvals.full_drill:
            raise Refused(
                f"{environment.name} allows no full drill (approvals.full_drill). Use `dr_cli.py test --infra --dns`, "
                "or rehearse the whole ceremony in the sandbox: `dr_cli.py --sandbox failover`."
            )
        if options.tabletop:
            from utils.aws_mgmt.cli.commands.tabletop import tabletop_command

            return tabletop_command(options, environment)
        if not options.acts:
            return _judge(options, environment)
    if options.from_evidence:
        raise UsageError("A drill changes things: it cannot be held on saved evidence. Leave --from-evidence out.")
    if isinstance(options, of.DrillOptions):
        from utils.aws_mgmt.cli.commands.drill import drill_command

        return drill_command(options, environment)
    if options.full_drill:
        trials = options.restore or options.start or options.canary
        if options.infra or options.dns or trials or options.non_interactive:
            raise UsageError(
                "--full-drill runs alone: it judges every scenario before it, in the DR region and after the failback."
            )
        from utils.aws_mgmt.cli.commands.drill import full_drill_command

        return full_drill_command(options, environment)
    from utils.aws_mgmt.cli.commands.trial import trial_command

    return trial_command(options, environment)


def _environment(options: of.Options) -> Environment:
    environment = load_environment(options.config, options.environment)
    if options.deadline_s is not None:
        from utils.aws_mgmt.app.discovery import with_deadline

        environment = with_deadline(environment, options.deadline_s)
    if not isinstance(options, of.FailbackOptions):
        return environment
    from utils.aws_mgmt.app.failback_stages import staged_or_not

    return staged_or_not(options, environment)
