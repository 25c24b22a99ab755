"""Faults of what a task definition names, and of what leads visitors to its tasks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from dr_checks.derived.need_kinds import NeedKind
from dr_estate.config.environment import Side
from tests.proofs.changes import Aws
from tests.proofs.fault import Fault, iam_of, policy_of, role_named
from tests.proofs.faults_of_estate import balancer, definition_changed

_Change = Callable[[dict[str, Any], Aws], object]


def _container(definition: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = definition["containerDefinitions"][0]
    return found


def _secret(value: Callable[[str, Aws], str]) -> _Change:
    def change(definition: dict[str, Any], aws: Aws) -> None:
        secret = _container(definition)["secrets"][0]
        secret["valueFrom"] = value(secret["valueFrom"], aws)

    return change


def _fetched(value: Callable[[str, Aws], str], *, by_driver: bool = True) -> _Change:
    """Let the agent fetch the first secret for itself: for the log driver, or to sign in at a registry."""

    def change(definition: dict[str, Any], aws: Aws) -> None:
        container = _container(definition)
        named = value(_whole(container["secrets"][0]["valueFrom"], aws), aws)
        if by_driver:
            container["logConfiguration"]["secretOptions"] = [{"name": "token", "valueFrom": named}]
        else:
            container["repositoryCredentials"] = {"credentialsParameter": named}

    return change


def _variables(side: Side, *, allowed: bool = True, stored: str = "app.env") -> _Change:
    """Let the agent fetch app.env from a bucket of this side, as whom that is allowed to or not."""

    def change(definition: dict[str, Any], aws: Aws) -> None:
        bucket = aws.env.named(aws.env.names.buckets[0])
        bucket = bucket if side is Side.PRIMARY else aws.env.named(aws.env.names.bucket_copy, bucket=bucket)
        aws.client("s3", side).put_object(Bucket=bucket, Key=stored, Body=b"FEATURE=on")
        _container(definition)["environmentFiles"] = [{"type": "s3", "value": f"arn:aws:s3:::{bucket}/app.env"}]
        if allowed:
            rights = {"Effect": "Allow", "Action": ["s3:GetObject", "s3:GetBucketLocation"], "Resource": "*"}
            role = role_named(aws, "execution")
            iam_of(aws).put_role_policy(RoleName=role, PolicyName="files", PolicyDocument=policy_of(rights))

    return change


def _here(text: str, _: Aws) -> str:
    return text


def _in_primary(text: str, aws: Aws) -> str:
    return text.replace(aws.env.regions.dr, aws.env.regions.primary)


def _whole(text: str, _: Aws) -> str:
    return ":".join(text.split(":")[:7])


def _logs(**options: str) -> _Change:
    def change(definition: dict[str, Any], aws: Aws) -> None:
        found = _container(definition)["logConfiguration"]["options"]
        found.update({key: value.replace("{primary}", aws.env.regions.primary) for key, value in options.items()})

    return change


def _may_make_logs(definition: dict[str, Any], aws: Aws) -> None:
    """Let the driver make a group that is absent, and the execution role do so."""
    _logs(**{"awslogs-group": "/nobody", "awslogs-create-group": "true"})(definition, aws)
    group = f"arn:aws:logs:{aws.env.regions.dr}:{aws.env.account}:log-group:/nobody:*"
    allows = {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": group}
    role = role_named(aws, "execution")
    iam_of(aws).put_role_policy(RoleName=role, PolicyName="logs", PolicyDocument=policy_of(allows))


def _role(key: str, name: str) -> _Change:
    def change(definition: dict[str, Any], aws: Aws) -> None:
        definition[key] = f"arn:aws:iam::{aws.env.account}:role/{name}"

    return change


def _image(text: str) -> _Change:
    def change(definition: dict[str, Any], aws: Aws) -> None:
        named = text.replace("{account}", aws.env.account).replace("{dr}", aws.env.regions.dr)
        _container(definition)["image"] = named

    return change


def _volume(**changed: str) -> _Change:
    def change(definition: dict[str, Any], _: Aws) -> None:
        definition["volumes"][0]["efsVolumeConfiguration"].update(changed)

    return change


def _parameter_of(side: Side) -> _Change:
    def change(definition: dict[str, Any], aws: Aws) -> None:
        arn = f"arn:aws:ssm:{aws.env.region(side)}:{aws.env.account}:parameter/nobody"
        _container(definition)["secrets"].append({"name": "PEPPER", "valueFrom": arn})

    return change


def _listeners_gone(aws: Aws) -> object:
    elb, arn = balancer(aws)
    rows = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    return [elb.delete_listener(ListenerArn=row["ListenerArn"]) for row in rows]


def _group_of(aws: Aws) -> tuple[Any, dict[str, Any]]:
    elb, _ = balancer(aws)
    return elb, elb.describe_target_groups(Names=[aws.named(aws.env.names.target_group)])["TargetGroups"][0]


def _checked(**changed: Any) -> Callable[[Aws], object]:
    def make(aws: Aws) -> object:
        elb, group = _group_of(aws)
        return elb.modify_target_group(TargetGroupArn=group["TargetGroupArn"], **changed)

    return make


def _reborn(**changed: str) -> Callable[[Aws], object]:
    """Create the tenant's target group again, as it was but for what is ``changed``, with its rules and its service."""

    def make(aws: Aws) -> object:
        elb, group = _group_of(aws)
        fixed = (*_FIXED, "HealthCheckPath", "Matcher")
        wanted = {key: group[key] for key in fixed if key in group} | changed
        listeners = elb.describe_listeners(LoadBalancerArn=group["LoadBalancerArns"][0])["Listeners"]
        of_all = [rule for row in listeners for rule in elb.describe_rules(ListenerArn=row["ListenerArn"])["Rules"]]
        rules = [r["RuleArn"] for r in of_all if r["Actions"][-1].get("TargetGroupArn") == group["TargetGroupArn"]]
        page = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
        for rule in rules:
            elb.modify_rule(RuleArn=rule, Actions=[page])
        elb.delete_target_group(TargetGroupArn=group["TargetGroupArn"])
        arn = elb.create_target_group(Name=group["TargetGroupName"], **wanted)["TargetGroups"][0]["TargetGroupArn"]
        for rule in rules:
            elb.modify_rule(RuleArn=rule, Actions=[{"Type": "forward", "TargetGroupArn": arn}])
        port = aws.env.names.container_port
        behind = [{"targetGroupArn": arn, "containerName": aws.env.names.container, "containerPort": port}]
        cluster, service = aws.named(aws.env.names.cluster), aws.named(aws.env.names.service)
        return aws.client("ecs", Side.DR).update_service(cluster=cluster, service=service, loadBalancers=behind)

    return make


