"""The credentials that the sandbox accepts. They are test values, not valid anywhere else."""

APP_KEY = "1000000"
APP_SECRET = "test-app-secret"  # noqa: S105 - a documented test value
ACCESS_TOKEN = "test-access-token"  # noqa: S105 - a documented test value
MEMBER_ID = "b2b-665170100"
"""The buyer account at 1688 that has authorized the app."""
REFRESH_TOKEN = "test-refresh-token"  # noqa: S105 - a documented test value
