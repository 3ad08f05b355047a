"""`authorize`: from the page where a user agrees, by way of its code, to a refresh token in a file."""

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
    HttpTransport,
    StaticTokenProvider,
    TokenResponse,
    write_token,
)
from services.errors import NationalsiteError, StartupError

AUTHORIZE_PAGE = "https://auth.1688.com/oauth/authorize"
TIMEOUT_S = 20.0
_OWNER_ONLY = 0o600
_WHERE = "NATIONALSITE_REFRESH_TOKEN_FILE or --refresh-token-file"


def authorize_url(app_key: str, redirect_uri: str, state: str | None) -> str:
    """Return the page where a user lets the app in; 1688 then calls `redirect_uri` with a code."""
    parameters = {"client_id": app_key, "site": "1688", "redirect_uri": redirect_uri}
    return f"{AUTHORIZE_PAGE}?{urlencode(parameters | ({'state': state} if state else {}))}"


def store_tokens(settings: AuthorizeSettings, code: str, redirect_uri: str, file: Path | None) -> int:
    """Exchange a code, and write the refresh token to the file of the settings, or to `file`.

    Return the exit code. Raises StartupError before the code, which is good once, is used up in vain.
    """
    path = settings.refresh_token_file or file
    if path is None:
        raise StartupError([f"{_WHERE} is required, to write the refresh token to"])
    # Renaming onto the file is what writes it: its directory has to let us.
    if path.is_dir() or not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        raise StartupError([f"{_WHERE}: cannot write {path}"])
    secrets = (settings.app_secret.get_secret_value(), code)
    try:
        grant = asyncio.run(_redeemed(settings, code, redirect_uri))
    except NationalsiteError as error:
        print(f"no token: {format_error(error, secrets)}", file=sys.stderr)
        return 1
    if grant.refresh_token is None:
        life = f"{grant.life_s / 3600:.0f} h"
        print(
            f"no refresh token: 1688 gave an access token alone, for {life}; nothing is written",
            file=sys.stderr,
        )
        return 1
    try:
        write_token(path, grant.refresh_token, mode=_OWNER_ONLY)
    except OSError as error:
        print(f"the refresh token is lost: cannot write {path}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"refresh token written to {path}")
    return 0


async def _redeemed(settings: AuthorizeSettings, code: str, redirect_uri: str) -> TokenResponse:
    exchange = HttpTransport()
    gateway = GatewayClient(
        url=settings.gateway_url,
        app=AppCredentials(key=settings.app_key, secret=settings.app_secret.get_secret_value()),
        exchange=exchange,
        tokens=lambda fetch: StaticTokenProvider(""),  # no operation is called
        parse=parse,
    )
    try:
        return await gateway.redeem(code, redirect_uri, asyncio.get_running_loop().time() + TIMEOUT_S)
    finally:
        await gateway.close()
        await exchange.close()
