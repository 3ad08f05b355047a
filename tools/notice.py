"""`make notice`: writes NOTICE, the licences of what the images contain, from the metadata of packages."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata

from tools.generation.sources import ROOT
from tools.usage import build_parser

NOTICE = ROOT / "NOTICE"
_REQUIREMENT = re.compile(r"^(?P<name>[\w.-]+)==", re.M)
_SPDX = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
}
"""Other spellings of licences in the metadata -> SPDX's."""
_WITHOUT_METADATA = {
    "aiosqlite": "MIT",  # the metadata has only a classifier
    "async-timeout": "Apache-2.0",  # installed with Python 3.11.2 of Debian 12, not with later ones
    "uvloop": "MIT OR Apache-2.0",  # the metadata names only one of both
}
_NOT_SHIPPED = {"tzdata"}
"""Installed on Windows only."""
_HEADER = """\
nationalsite
Licensed under the Apache License 2.0 (LICENSE).

The client libraries contain nothing of others, except code generated from googleapis' protos
(Apache-2.0). The images contain the Python packages below, and the Debian packages of their base image.
The licence of a Python package is in its .dist-info directory, that of a Debian package in
/usr/share/doc/<package>/copyright. Wheels of compiled packages also contain libraries: psycopg-binary
has libpq (PostgreSQL), OpenSSL (Apache-2.0), MIT Kerberos (MIT), OpenLDAP (OLDAP-2.8) and others,
pillow has libjpeg-turbo, libtiff, libwebp and others. The bills of materials (make sbom, make images)
list the versions.

What two of the licences mean for you. This is a summary, not legal advice.

  LGPL-3.0-only (psycopg, psycopg-binary): you may use the services, also for others over a network,
  without any duty. If you pass the images on, pass on this notice and the licence too, and do not stop
  recipients from replacing psycopg by a version of their own. They can: it is a separate package in
  /opt/nationalsite/lib/python3.*/site-packages, and unchanged. Your own code keeps its licence. If you
  change psycopg itself and pass it on, publish your changes under the LGPL.

  MPL-2.0 (certifi): if you pass on changed files of certifi, publish these files under the MPL. Nothing
  else is affected.

"""


def main() -> None:
    """Write NOTICE."""
    NOTICE.write_text(build_notice(), encoding="utf-8")


def build_notice() -> str:
    """Return the text of NOTICE. Raises LookupError if a package has no licence that can be read."""
    return _HEADER + "".join(f"  {name:42}{licence}\n" for name, licence in shipped_licences())


def shipped_licences() -> Iterator[tuple[str, str]]:
    """Yield name and licence of each Python package in the images. Raises LookupError."""
    for name in _REQUIREMENT.findall((ROOT / "requirements.txt").read_text(encoding="utf-8")):
        if name not in _NOT_SHIPPED:
            yield name, _WITHOUT_METADATA.get(name) or _read_licence(name)


def _read_licence(name: str) -> str:
    try:
        fields = metadata(name).json
    except PackageNotFoundError:
        raise LookupError(f"{name} is not installed: name its licence in tools/notice.py") from None
    stated = str(fields.get("license_expression") or fields.get("license") or "")
    licence = _SPDX.get(stated, stated)
    if not re.fullmatch(r"[\w.-]+( (AND|OR|WITH) [\w.-]+)*", licence):
        raise LookupError(f"{name} states the licence {stated[:60]!r}: name SPDX's in tools/notice.py")
    return licence


if __name__ == "__main__":
    build_parser("python -m tools.notice", __doc__, "make notice").parse_args()
    try:
        main()
    except LookupError as error:
        sys.exit(f"notice: {error}")
