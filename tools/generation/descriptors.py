"""gen/descriptors: every proto in one file, for grpcurl, gateways, buf and callers without stubs."""

from tools.generation.protoc import compile_protos, recreate_dirs
from tools.generation.sources import ERRORS, FILES, GEN

FOLDER = GEN / "descriptors"
IMAGE = "nationalsite.binpb"


def generate() -> None:
    """Write gen/descriptors."""
    recreate_dirs(FOLDER)
    compile_protos(
        f"--descriptor_set_out={FOLDER / IMAGE}",
        "--include_imports",
        "--include_source_info",
        *FILES,
        *ERRORS,
    )
