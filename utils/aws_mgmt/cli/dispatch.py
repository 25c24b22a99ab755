"""Which command does what was asked for."""

from __future__ import annotations

from dr_estate.config.environment import Environment, load_environment
from reports.terminal import console
from utils.aws_mgmt.app import options as of
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.exit_codes import Exit
from utils.aws_mgmt.app.next_steps import invocation_of


def run(options: of.Options) -> Exit:
    """Run the command of ``options``. Raises UsageError, Refused, and what the layers below raise."""
    console.begin(invocation_of(options))
    if isinstance(options, of.ReportOptions | of.EvidenceOptions | of.InitOptions):
        return _without_environment(options)
    environment = _environment(options)
    match options:
        case of.DrTestOptions() | of.DrillOptions() | of.TourOptions():
            return _exercise(options, environment)
        case of.StatusOptions():
            return _judge(options, environment)
        case of.RecoveryOptions():
            return _recover(options, environment)
        case of.ApproveOptions() | of.PauseOptions() | of.UnpauseOptions():
            return _decide(options, environment)
        case of.LogOptions() | of.DoctorOptions() | of.ExplainOptions():
            return _look(options, environment)
        case of.IamOptions():
            from utils.aws_mgmt.cli.commands.iam import run_iam

            return run_iam(options, environment)
        case of.ScheduleOptions():
            from utils.aws_mgmt.cli.commands.schedule import schedule_command

            return schedule_command(options, environment)
        case of.SandboxOptions():
            from utils.aws_mgmt.cli.commands.sandbox import run_sandbox

            return run_sandbox(options, environment)
    raise UsageError(f"There is no command for {type(options).__name__}.")


def _without_environment(options: of.ReportOptions | of.EvidenceOptions | of.InitOptions) -> Exit:
    """Show an earlier run, check a pack or write an environment file, all without an environment, or make a pack."""
    if isinstance(options, of.InitOptions):
        from utils.aws_mgmt.cli.commands.init import init_command

        return init_command(options)
    if isinstance(options, of.ReportOptions):
        from utils.aws_mgmt.cli.commands.report import report_command

        return report_command(options)
    from utils.aws_mgmt.cli.commands.evidence import evidence_command, verify_command

    return verify_command(options) if options.action else evidence_command(options, _environment(options))


def _judge(options: of.StatusOptions | of.DrTestOptions, environment: Environment) -> Exit:
    from utils.aws_mgmt.app.areas import areas_of

    if isinstance(options, of.StatusOptions) and options.watch_s:
        from utils.aws_mgmt.cli.commands.watch import watch_command

        return watch_command(options, environment, areas_of(options), options.watch_s)
    from utils.aws_mgmt.cli.commands.status import judge_readiness

    return judge_readiness(options, environment, areas_of(options))


def _look(options: of.LogOptions | of.DoctorOptions | of.ExplainOptions, environment: Environment) -> Exit:
    if isinstance(options, of.LogOptions):
        from utils.aws_mgmt.cli.commands.log import log_command

        return log_command(options, environment)
    if isinstance(options, of.ExplainOptions):
        from utils.aws_mgmt.cli.commands.explain import explain_needs

        return explain_needs(options, environment)
    from utils.aws_mgmt.cli.commands.doctor import doctor_command

    return doctor_command(options, environment)


def _recover(options: of.RecoveryOptions, environment: Environment) -> Exit:
    """Execute, validate or assess a failover or failback."""
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


def _decide(options: of.ApproveOptions | of.PauseOptions | of.UnpauseOptions, environment: Environment) -> Exit:
    from utils.aws_mgmt.cli.commands import approve

    match options:
        case of.ApproveOptions():
            return approve.approve_command(options, environment)
        case of.PauseOptions():
            return approve.pause_command(options, environment)
        case of.UnpauseOptions():
            return approve.unpause_command(options, environment)


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
        if options.infra or options.dns or options.restore or options.canary or options.non_interactive:
            raise UsageError("--full-drill is held by itself: it judges every scenario before, away and at home.")
        from utils.aws_mgmt.cli.commands.drill import full_drill_command

        return full_drill_command(options, environment)
    from utils.aws_mgmt.cli.commands.trial import trial_command

    return trial_command(options, environment)


def _environment(options: of.Options) -> Environment:
    environment = load_environment(options.config, options.environment)
    if options.deadline_s is not None:
        observation = environment.observation.model_copy(update={"deadline_s": options.deadline_s})
        environment = environment.model_copy(update={"observation": observation})
    if not isinstance(options, of.FailbackOptions):
        return environment
    from utils.aws_mgmt.app.failback_stages import staged_or_not

    return staged_or_not(options, environment)
