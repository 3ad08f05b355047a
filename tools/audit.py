"""`make audit`: looks up whether the pinned packages have known vulnerabilities.

Exit code 0: none is known. 1: there are some. 3: none was found, but a database could not be asked; the lines
that begin with `audit: could not look` say which. --osv, --npm and --go name other databases than the public.
"""

import argparse
import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tools.commands import BuildError
from tools.generation.sources import ROOT
from tools.sbom import write_package_sbom
from tools.usage import build_parser

OSV = "https://api.osv.dev"
GO_VULNERABILITIES = "https://vuln.go.dev"
GO_TOOL = "golang.org/x/vuln/cmd/govulncheck@v1.9.0"
GO_MODULES = ("gen/go", "clients/go")
OSV_BATCH_SIZE = 1000
"""The maximum of OSV."""
REQUEST_TIMEOUT_S = 30
COMMAND_TIMEOUT_S = 900
NONE_KNOWN, VULNERABLE, NOT_LOOKED_UP = 0, 1, 3


class CouldNotLook(Exception):
    """A database could not be asked, or its answer not be read."""


def main(arguments: Sequence[str]) -> int:
    """Run all audits, print what they find, and return the exit code."""
    parser = build_parser("python -m tools.audit", __doc__, "make audit", "python -m tools.audit python go")
    parser.add_argument("--osv", default=OSV, help="OSV's API: Python and Java")
    parser.add_argument("--npm", help="the npm registry with the advisories; default: npm's own setting")
    parser.add_argument("--go", default=GO_VULNERABILITIES, help="Go's vulnerability database")
    parser.add_argument("ecosystems", nargs="*", help="default: all")
    options = parser.parse_args(arguments)
    if wrong := set(options.ecosystems) - AUDITS.keys():
        parser.error(f"{', '.join(wrong)}: choose from {', '.join(AUDITS)}")
    found, unknown = 0, 0
    for name in options.ecosystems or AUDITS:
        try:
            lines = list(AUDITS[name](options))
        except CouldNotLook as error:
            unknown += 1
            print(f"audit: could not look up {name}: {error}", flush=True)
            continue
        found += len(lines)
        print(f"audit: {name}: {len(lines) or 'no'} known vulnerabilities", *lines, sep="\n  ", flush=True)
    if found:
        return VULNERABLE
    return NOT_LOOKED_UP if unknown else NONE_KNOWN


def audit_python(options: argparse.Namespace) -> Iterator[str]:
    """Yield the vulnerabilities of all requirements*.txt, by pip-audit."""
    files = [f"--requirement={path}" for path in sorted(ROOT.glob("requirements*.txt"))]
    flags = ("--disable-pip", "--require-hashes", "--format=json", "--progress-spinner=off")
    source = ("--vulnerability-service=osv", f"--osv-url={options.osv}/v1/query")
    output = run(sys.executable, "-m", "pip_audit", *flags, *source, *files)
    for package in parse(output)["dependencies"]:
        for vulnerability in package.get("vulns", ()):
            fixed = ", ".join(vulnerability["fix_versions"]) or "no version"
            yield f"{package['name']} {package['version']}: {vulnerability['id']}, fixed in {fixed}"


def audit_typescript(options: argparse.Namespace) -> Iterator[str]:
    """Yield the vulnerabilities of package-lock.json, by npm audit."""
    registry = [f"--registry={options.npm}"] if options.npm else []
    report = parse(run("npm", "audit", "--json", "--package-lock-only", "--fetch-retries=0", *registry))
    if "vulnerabilities" not in report:
        raise CouldNotLook(str(report.get("message") or report.get("error")))
    for name, package in report["vulnerabilities"].items():
        for advisory in package["via"]:
            if isinstance(advisory, dict):  # else the name of a dependency, which has its own entry
                yield f"{name} {package['range']}: {advisory['url']} ({advisory['title']})"


