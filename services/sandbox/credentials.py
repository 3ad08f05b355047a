"""The one app that the sandbox knows. Made up: they open nothing anywhere else."""

APP_KEY = "1000000"
APP_SECRET = "test-app-secret"  # noqa: S105 - made up and documented
ACCESS_TOKEN = "test-access-token"  # noqa: S105 - made up and documented
MEMBER_ID = "b2b-665170100"
"""The buyer who has let the app in."""
REFRESH_TOKEN = "test-refresh-token"  # noqa: S105 - made up and documented
