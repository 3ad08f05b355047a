"""The one app that the sandbox knows. Made up: they open nothing anywhere else."""

APP_KEY = "1000000"
APP_SECRET = "test-app-secret"  # noqa: S105 - made up and documented
ACCESS_TOKEN = "test-access-token"  # noqa: S105 - made up and documented
REFRESH_TOKEN = "test-refresh-token"  # noqa: S105 - made up and documented
