"""The usage text of a service."""

import argparse
from typing import Any

from services.server.service_definition import ServiceDefinition

_EXAMPLE = """\
an example, with the sandbox (python -m services.sandbox) in place of 1688:
  NATIONALSITE_GATEWAY_URL=http://127.0.0.1:8168 NATIONALSITE_APP_KEY=1000000 \\
  NATIONALSITE_APP_SECRET=test-app-secret NATIONALSITE_ACCESS_TOKEN=test-access-token \\
  NATIONALSITE_LISTEN=127.0.0.1:{port} python -m {package}"""


def build_parser(package: str, service: ServiceDefinition[Any]) -> argparse.ArgumentParser:
    """Return a parser without arguments. `package` is the name that follows `python -m`."""
    _, _, port = service.settings.model_fields["listen"].default.rpartition(":")
    return argparse.ArgumentParser(
        f"python -m {package}",
        description=f"Serves {service.descriptor.full_name} until SIGTERM or SIGINT.\n"
        "All settings are environment variables: docs/settings.md.",
        epilog=_EXAMPLE.format(package=package, port=port),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