def _priorities_reversed(aws: Aws) -> object:
    """Change the order of rules that are about different hosts."""
    elb, arn = balancer(aws)
    for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
        rules = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
        own = [rule for rule in rules if not rule["IsDefault"]]
        orders = [{"RuleArn": rule["RuleArn"], "Priority": 900 + n} for n, rule in enumerate(reversed(own))]
        if orders:
            elb.set_rule_priorities(RulePriorities=orders)
    return arn


def _all_hosts(priority: int) -> Callable[[Aws], object]:
    """Add a rule that takes all hosts to the tenant's own group, before or behind those of one host each."""

    def make(aws: Aws) -> object:
        elb, group = _group_of(aws)
        action = [{"Type": "forward", "TargetGroupArn": group["TargetGroupArn"]}]
        for listener in elb.describe_listeners(LoadBalancerArn=balancer(aws)[1])["Listeners"]:
            rules = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
            own = [rule["RuleArn"] for rule in rules if not rule["IsDefault"]]
            moved = [{"RuleArn": arn, "Priority": 100 + number} for number, arn in enumerate(own)]
            elb.set_rule_priorities(RulePriorities=moved)
            hosts = [{"Field": "host-header", "HostHeaderConfig": {"Values": ["*"]}}]
            elb.create_rule(ListenerArn=listener["ListenerArn"], Priority=priority, Conditions=hosts, Actions=action)
        return None

    return make


