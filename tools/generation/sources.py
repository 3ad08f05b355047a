"""The protos that everything is generated from, and the descriptor sets made of them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROTOS_DIR = ROOT / "protos"
GEN_DIR = ROOT / "gen"

PROTOS = tuple(sorted(path.relative_to(PROTOS_DIR).as_posix() for path in PROTOS_DIR.rglob("*.proto")))
"""Every proto of this project, by the name under which others import it."""
INTERNAL = ("nationalsite/replay/", "nationalsite/upstream/")
"""Where the protos are that only the adapter uses: the messages of a replay, and the mapping options."""
CLIENT_PROTOS = tuple(name for name in PROTOS if not name.startswith(INTERNAL))
VALIDATE_PROTO = "buf/validate/validate.proto"
ERROR_PROTOS = ("google/rpc/error_details.proto", "google/rpc/status.proto")
"""The types of an error's details. Every caller reads the first, but no proto of this project imports it."""

DESCRIPTORS = GEN_DIR / "descriptors" / "nationalsite.binpb"
CLIENT_DESCRIPTORS = GEN_DIR / "descriptors" / "nationalsite-client.binpb"
CLIENT_PACKAGE_DIR = GEN_DIR / "python_client"
