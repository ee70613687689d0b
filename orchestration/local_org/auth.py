"""Who may call: the OAuth token endpoint, its sessions, and the apps that may ask for one."""

import base64
import binascii
import hashlib
import hmac
import secrets
import sqlite3
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from orchestration.local_org.errors import ApiError, OAuthError

CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: The app that every local org knows. It opens nothing but this org on the loopback address.
LOCAL_KEY = "touchline-local"
LOCAL_SECRET = "touchline-local-secret"  # noqa: S105 - public on purpose
ORG_ID = "00DTL0000000001EAA"


def register_app(
    connection: sqlite3.Connection,
    consumer_key: str,
    *,
    run_as: str,
    secret: str | None = None,
    public_key: str | None = None,
) -> None:
    """Add or change a connected app; what is not given stays as it is.

    Raises:
        ValueError: `public_key` is no PEM public key or certificate.
    """
    if public_key is not None:
        public_key = _public_pem(public_key)
    connection.execute(
        "insert into connected_apps values (?, ?, ?, ?) on conflict (consumer_key) do update set "
        "secret_hash = coalesce(excluded.secret_hash, secret_hash), "
        "public_key = coalesce(excluded.public_key, public_key), run_as = excluded.run_as",
        (consumer_key, _hash(secret) if secret else None, public_key, run_as),
    )


def issue_token(
    connection: sqlite3.Connection,
    form: Mapping[str, str],
    authorization: str,
    *,
    instance_url: str,
    lifetime_seconds: float,
) -> dict[str, Any]:
    """Answer a token request.

    Raises:
        OAuthError: worded as Salesforce does.
    """
    grant = form.get("grant_type")
    if grant == CLIENT_CREDENTIALS:
        key, user_id = _client_credentials(connection, form, authorization)
    elif grant == JWT_BEARER:
        key, user_id = _jwt_bearer(connection, form.get("assertion", ""), instance_url)
    else:
        raise OAuthError("unsupported_grant_type", "grant type not supported")
    now = time.time()
    token = f"{ORG_ID[:15]}!{secrets.token_urlsafe(48)}"
    connection.execute("delete from sessions where expires_at < ?", (now - 86_400,))
    connection.execute(
        "insert into sessions values (?, ?, ?, ?, ?)",
        (_hash(token), user_id, key, now, now + lifetime_seconds),
    )
    issued_at = str(int(now * 1000))
    identity = f"{instance_url}/id/{ORG_ID}/{user_id}"
    signature = hmac.digest(token.encode(), f"{identity}{issued_at}".encode(), "sha256")
    return {
        "access_token": token,
        "signature": base64.b64encode(signature).decode(),
        "scope": "api",
        "instance_url": instance_url,
        "id": identity,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }


def session_user(connection: sqlite3.Connection, authorization: str) -> str:
    """Return the user id behind `Authorization: Bearer …`.

    Raises:
        ApiError: 401 INVALID_SESSION_ID, whether the session is unknown or has expired.
    """
    scheme, _, token = authorization.partition(" ")
    row = None
    if scheme.lower() in {"bearer", "oauth"}:
        row = connection.execute(
            "select user_id from sessions where token_hash = ? and expires_at > ?",
            (_hash(token.strip()), time.time()),
        ).fetchone()
    if row is None:
        raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
    return str(row[0])


def expire_sessions(connection: sqlite3.Connection) -> int:
    """End all sessions and return how many were alive."""
    now = time.time()
    return connection.execute(
        "update sessions set expires_at = ? where expires_at > ?", (now, now)
    ).rowcount


def _client_credentials(
    connection: sqlite3.Connection, form: Mapping[str, str], authorization: str
) -> tuple[str, str]:
    key, secret = _basic(authorization) or (
        form.get("client_id", ""),
        form.get("client_secret", ""),
    )
    row = connection.execute(
        "select secret_hash, run_as from connected_apps where consumer_key = ?", (key,)
    ).fetchone()
    if row is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    secret_hash, run_as = row
    if secret_hash is None or not hmac.compare_digest(secret_hash, _hash(secret)):
        raise OAuthError("invalid_client", "invalid client credentials")
    return key, str(run_as)


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise OAuthError("invalid_client", "invalid client credentials") from error
    return unquote(key), unquote(secret)


def _jwt_bearer(
    connection: sqlite3.Connection, assertion: str, instance_url: str
) -> tuple[str, str]:
    import jwt  # noqa: PLC0415 - half of the start-up time, needed for this grant only

    try:
        issuer = jwt.decode(assertion, options={"verify_signature": False}).get("iss")
    except jwt.InvalidTokenError as error:
        raise OAuthError("invalid_grant", "invalid assertion") from error
    row = connection.execute(
        "select public_key from connected_apps where consumer_key = ?", (issuer,)
    ).fetchone()
    if row is None:
        raise OAuthError("invalid_client_id", "client identifier invalid")
    if row[0] is None:
        raise OAuthError("invalid_client", "no certificate is registered for this app")
    try:
        # An expiry written as a string is accepted: simple-salesforce sends it so.
        claims = jwt.decode(
            assertion,
            row[0],
            algorithms=["RS256"],
            options={"require": ["exp", "sub", "aud", "iss"], "verify_aud": False},
        )
    except jwt.ExpiredSignatureError as error:
        raise OAuthError("invalid_grant", "token validity expired") from error
    except jwt.InvalidTokenError as error:
        raise OAuthError("invalid_grant", "invalid assertion") from error
    if not _is_ours(claims["aud"], instance_url):
        raise OAuthError("invalid_grant", "audience is invalid")
    user = connection.execute(
        'select "Id" from "User" where "Username" = ? and "IsActive"', (claims["sub"],)
    ).fetchone()
    if user is None:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return str(issuer), str(user[0])


def _is_ours(audience: object, instance_url: str) -> bool:
    host = urlsplit(str(audience)).hostname or ""
    return host.endswith(".salesforce.com") or str(audience).rstrip("/") == instance_url


def _public_pem(text: str) -> str:
    from cryptography import x509  # noqa: PLC0415 - see _jwt_bearer
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415

    data = text.encode()
    if b"BEGIN CERTIFICATE" in data:
        key = x509.load_pem_x509_certificate(data).public_key()
        return key.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
    serialization.load_pem_public_key(data)
    return text


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
