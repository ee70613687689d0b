"""The URL of a landing folder in object storage: which bucket, and which prefix in there."""

import re
from dataclasses import dataclass

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")


class BucketUrlError(ValueError):
    """A URL that no landing folder can have; the message says what to give, and no secret."""


@dataclass(frozen=True)
class BucketUrl:
    """`s3://bucket/prefix`, with no slash at its end; an empty prefix is the whole bucket.

    The prefix is taken as it is written: nothing in it is decoded.
    """

    bucket: str
    prefix: str

    @classmethod
    def of(cls, text: str) -> "BucketUrl":
        """Read a URL.

        Raises:
            BucketUrlError: another protocol, no bucket, or more than bucket and prefix.
        """
        scheme, _, place = text.partition("://")
        if scheme.lower() != "s3":
            raise BucketUrlError(
                f"{scheme}:// is not read. Give the path of a folder, or s3://bucket/prefix: "
                f"whatever speaks the S3 protocol is reached through AWS_ENDPOINT_URL."
            )
        bucket, _, prefix = place.partition("/")
        # DuckDB takes keys behind `?`, other tools in front of `@`: they are not repeated here.
        if not _BUCKET.fullmatch(bucket) or "?" in prefix:
            raise BucketUrlError(
                "this URL is not of the form s3://bucket/prefix. Credentials are no part of it: "
                "they come from the AWS variables or profile. A prefix may have no `?`."
            )
        return cls(bucket, prefix.rstrip("/"))

    @property
    def key_prefix(self) -> str:
        """What every key below this URL begins with."""
        return f"{self.prefix}/" if self.prefix else ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")
