"""ACM certificates as ACM reports them: names in the requested order, users, dates of issue and renewal (T20).

The emulator shuffles the names, omits half of the users of a certificate and calls none eligible for renewal. A
certificate that expires soon is made by ``import_certificate``, as on AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from moto.acm.models import AWSCertificateManagerBackend, CertBundle
from moto.cloudfront.models import cloudfront_backends
from moto.elb.models import elb_backends
from moto.elbv2.models import elbv2_backends

from sandbox.core.patching import attribute, refused, wrap

_RENEWAL = "renewal"


@wrap(AWSCertificateManagerBackend, "request_certificate")
def _request_certificate(
    original: Callable[..., Any],
    self: AWSCertificateManagerBackend,
    domain_name: str,
    idempotency_token: str,
    subject_alt_names: list[str] | None,
    *args: Any,
    **kwargs: Any,
) -> str:
    arn: str = original(self, domain_name, idempotency_token, subject_alt_names, *args, **kwargs)
    wanted = list(dict.fromkeys([domain_name, *(subject_alt_names or [])]))
    # An idempotency token may have given an older certificate: its names stay.
    if set(wanted) == set(self._certificates[arn].sans):
        self._certificates[arn].sans = wanted
    return arn


@wrap(CertBundle, "describe")
def _describe_certificate(original: Callable[..., Any], self: CertBundle) -> dict[str, Any]:
    answer: dict[str, Any] = original(self)
    certificate = answer["Certificate"]
    # moto's own list has classic load balancers alone
    # (set_certificate_in_use_by): the users are read from the services.
    certificate["InUseBy"] = list(_users(self.arn))
    if getattr(self, _RENEWAL, None):
        certificate["RenewalSummary"] = getattr(self, _RENEWAL)
    if self.type == "AMAZON_ISSUED":
        # ACM renews what a service uses; for what nobody uses
        # RenewalEligibility is INELIGIBLE (ACM guide, managed renewal).
        used = self.status == "ISSUED" and certificate["InUseBy"]
        certificate["RenewalEligibility"] = "ELIGIBLE" if used else "INELIGIBLE"
        if self.status != "ISSUED":
            # A certificate that waits for its validation has no date of issue.
            certificate.pop("IssuedAt", None)
        options = {option["DomainName"]: option for option in certificate["DomainValidationOptions"]}
        certificate["DomainValidationOptions"] = [options[name] for name in self.sans if name in options]
    return answer


def _users(arn: str) -> Iterator[str]:
    """Load balancers of the certificate's region and distributions that present it."""
    partition, region, account = arn.split(":")[1], arn.split(":")[3], arn.split(":")[4]
    for balancer in elbv2_backends[account][region].load_balancers.values():
        if any(arn in listener.certificates for listener in balancer.listeners.values()):
            yield balancer.arn
    for classic in elb_backends[account][region].load_balancers.values():
        if any(arn == listener.ssl_certificate_id for listener in classic.listeners):
            yield f"arn:{partition}:elasticloadbalancing:{region}:{account}:loadbalancer/{classic.name}"
    for distribution in cloudfront_backends[account][partition].distributions.values():
        if distribution.ViewerCertificate.acm_certificate_arn == arn:
            yield distribution.arn


@wrap(AWSCertificateManagerBackend, "delete_certificate")
def _delete_certificate(original: Callable[..., Any], self: AWSCertificateManagerBackend, arn: str) -> None:
    # ResourceInUseException (API_DeleteCertificate): moto deletes what its own list does not name.
    if users := list(_users(arn)):
        raise refused("ResourceInUseException", f"Certificate {arn} in account is in use by {users[0]}.")
    original(self, arn)


@wrap(AWSCertificateManagerBackend, "list_certificates")
def _list_certificates(
    original: Callable[..., Any], self: AWSCertificateManagerBackend, statuses: Any, includes: Any
) -> list[CertBundle]:
    """Without a filter of keys RSA of 1,024 and 2,048 bits alone (API_ListCertificates)."""
    return list(original(self, statuses, {"keyTypes": ["RSA_1024", "RSA_2048"], **(includes or {})}))


attribute(CertBundle, **{_RENEWAL: None})
