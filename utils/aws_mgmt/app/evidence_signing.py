"""Signs what is kept as evidence with the control stack's key, where the caller may use it; else says why not."""

from __future__ import annotations

import base64

from dr_actions.clients.mutating_client import GuardRefused
from dr_actions.guard.context import GuardContext
from dr_actions.model.plan import Call, SendFailed
from dr_estate.aws.read_client import WrongAccount
from dr_estate.config.environment import Environment, Side
from dr_estate.model.unavailable import DataUnavailable
from dr_estate.readers.evidence_stores import ALGORITHM
from reports.evidence.pack import Signature
from reports.evidence.saved import text_to_sign, with_seal
from utils.aws_mgmt.app.connections import SIGNING, AppContext, open_context
from utils.aws_mgmt.app.errors import Refused, UsageError
from utils.aws_mgmt.app.options import Options
from utils.aws_mgmt.app.target import outlives

# What keeps AWS from being asked for a signature, or for the record.
UNASKED = (DataUnavailable, Refused, SendFailed, GuardRefused, UsageError, WrongAccount)


def signature_of(app: AppContext, text: bytes) -> Signature | str:
    """The signature of ``text`` by the control stack's key; why there is none, where the caller may not use it."""
    env = app.env
    key = {"KeyId": env.named(env.names.evidence_key)}
    params = {**key, "Message": text, "MessageType": "RAW", "SigningAlgorithm": ALGORITHM}
    try:
        with app.client.permitting(GuardContext(env, SIGNING)):
            answer = app.client.send(Call("kms", "Sign", env.region(Side.DR), params))
            public = app.client.send(Call("kms", "GetPublicKey", env.region(Side.DR), key))
    except (GuardRefused, SendFailed) as refused:
        return str(refused)
    lines = base64.encodebytes(public["PublicKey"]).decode()
    pem = f"-----BEGIN PUBLIC KEY-----\n{lines}-----END PUBLIC KEY-----\n"
    return Signature(str(answer["KeyId"]), pem, bytes(answer["Signature"]).hex())


def signed_evidence(data: bytes, options: Options, env: Environment) -> tuple[bytes, str]:
    """The evidence ``data`` under a signature, or saying why it has none; and the sentence on that."""
    signature = _signature(data, options, env)
    if isinstance(signature, Signature):
        return with_seal(data, signature), f"{options.save_evidence} is signed by {signature.key}."
    return with_seal(data, None, signature), f"{options.save_evidence} is UNSIGNED: {signature}"


def _signature(data: bytes, options: Options, env: Environment) -> Signature | str:
    if options.from_evidence:
        return f"it was judged from {options.from_evidence}, not looked at."
    if not outlives(options, env):
        return "the sandbox of this command is gone, and its key with it."
    try:
        with open_context(options, env) as app:
            return signature_of(app, text_to_sign(data))
    except UNASKED as silent:
        return f"AWS was not asked: {silent}"
