"""`authorize`: the page where a user authorizes the app, and the exchange of its code for a refresh token."""

import asyncio
import os
import sys
from pathlib import Path
from urllib.parse import urlencode

from services.adapter.cli.format import format_error
from services.adapter.cli.settings import AuthorizeSettings
from services.adapter.codec import parse
from services.adapter.gateway import (
    AppCredentials,
    GatewayClient,
    StaticTokenProvider,
    TokenResponse,
    build_transport,
    write_token,
)
from services.errors import NationalsiteError, StartupError

AUTHORIZE_PAGE = "https://auth.1688.com/oauth/authorize"
TIMEOUT_S = 20.0
_OWNER_ONLY = 0o600
_FILE_OPTIONS = "NATIONALSITE_REFRESH_TOKEN_FILE or --refresh-token-file"


def authorize_url(app_key: str, redirect_uri: str, state: str | None) -> str:
    """Return the page where a user authorizes the app; 1688 then calls `redirect_uri` with a code."""
    parameters = {"client_id": app_key, "site": "1688", "redirect_uri": redirect_uri}
    return f"{AUTHORIZE_PAGE}?{urlencode(parameters | ({'state': state} if state else {}))}"


def store_tokens(settings: AuthorizeSettings, code: str, redirect_uri: str, file: Path | None) -> int:
    """Exchange a code, and write the refresh token to the file of the settings, or to `file`.

    Return the exit code. Raises StartupError before the code is used: it is valid only once.
    """
    path = settings.refresh_token_file or file
    if path is None:
        raise StartupError([f"{_FILE_OPTIONS} is required: the refresh token is written there"])
    # A temporary file is written beside it and renamed, so the directory must be writable.
    if path.is_dir() or not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise StartupError([f"{_FILE_OPTIONS}: cannot write {path}"])
    secrets = (settings.app_secret.get_secret_value(), code)
    try:
        response = asyncio.run(_exchange_code(settings, code, redirect_uri))
    except NationalsiteError as error:
        print(f"no token: {format_error(error, secrets)}", file=sys.stderr)
        return 1
    if response.refresh_token is None:
        print(
            "no refresh token: 1688 returned only an access token, valid for "
            f"{response.expires_in_s / 3600:.0f} h; nothing was written",
            file=sys.stderr,
        )
        return 1
    try:
        write_token(path, response.refresh_token, mode=_OWNER_ONLY)
    except OSError as error:
        print(f"the refresh token is lost: cannot write {path}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"refresh token written to {path}")
    return 0


async def _exchange_code(settings: AuthorizeSettings, code: str, redirect_uri: str) -> TokenResponse:
    transport = build_transport(settings.gateway_url, settings.gateway_ca_file)
    gateway = GatewayClient(
        url=settings.gateway_url,
        credentials=AppCredentials(key=settings.app_key, secret=settings.app_secret.get_secret_value()),
        transport=transport,
        build_token_provider=lambda fetch: StaticTokenProvider(""),  # no operation is called
        parse=parse,
    )
    try:
        deadline = asyncio.get_running_loop().time() + TIMEOUT_S
        return await gateway.exchange_code(code, redirect_uri, deadline)
    finally:
        await gateway.close()
        await transport.close()
