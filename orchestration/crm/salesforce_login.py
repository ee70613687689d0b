"""The login at Salesforce: by the app's secret, or by a private key on behalf of a user."""

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import jwt
import requests
from requests.auth import HTTPBasicAuth

from orchestration.crm.client import CrmLoginError, CrmUnavailableError
from orchestration.crm.transport import LOGIN_PATH, told_by
from orchestration.settings import SalesforceLogin

_REFUSED = frozenset({400, 401})
_SIGNATURE_HOLDS = timedelta(minutes=3)


def fetch_token(session: requests.Session, login: SalesforceLogin, host: str) -> tuple[str, str]:
    """Ask `host` for a token; return it with the host of the org that it opens.

    Raises:
        CrmLoginError: the login was refused, or its private key cannot be used.
        CrmUnavailableError: no answer, or one that is neither a token nor a refusal.
    """
    secret = None
    if login.private_key_file:
        form = {
            "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer",
            "assertion": _assertion(login, host),
        }
    else:
        form = {"grant_type": "client_credentials"}
        secret = HTTPBasicAuth(login.consumer_key.encode(), (login.consumer_secret or "").encode())
    try:
        answer = session.post(f"https://{host}{LOGIN_PATH}", data=form, auth=secret)
    except requests.RequestException as error:
        raise CrmUnavailableError(f"No login: {login.host}: {told_by(error)}") from None
    return _token(login.host, answer)


def _assertion(login: SalesforceLogin, host: str) -> str:
    claims = {
        "iss": login.consumer_key,
        "sub": login.username,
        "aud": f"https://{host}",
        "exp": datetime.now(UTC) + _SIGNATURE_HOLDS,
    }
    try:
        key = login.private_key_file.read_bytes() if login.private_key_file else b""
        return jwt.encode(claims, key, algorithm="RS256")
    except (OSError, ValueError, TypeError, jwt.PyJWTError) as error:
        raise CrmLoginError(
            f"{login.host}: no login with the key in {login.private_key_file} "
            f"({type(error).__name__}). SALESFORCE_PRIVATE_KEY_FILE names the PEM file of an RSA "
            f"private key without a passphrase."
        ) from None


def _token(host: str, answer: requests.Response) -> tuple[str, str]:
    # Whatever else a busy or broken server answers says nothing about the key.
    unclear = CrmUnavailableError(
        f"No login: {host} answered {answer.status_code} with neither a token nor a refusal"
    )
    try:
        told: Any = answer.json()
        if answer.status_code == 200:
            return str(told["access_token"]), urlsplit(str(told["instance_url"])).netloc
        error = told["error"]
    except (ValueError, KeyError, TypeError):
        raise unclear from None
    if answer.status_code not in _REFUSED:
        raise unclear
    raise CrmLoginError(
        f"{host} refused the login ({error}). Check the app's key, its secret or certificate, and "
        f"the user it runs as."
    )