def audit_go(options: argparse.Namespace) -> Iterator[str]:
    """Yield the vulnerabilities in functions that our Go code calls, by govulncheck."""
    for module in GO_MODULES:
        flags = ("-format=json", f"-db={options.go}")
        try:
            output = run("go", "run", "-C", str(ROOT / module), GO_TOOL, *flags, "./...", exit_codes=(0,))
        except CouldNotLook as error:
            raise CouldNotLook(f"{options.go}: {error}") from None
        called = {
            f"{finding['osv']}, fixed in {finding.get('fixed_version', 'no version')}"
            for finding in (message.get("finding") for message in parse_stream(output))
            if finding and "function" in finding["trace"][0]
        }
        yield from (f"{module}: {line}" for line in sorted(called))


def audit_java(options: argparse.Namespace) -> Iterator[str]:
    """Yield the vulnerabilities of what the Java client library needs, by OSV."""
    with TemporaryDirectory() as directory:
        try:
            bom = json.loads(write_package_sbom("client-java", Path(directory)).read_text(encoding="utf-8"))
        except BuildError as error:
            raise CouldNotLook(str(error)) from None
    purls = [item["purl"].partition("?")[0] for item in bom["components"] if item["group"] != "nationalsite"]
    for start in range(0, len(purls), OSV_BATCH_SIZE):
        batch = purls[start : start + OSV_BATCH_SIZE]
        results = ask_osv(options.osv, batch)
        for purl, result in zip(batch, results, strict=True):
            yield from (f"{purl}: {vulnerability['id']}" for vulnerability in result.get("vulns", ()))


def ask_osv(url: str, purls: Sequence[str]) -> list[dict[str, list[dict[str, str]]]]:
    """Return OSV's result for each package. Raises CouldNotLook."""
    body = json.dumps({"queries": [{"package": {"purl": purl}} for purl in purls]}).encode()
    request = urllib.request.Request(f"{url}/v1/querybatch", body, {"Content-Type": "application/json"})  # noqa: S310 # an HTTP URL
    try:
        with urllib.request.urlopen(request, timeout=REQUEST_TIMEOUT_S) as response:  # noqa: S310 # the same
            results: list[dict[str, list[dict[str, str]]]] = json.load(response)["results"]
    except (OSError, ValueError, KeyError) as error:
        raise CouldNotLook(f"{url}: {error}") from None
    if len(results) != len(purls):
        raise CouldNotLook(f"{url} returned {len(results)} results for {len(purls)} packages")
    return results


AUDITS: dict[str, Callable[[argparse.Namespace], Iterator[str]]] = {
    "python": audit_python,
    "typescript": audit_typescript,
    "go": audit_go,
    "java": audit_java,
}


def run(*command: str, exit_codes: Collection[int] = (0, 1)) -> str:
    """Run a command that prints JSON, and return its output. Raises CouldNotLook.

    pip-audit and npm exit with 1 for vulnerabilities and for failures. Failures print nothing, or an error as
    JSON.
    """
    try:
        finished = subprocess.run(  # noqa: S603 # our own commands
            command, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=False
        )
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise CouldNotLook(f"{command[0]}: {error}") from None
    if finished.returncode not in exit_codes or not finished.stdout.strip():
        errors = [
            line for line in finished.stderr.splitlines() if line and not line.startswith("exit status")
        ]
        raise CouldNotLook(errors[-1] if errors else f"{command[0]} exited with {finished.returncode}")
    return finished.stdout


def parse(text: str) -> Any:
    """Parse the first JSON value. Raises CouldNotLook."""
    return parse_stream(text)[0]


def parse_stream(text: str) -> list[Any]:
    """Parse JSON values that follow each other. Raises CouldNotLook."""
    values, rest = [], text.strip()
    try:
        while rest:
            value, end = json.JSONDecoder().raw_decode(rest)
            values.append(value)
            rest = rest[end:].lstrip()
    except ValueError:
        raise CouldNotLook(f"not JSON: {text[:100]!r}") from None
    return values


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
