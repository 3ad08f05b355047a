"""The credentials that the sandbox accepts. They are made up, and not valid anywhere else."""

APP_KEY = "1000000"
APP_SECRET = "test-app-secret"  # noqa: S105 - made up and documented
ACCESS_TOKEN = "test-access-token"  # noqa: S105 - made up and documented
MEMBER_ID = "b2b-665170100"
"""The buyer who has authorized the app."""
REFRESH_TOKEN = "test-refresh-token"  # noqa: S105 - made up and documented
