"""docs/reference is up to date and complete; the generator stops if something has no text."""

import re
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format
from google.protobuf.message_factory import GetMessageClass
from nationalsite.errors.v1 import ErrorReason

from services.validation import RequestValidator, buf_validate
from tests.support.sample_cases import METHODS, SERVED_RPCS, SERVICES
from tools.reference import __main__ as command
from tools.reference import pages
from tools.reference.errors_page import MissingAdvice, errors_page
from tools.reference.markdown import MarkdownPage
from tools.reference.proto_comments import ProtoComments
from tools.reference.samples import MAX_RESPONSE_LINES
from tools.reference.services import package_files
from tools.reference.validation_rules import MissingRuleText, field_rules

REFERENCE_DIR = Path(__file__).resolve().parents[2] / "docs" / "reference"
PAGES = {path.name: path.read_text() for path in REFERENCE_DIR.glob("*.md")}


def test_reference_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check"]) == 0, capsys.readouterr().out


def test_stale_missing_and_superfluous_pages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "REFERENCE_DIR", tmp_path)
    assert command.main([]) == 0
    (tmp_path / "account.md").write_text("stale")
    (tmp_path / "errors.md").unlink()
    (tmp_path / "news.md").write_text("of an RPC that does not exist")
    capsys.readouterr()
    assert command.main(["--check"]) == 1
    assert re.findall(r"(\w+)\.md", capsys.readouterr().out) == ["account", "errors", "news"]
    assert command.main([]) == 0
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == PAGES


@pytest.mark.parametrize("name", SERVICES)
def test_every_rpc_field_and_value_is_present(name: str) -> None:
    text = PAGES[f"{name}.md"]
    service = SERVICES[name]
    for method in service.methods:
        assert f"\n### {method.name}\n" in text
    files = package_files(service)
    for message in (message for file in files for message in file.message_types_by_name.values()):
        section = re.split(r"\n#+ ", text.split(f"# {message.name}\n")[1])[0]
        assert re.findall(r"^\| `(\w+)` \|.*\| (\d+) \|$", section, re.M) == [
            (field.name, str(field.number)) for field in message.fields
        ]
    for enum in (enum for file in files for enum in file.enum_types_by_name.values()):
        assert all(f"| `{value.name}` | {value.number} |" in text for value in enum.values)


@pytest.mark.parametrize("rpc", sorted(SERVED_RPCS))
def test_every_rpc_has_an_example(rpc: str) -> None:
    (section,) = [
        section
        for text in PAGES.values()
        for section in re.split(r"^### ", text, flags=re.M)
        if section.startswith(f"{rpc}\n")
    ]
    blocks = re.findall(r"^Example of a (\w+)(?: \([\w-]+\))?:\n\n```json\n(.*?)\n```$", section, re.M | re.S)
    examples = dict(blocks)
    assert examples.keys() >= {"request"}
    method = METHODS[rpc]
    validator = RequestValidator(rpc, GetMessageClass(method.input_type))
    for request in examples["request"].replace("}\n{", "}\n\n{").split("\n\n"):
        validator.validate(json_format.Parse(request, GetMessageClass(method.input_type)()))
    response = examples.get("response", "{}")
    json_format.Parse(response, GetMessageClass(method.output_type)())
    assert response.count("\n") < MAX_RESPONSE_LINES


def test_every_reason_is_present() -> None:
    reasons = [value.name.removeprefix("ERROR_REASON_") for value in ErrorReason.DESCRIPTOR.values][1:]
    assert re.findall(r"^## (\w+)$", PAGES["errors.md"], re.M) == reasons


def test_mappings_of_dialects_are_shown() -> None:
    rows = {
        (name, row[0].strip("`")): row[3:5]
        for name, text in PAGES.items()
        for row in (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| `"))
    }
    assert rows["account.md", "out_login_name"] == ["`outLoginName`<br>at most 32 characters", "`outLoginId`"]
    assert rows["account.md", "mobile"] == ["`mobile`", "`mobile`<br>**required**<br>at most 30 characters"]
    assert rows["product.md", "category_ids"] == ["rejected if set", "`categoryIdList` joined by commas"]


@pytest.mark.parametrize("name", PAGES)
def test_rows_of_a_table_have_the_same_number_of_cells(name: str) -> None:
    tables = re.findall(r"(?:^\|.*\n)+", PAGES[name], re.M)
    assert tables
    for table in tables:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table


def test_rule_without_text_stops_the_generator() -> None:
    file = descriptor_pb2.FileDescriptorProto(name="news.proto", package="news", syntax="proto3")
    file.dependency.append("buf/validate/validate.proto")
    field = file.message_type.add(name="News").field.add(name="text", number=1, type="TYPE_STRING")
    field.label = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL
    field.options.Extensions[buf_validate.field].string.prefix = "b2b-"  # type: ignore[index, assignment] # the stubs of buf.validate do not type extensions
    pool = descriptor_pool.Default()
    pool.AddSerializedFile(file.SerializeToString())
    with pytest.raises(MissingRuleText, match=r"news\.News\.text: buf\.validate\.StringRules\.prefix"):
        field_rules(pool.FindMessageTypeByName("news.News").fields_by_name["text"])


def test_rules_of_reasons_are_shown() -> None:
    page = PAGES["errors.md"]
    assert "| [DRAINING](#draining) | `UNAVAILABLE` | later | 100 ms | 42 |" in page
    section = page.partition("## REQUEST_IN_PROGRESS\n")[2].partition("\n## ")[0]
    assert "**Do:** retry with the same `request_id`" in section
    assert section.endswith(
        "- **Retry:** later, after 1,000 ms\n- **Metadata:** `requestId`\n- **Details:** `RetryInfo`\n"
    )
    assert "- **Metadata:** `nationalOrderId` (optional), `logisticsId` (optional)\n" in page


def test_reason_without_advice_stops_the_generator() -> None:
    name = f"{ErrorReason.DESCRIPTOR.full_name}.ERROR_REASON_DRAINING"
    comments = ProtoComments()
    comments._texts[name] = comments[name].partition("Do:")[0]
    with pytest.raises(MissingAdvice, match="DRAINING"):
        errors_page(comments)


def test_link_without_target_stops_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MarkdownPage, "reason_link", lambda self, name: f"[{name}](errors.md#elsewhere)")
    with pytest.raises(pages.BrokenLink, match=r"errors\.md#elsewhere"):
        pages.build_pages()
