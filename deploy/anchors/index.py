"""What AWS writes into the control table's stream, kept as an object a record in a bucket with Object Lock.

The function of cloudformation/stream-anchors.json: its role may put objects there, and nobody else may. An object's
name says all that is compared (dr_actions/journal/stream_comparison.py); its text is for people. What an item holds is
not kept, only its digest. Source: Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB".
"""

import hashlib
import json
import os
import re
from urllib.parse import quote

import boto3

# Two parts and two digests fit into the 1,024 bytes of an object's name, whatever somebody wrote as a key: a record
# that could not be kept would hold up all that follow it.
LONGEST = 300


def handler(event, _context):
    """Keep every record. What fails is sent again by Lambda, in order, and keeps the same name."""
    keep(event["Records"], boto3.client("s3"), os.environ["BUCKET"], os.environ["FOLDER"])


def keep(records, s3, bucket, folder):
    """Put an object for each record."""
    for record in records:
        row = anchor(record)
        text = json.dumps(row, indent=2).encode()
        # S3 takes an upload into a bucket with Object Lock only with a checksum (API_PutObject).
        s3.put_object(Bucket=bucket, Key=f"{folder}/{name(row)}", Body=text, ChecksumAlgorithm="SHA256")


def anchor(record):
    """Say what the record says of its item; ``head`` is the digest that an entry of a journal bears."""
    change, image = record["dynamodb"], record["dynamodb"].get("NewImage")
    head = (image or {}).get("digest", {}).get("S", "")
    return {
        "pk": change["Keys"]["pk"]["S"],
        "sk": change["Keys"]["sk"]["S"],
        "sequence": int(change["SequenceNumber"]),
        "created": int(change["ApproximateCreationDateTime"]),
        "event": record["eventName"],
        "image": digest(image) if image else "-",
        "head": head if re.fullmatch("[0-9a-f]{64}", head) else "-",
    }


def digest(image):
    """Return the SHA-256 of an item in DynamoDB's own JSON, with sorted keys and no spaces."""
    text = json.dumps(image, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def name(row):
    """Return the object's name below its folder: the items of one partition follow each other in order of arrival."""
    pk, sk = (quote(row[key], safe="", errors="replace")[:LONGEST] for key in ("pk", "sk"))
    at = f"{row['created']:012d}/{row['sequence']:040d}"
    return f"{pk}/{at}/{row['event']}/{row['image']}/{row['head']}/{sk}"
