"""The page of a service."""

from operator import attrgetter

from google.protobuf.descriptor import Descriptor, EnumDescriptor, ServiceDescriptor

from tools.reference.markdown import MarkdownPage, code, first_sentence, table
from tools.reference.proto_comments import ProtoComments
from tools.reference.reachability import Reachability
from tools.reference.rpc_sections import RpcSections, idempotency_label
from tools.reference.services import package_files
from tools.reference.type_sections import TypeSections


def service_page(
    service: ServiceDescriptor, page: str, comments: ProtoComments, reachability: Reachability
) -> str:
    """Return the page of a service."""
    markdown = MarkdownPage(page)
    type_sections = TypeSections(comments, reachability, markdown)
    rpc_sections = RpcSections(comments, type_sections, markdown)
    parts = [
        f"# {service.name}",
        markdown.paragraphs(comments[service.full_name]),
        _names_in_languages(service),
        "## Common to all RPCs",
        markdown.paragraphs(comments[service.file.name]),
        "## RPCs",
        table(
            ["RPC", "what it does", "idempotency"],
            [
                [
                    markdown.rpc_link(method.name),
                    markdown.inline(first_sentence(comments[method.full_name])),
                    idempotency_label(method),
                ]
                for method in service.methods
            ],
        ),
        *(rpc_sections.section(method) for method in service.methods),
        "## Types",
        *(type_sections.section(type_, 3) for type_ in _shared_types(service)),
    ]
    return "\n\n".join(parts)


def _names_in_languages(service: ServiceDescriptor) -> str:
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


def _shared_types(service: ServiceDescriptor) -> list[Descriptor | EnumDescriptor]:
    """Return the types that are no request or response of an RPC, by name."""
    request_response_types = {
        type_ for method in service.methods for type_ in (method.input_type, method.output_type)
    }
    types: list[Descriptor | EnumDescriptor] = []
    for file in package_files(service):
        types += [*file.message_types_by_name.values(), *file.enum_types_by_name.values()]
    return sorted((type_ for type_ in types if type_ not in request_response_types), key=attrgetter("name"))
