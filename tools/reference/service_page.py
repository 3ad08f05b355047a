"""The page of a service."""

from google.protobuf.descriptor import Descriptor, EnumDescriptor, ServiceDescriptor

from tools.reference.comments import Comments
from tools.reference.prose import Prose, code, first_sentence, table
from tools.reference.rpcs import Rpcs, label
from tools.reference.services import package_files
from tools.reference.travel import Travel
from tools.reference.types import Types


def service_page(service: ServiceDescriptor, page: str, comments: Comments, travel: Travel) -> str:
    """Return the page of a service."""
    prose = Prose(page)
    types = Types(comments, travel, prose)
    rpcs = Rpcs(comments, types, prose)
    parts = [
        f"# {service.name}",
        prose.paragraphs(comments[service.full_name]),
        _in_code(service),
        "## What holds for all of it",
        prose.paragraphs(comments[service.file.name]),
        "## RPCs",
        table(
            ["RPC", "what it does", "repeats"],
            [
                [
                    prose.rpc(method.name),
                    prose.line(first_sentence(comments[method.full_name])),
                    label(method),
                ]
                for method in service.methods
            ],
        ),
        *(rpcs.section(method) for method in service.methods),
        "## Types",
        *(types.section(kind, 3) for kind in _shared(service)),
    ]
    return "\n\n".join(parts)


def _in_code(service: ServiceDescriptor) -> str:
    file = service.file
    options = file.GetOptions()
    folder = file.name.rpartition("/")[0]
    path, _, name = options.go_package.partition(";")
    return table(
        ["where", "name"],
        [
            ["protos", f"[{folder}](../../protos/{folder})"],
            ["Go", f"{code(path)}, package {code(name)}"],
            ["Java", code(options.java_package)],
            ["Python", code(file.package)],
        ],
    )


def _shared(service: ServiceDescriptor) -> list[Descriptor | EnumDescriptor]:
    """Return the types that belong to no RPC alone, in alphabetical order."""
    own = {kind for method in service.methods for kind in (method.input_type, method.output_type)}
    kinds = [
        kind
        for file in package_files(service)
        for kind in (*file.message_types_by_name.values(), *file.enum_types_by_name.values())
    ]
    return sorted((kind for kind in kinds if kind not in own), key=lambda kind: kind.name)