def _led_away(aws: Aws) -> object:
    """Delete the tenant's rules and lead its hosts to another group."""
    elb, group = _group_of(aws)
    _, arn = balancer(aws)
    for listener in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]:
        for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            if group["TargetGroupArn"] in json.dumps(rule["Actions"]):
                page = {"StatusCode": "503", "ContentType": "text/plain", "MessageBody": "closed"}
                action = {"Type": "fixed-response", "FixedResponseConfig": page}
                elb.modify_rule(RuleArn=rule["RuleArn"], Actions=[action])
    return group


def _signed_in(aws: Aws) -> object:
    """Let visitors of the tenant sign in first, at the listener that speaks HTTPS: AWS lets no other."""
    elb, group = _group_of(aws)
    _, arn = balancer(aws)
    parts = ("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint")
    people = {**dict.fromkeys(parts, "https://people.example.org"), "ClientId": "staff", "ClientSecret": "secret"}
    first = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": people}
    actions = [first, {"Type": "forward", "Order": 2, "TargetGroupArn": group["TargetGroupArn"]}]
    listeners = elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]
    for listener in (row for row in listeners if row["Protocol"] == "HTTPS"):
        for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
            if group["TargetGroupArn"] in json.dumps(rule["Actions"]):
                elb.modify_rule(RuleArn=rule["RuleArn"], Actions=actions)
    return group


