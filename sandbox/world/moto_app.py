"""The emulator as one WSGI application: moto's backends, entered by one call at a time, with honest failures."""

from __future__ import annotations

import os
import re
import traceback
from typing import Any

from botocore import xform_name
from werkzeug.wrappers import Response

from sandbox.core.error_responses import defect, in_its_protocol, not_implemented
from sandbox.core.people import Registry, settle
from sandbox.core.request_parser import ApiCall, Environ
from sandbox.core.world_lock import WORLD_LOCK

# moto reads these at import: no thousand default images, certificates issued at once.
SETTINGS = {"MOTO_EC2_LOAD_DEFAULT_AMIS": "false", "MOTO_ACM_VALIDATION_WAIT": "0", "MOTO_DISABLE_GLOBAL_CORS": "true"}
FOREIGN = ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_DEFAULT_PROFILE", "MOTO_ACCOUNT_ID")
NEVER_EMPTY = 404
MISSING_TYPES = ("text/html", "")
# moto's S3 answers an unknown subresource as if none had been named: a listing, an object, a new bucket.
S3_FALLS_THROUGH = re.compile(
    "Analytics|IntelligentTiering|Metrics|BucketMetadata|RequestPayment|Abac|Annotation|Torrent"
    "|Session|DirectoryBuckets|GetObjectRetention|RenameObject|UpdateObjectEncryption"
)


def prepare() -> None:
    """Set what moto reads at import, and forget what would lead an in-process client elsewhere. Call before moto."""
    for name in [n for n in os.environ if n in FOREIGN or n.startswith("AWS_ENDPOINT_URL_")]:
        del os.environ[name]
    os.environ.update(SETTINGS)
    os.environ.update({"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})


class Emulator:
    """Moto, with our repairs installed, answering for one account unless the caller's key belongs to another."""

    def __init__(self, account: str) -> None:
        from sandbox import moto_ext

        moto_ext.install()
        from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

        self.account = account
        self.people = Registry(account)
        self._moto = DomainDispatcherApplication(create_backend_app)

    def settle_people(self) -> None:
        """Give the people their IAM users and keys."""
        settle(self.account)

    def answer(self, call: ApiCall, environ: Environ) -> Response:
        """Carry ``call`` out. What moto lacks, and what breaks inside it, is answered 501 by name."""
        if _falls_through(call):
            return not_implemented(call)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = self.people.account_of(call.access_key)
        try:
            with WORLD_LOCK:
                response = self._inside(call, environ)
        except NotImplementedError as lacking:
            return not_implemented(call, str(lacking))
        except Exception as broken:  # noqa: BLE001 - a defect of the emulator must not look like a sick AWS
            traceback.print_exc()
            return defect(call, f"{type(broken).__name__}: {broken}")
        return not_implemented(call) if _is_missing(call, response) else in_its_protocol(call, response)

    def _inside(self, call: ApiCall, environ: Environ) -> Response:
        try:
            application: Any = self._moto.get_application(environ)
        except Exception as unknown:
            raise NotImplementedError(f"it knows no service {call.service}") from unknown
        return Response.from_app(application, environ, buffered=True)


def _falls_through(call: ApiCall) -> bool:
    from moto.s3.responses import S3Response

    return (
        call.service == "s3"
        and S3_FALLS_THROUGH.search(call.operation) is not None
        and not hasattr(S3Response, xform_name(call.operation))
    )


def _is_missing(call: ApiCall, response: Response) -> bool:
    """Whether moto's 404 means "no such operation": a page of HTML or nothing, where AWS would send an error body."""
    if response.status_code != NEVER_EMPTY or call.service == "s3":
        return False
    return not response.get_data() or (response.mimetype or "") in MISSING_TYPES
