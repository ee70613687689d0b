"""A bucket that speaks the S3 protocol: what lies below a prefix, and its bytes (A11)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    ProfileNotFound,
)
from botocore.session import Session
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_random_exponential
from urllib3.exceptions import HTTPError

from orchestration.landing.bucket_url import BucketUrl
from orchestration.landing.storage_errors import (
    ObjectGoneError,
    StorageError,
    UnreadableObjectError,
    refused_bucket,
    refused_object,
)

_CHUNK_BYTES = 1 << 20
_ATTEMPTS = 5

#: Requests that get no answer are sent again by the client; AWS_MAX_ATTEMPTS says how often. A
#: body that breaks off is gone on with here.
_CONFIG = Config(
    connect_timeout=10,
    read_timeout=30,
    retries={"mode": "standard"},
    # The checksums that newer clients ask for are refused by some other stores.
    response_checksum_validation="when_required",
)
_BROKEN_OFF = (HTTPClientError, IncompleteReadError, HTTPError)


@dataclass(frozen=True)
class StoredObject:
    """An object as it was listed; `tag` (its ETag) changes with its content."""

    key: str
    size: int
    modified_ns: int
    tag: str


@dataclass(frozen=True)
class Bucket:
    """The part of a bucket below a prefix.

    Credentials, region and endpoint come from where every AWS tool takes them: the AWS_*
    variables, the profile, the machine's role.
    """

    url: BucketUrl

    def objects(self) -> Iterator[StoredObject]:
        """Yield every object below the prefix, at one request per 1,000.

        Raises:
            StorageError: the bucket cannot be listed.
        """
        with self._asking():
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.url.bucket, Prefix=self.url.key_prefix
            )
            for page in pages:
                for each in page.get("Contents", ()):
                    modified = each["LastModified"]
                    nanoseconds = int(modified.timestamp()) * 10**9 + modified.microsecond * 1000
                    yield StoredObject(each["Key"], each["Size"], nanoseconds, each.get("ETag", ""))

    def fetch(self, key: str, tag: str, target: Path) -> None:
        """Write the bytes of an object to a file; what breaks off is gone on with.

        Raises:
            ObjectGoneError: there is no object of that key and tag any more.
            UnreadableObjectError: it cannot be read, others may.
            StorageError: nothing can be read for now.
            OSError: the file cannot be written.
        """
        going_on = Retrying(
            retry=retry_if_exception_type(_BROKEN_OFF),
            wait=wait_random_exponential(multiplier=0.2, max=5),
            stop=stop_after_attempt(_ATTEMPTS),
            reraise=True,
        )
        with target.open("wb") as file:
            try:
                going_on(self._append, key, tag, file)
            except _BROKEN_OFF as error:
                raise UnreadableObjectError("the connection broke off each time") from error

    def _append(self, key: str, tag: str, file: IO[bytes]) -> None:
        """Write what is missing of an object behind what the file has of it."""
        start = file.tell()
        wanted = {"Range": f"bytes={start}-"} if start else {}
        if tag:
            # Whatever takes several requests is still one version of the object.
            wanted["IfMatch"] = tag
        with self._asking(is_object=True):
            answer = self._client.get_object(Bucket=self.url.bucket, Key=key, **wanted)
        # Not every store that speaks S3 knows If-Match.
        if tag and answer.get("ETag", tag) != tag:
            raise ObjectGoneError(key)
        for chunk in answer["Body"].iter_chunks(_CHUNK_BYTES):
            file.write(chunk)

    @cached_property
    def _client(self) -> Any:
        return Session().create_client("s3", config=_CONFIG)

    @contextmanager
    def _asking(self, *, is_object: bool = False) -> Iterator[None]:
        """Turn the client's errors into ours. Messages of a store are not repeated: codes are."""
        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))
            refused = refused_object if is_object else refused_bucket
            raise refused(str(self.url), code) from error
        except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
            raise StorageError(
                f"{self.url}: no AWS credentials were found. Set AWS_ACCESS_KEY_ID and "
                f"AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."
            ) from error
        except (BotoCoreError, ValueError) as error:
            raise StorageError(
                f"{self.url}: no answer ({type(error).__name__}). Check the network and "
                f"AWS_ENDPOINT_URL, and run again."
            ) from error
