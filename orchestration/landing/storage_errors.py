"""What goes wrong with object storage, in words that say what to do and tell no secret."""

from collections.abc import Mapping

#: The key or token is refused, whatever is asked for.
_CREDENTIALS = frozenset(
    {
        "ExpiredToken", "InvalidAccessKeyId", "InvalidToken", "RequestTimeTooSkewed",
        "SignatureDoesNotMatch", "TokenRefreshRequired",
    }
)  # fmt: skip
#: So is everything else for now: asking for the next object would only make it worse.
_NOT_NOW = frozenset({"503", "NoSuchBucket", "ServiceUnavailable", "SlowDown"})
#: The object was deleted, or replaced by another one, since it was listed.
_GONE = frozenset({"NoSuchKey", "404", "PreconditionFailed", "412"})

_LISTING: Mapping[str, str] = {
    "NoSuchBucket": "there is no such bucket. Mend TOUCHLINE_LANDING or AWS_ENDPOINT_URL.",
    "AuthorizationHeaderMalformed": "it may be in another region. Set AWS_DEFAULT_REGION.",
    "AccessDenied": "listing it was refused. Grant s3:ListBucket on the bucket and s3:GetObject "
    "on what lies below the prefix.",
}
_READING: Mapping[str, str] = {
    "AccessDenied": "grant s3:GetObject, and kms:Decrypt if a key of KMS encrypts it",
    "InvalidObjectState": "it is archived, restore it",
}


class StorageError(RuntimeError):
    """Nothing can be read from the bucket for now; the message says what to do."""


class ObjectGoneError(RuntimeError):
    """The object was deleted or replaced since it was listed."""


class UnreadableObjectError(RuntimeError):
    """This object cannot be read, others may; the message says why, as a reason for rejects."""


def refused_bucket(url: str, code: str) -> StorageError:
    """Return what to say when the store refuses, by its error code."""
    if code in _CREDENTIALS:
        return StorageError(
            f"{url}: the credentials were refused ({code}). Renew what the AWS variables or "
            f"profile give, and run again."
        )
    advice = _LISTING.get(code, "run again, and ask whoever keeps the bucket if it stays so.")
    return StorageError(f"{url}: {code}, {advice}")


def refused_object(url: str, code: str) -> RuntimeError:
    """Return what to say when the store refuses an object, by its error code."""
    if code in _CREDENTIALS | _NOT_NOW:
        return refused_bucket(url, code)
    if code in _GONE:
        return ObjectGoneError(code)
    advice = _READING.get(code)
    return UnreadableObjectError(f"{code}, {advice}" if advice else code)