def _certified(mode: str) -> Callable[[Aws], object]:
    """Let the listener that speaks HTTPS treat certificates of clients so."""

    def make(aws: Aws) -> object:
        elb, arn = balancer(aws)
        found = next(r for r in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"] if r["Protocol"] == "HTTPS")
        store = arn.replace(":loadbalancer/app/", ":truststore/")
        wanted = {"Mode": mode, **({"TrustStoreArn": store} if mode == "verify" else {})}
        return elb.modify_listener(ListenerArn=found["ListenerArn"], MutualAuthentication=wanted)

    return make


def _set(**changed: Any) -> _Change:
    return lambda definition, _: definition.update(changed)


def _of_container(**changed: Any) -> _Change:
    return lambda definition, _: _container(definition).update(changed)


def _mounted(**changed: Any) -> _Change:
    return lambda definition, _: _container(definition)["mountPoints"][0].update(changed)


def _without(key: str) -> _Change:
    return lambda definition, _: definition.pop(key)


def _field(text: str, _: Aws) -> str:
    return text.replace(":username:", ":password:")


def _addressed(there: str, here: str) -> _Change:
    """Let the application send visitors to an address in which ``here`` stands for ``there``."""

    def change(definition: dict[str, Any], _: Aws) -> None:
        home = next(row for row in _container(definition)["environment"] if row["name"] == "WORDPRESS_HOME")
        home["value"] = home["value"].replace(there, here, 1) if there else home["value"] + here

    return change


def _valued(name: str, value: str | None) -> _Change:
    """Give a variable a value, or remove it."""

    def change(definition: dict[str, Any], _: Aws) -> None:
        container = _container(definition)
        others = [row for row in container["environment"] if row["name"] != name]
        container["environment"] = others + ([] if value is None else [{"name": name, "value": value}])

    return change


def _schema_fetched(definition: dict[str, Any], aws: Aws) -> None:
    """Let the agent fetch the name of the schema from a parameter, in the place of the variable."""
    region, account = aws.env.region(Side.DR), aws.env.account
    schema, name = aws.named(aws.env.names.tenant_schema), f"/{aws.env.name}/schema"
    aws.client("ssm", Side.DR).put_parameter(Name=name, Value=schema, Type="String", Overwrite=True)
    allows = {"Effect": "Allow", "Action": "ssm:GetParameters", "Resource": "*"}
    rights = {"RoleName": role_named(aws, "execution"), "PolicyName": "schema", "PolicyDocument": policy_of(allows)}
    iam_of(aws).put_role_policy(**rights)
    _valued("WORDPRESS_DB_NAME", None)(definition, aws)
    source = f"arn:aws:ssm:{region}:{account}:parameter{name}"
    _container(definition)["secrets"].append({"name": "WORDPRESS_DB_NAME", "valueFrom": source})


def _beside(*, essential: bool) -> _Change:
    def change(definition: dict[str, Any], _: Aws) -> None:
        image = _container(definition)["image"]
        definition["containerDefinitions"].append({"name": "agent", "image": image, "essential": essential})

    return change


_PROGRAMS: dict[str, _Change] = {
    "processor of another kind": _set(runtimePlatform={"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"}),
    "processor by its name": _set(runtimePlatform={"cpuArchitecture": "X86_64", "operatingSystemFamily": "LINUX"}),
    "command of another program": _of_container(command=["true"]),
    "entry point of another program": _of_container(entryPoint=["sleep", "infinity"]),
    "check of the container of another port": _of_container(
        healthCheck={"command": ["CMD", "curl", "-f", "localhost:81"]}
    ),
    "secret lost": lambda definition, _: _container(definition)["secrets"].pop(),
    "secret of another field": _secret(_field),
    "execution role lost": _without("executionRoleArn"),
    "task role lost": _without("taskRoleArn"),
    "files lost": lambda definition, _: (definition.update(volumes=[]), _container(definition).update(mountPoints=[])),
    "files elsewhere": _mounted(containerPath="/srv"),
    "files to be read only": _mounted(readOnly=True),
    "volume in plain transit": _volume(transitEncryption="DISABLED"),
    "log driver of another kind": _of_container(logConfiguration={"logDriver": "splunk"}),
    "address of another host": _addressed("https://", "https://old-"),
    "address with a slash behind it": _addressed("", "/"),
    "database in the task itself": _valued("WORDPRESS_DB_HOST", "localhost:3306"),
    "database by an address": _valued("WORDPRESS_DB_HOST", "10.20.97.77:3306"),
    "database of no variable": _valued("WORDPRESS_DB_HOST", None),
    "schema of no variable": _valued("WORDPRESS_DB_NAME", None),
    "schema from a parameter": _schema_fetched,
    "image of a public registry": _of_container(image="wordpress:6"),
    "more memory": _set(memory="4096", cpu="1024"),
    "disk to be read only": _of_container(readonlyRootFilesystem=True),
    "longer to stop": _of_container(stopTimeout=90, linuxParameters={"initProcessEnabled": True}),
    "container that may end": _beside(essential=False),
}
_DEFINITIONS: dict[str, tuple[NeedKind, _Change]] = {
    **{name: (NeedKind.DEFINITION, change) for name, change in _PROGRAMS.items()},
    "secret of primary": (NeedKind.SECRET, _secret(_in_primary)),
    "secret whole": (NeedKind.SECRET, _secret(_whole)),
    "file of variables": (NeedKind.EXECUTION_ROLE, _variables(Side.DR)),
    "file of variables of primary": (NeedKind.DEFINITION, _variables(Side.PRIMARY)),
    "file of variables of nobody": (NeedKind.DEFINITION, _variables(Side.DR, stored="app.env.old")),
    "file of variables denied": (NeedKind.EXECUTION_ROLE, _variables(Side.DR, allowed=False)),
    "log driver's secret": (NeedKind.SECRET, _fetched(_here)),
    "log driver's secret of primary": (NeedKind.SECRET, _fetched(_in_primary)),
    "log driver's secret of nobody": (NeedKind.SECRET, _fetched(lambda text, _: f"{text}-nobody")),
    "registry's secret of primary": (NeedKind.SECRET, _fetched(_in_primary, by_driver=False)),
    "secret of a former version": (
        NeedKind.SECRET,
        _secret(lambda text, _: text[: text.index("::")] + ":AWSPREVIOUS:"),
    ),
    "secret of the current version": (
        NeedKind.SECRET,
        _secret(lambda text, _: text[: text.index("::")] + ":AWSCURRENT:"),
    ),
    "logs to nowhere": (NeedKind.LOG_GROUP, _logs(**{"awslogs-group": "/nobody"})),
    "logs to primary": (NeedKind.LOG_GROUP, _logs(**{"awslogs-region": "{primary}"})),
    "logs to a third region": (NeedKind.LOG_GROUP, _logs(**{"awslogs-region": "us-east-1"})),
    "logs to a group to be made": (
        NeedKind.LOG_GROUP,
        _logs(**{"awslogs-group": "/nobody", "awslogs-create-group": "true"}),
    ),
    "logs to a group that may be made": (NeedKind.LOG_GROUP, _may_make_logs),
    "logs of a group that is there": (NeedKind.LOG_GROUP, _logs(**{"awslogs-create-group": "true"})),
    "no logs": (NeedKind.LOG_GROUP, lambda definition, _: _container(definition).pop("logConfiguration")),
    "logs under another prefix": (NeedKind.LOG_GROUP, _logs(**{"awslogs-stream-prefix": "other"})),
    "execution role of nobody": (NeedKind.EXECUTION_ROLE, _role("executionRoleArn", "nobody")),
    "task role of nobody": (NeedKind.TASK_ROLE, _role("taskRoleArn", "nobody")),
    "image of another repository": (NeedKind.IMAGE, _image("{account}.dkr.ecr.{dr}.amazonaws.com/nobody:latest")),
    "volume of nobody": (NeedKind.ACCESS_POINT, _volume(fileSystemId="fs-0123456789abcdef0")),
    "parameter of primary": (NeedKind.PARAMETER, _parameter_of(Side.PRIMARY)),
}


def _registered(side: Side, *, there: bool = True) -> Callable[[Aws], object]:
    """Let the tenant's service register its tasks in a registry of a side, which is deleted unless it is to stay."""

    def make(aws: Aws) -> object:
        discovery, ecs = aws.client("servicediscovery", side), aws.client("ecs", Side.DR)
        operation = discovery.create_http_namespace(Name="sites")["OperationId"]
        namespace = discovery.get_operation(OperationId=operation)["Operation"]["Targets"]["NAMESPACE"]
        registry = discovery.create_service(Name="site", NamespaceId=namespace)["Service"]
        names = {"cluster": aws.named(aws.env.names.cluster), "service": aws.named(aws.env.names.service)}
        ecs.update_service(**names, serviceRegistries=[{"registryArn": registry["Arn"]}])
        return None if there else discovery.delete_service(Id=registry["Id"])

    return make


_REGISTRIES = {
    "registry of nobody": _registered(Side.DR, there=False),
    "registry of primary": _registered(Side.PRIMARY),
    "registry of its own": _registered(Side.DR),
}
_FIXED = ("Protocol", "ProtocolVersion", "Port", "VpcId", "TargetType")
_LISTENERS: dict[str, tuple[NeedKind, Callable[[Aws], object]]] = {
    "listeners deleted": (NeedKind.LISTENER, _listeners_gone),
    "rules in another order": (NeedKind.LISTENER, _priorities_reversed),
    "rule of all hosts before": (NeedKind.LISTENER, _all_hosts(1)),
    "rule of all hosts behind": (NeedKind.LISTENER, _all_hosts(900)),
    "rules lead to a closed page": (NeedKind.LISTENER, _led_away),
    "rules let visitors sign in first": (NeedKind.LISTENER, _signed_in),
    "listener demands certificates": (NeedKind.LISTENER, _certified("verify")),
    "listener passes certificates on": (NeedKind.LISTENER, _certified("passthrough")),
    "health check of another port": (NeedKind.TARGET_GROUP, _checked(HealthCheckPort="8080")),
    "health check by HTTPS": (NeedKind.TARGET_GROUP, _checked(HealthCheckProtocol="HTTPS")),
    "health check as before": (NeedKind.TARGET_GROUP, _checked(HealthCheckPort="traffic-port")),
    "targets speak HTTP/2": (NeedKind.TARGET_GROUP, _reborn(ProtocolVersion="HTTP2")),
    "target group recreated": (NeedKind.TARGET_GROUP, _reborn()),
    "health check more often": (NeedKind.TARGET_GROUP, _checked(HealthCheckIntervalSeconds=10)),
}
DEFINITIONS = (
    *(Fault(name, edge, ("ecs",), definition_changed(change)) for name, (edge, change) in _DEFINITIONS.items()),
    *(Fault(name, NeedKind.REGISTRY, ("ecs", "servicediscovery"), make) for name, make in _REGISTRIES.items()),
    *(Fault(name, edge, ("elbv2",), make) for name, (edge, make) in _LISTENERS.items()),
)
