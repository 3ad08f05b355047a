"""Calls a service from an empty project in each language, which has its package from dist/.

All other packages come from the public registries, or from those that the user has configured instead. The
program is the one of README.md.
"""

import json
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.commands import BuildError, run
from tools.generation.sources import ROOT
from tools.local_stack import start_sandbox, start_service, stop

EXAMPLES = ROOT / "examples"
POM = Path(__file__).with_name("java") / "pom.xml"
REPOSITORIES = "<repositories><repository><id>dist</id><url>{url}</url></repository></repositories>"
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.11.0"
JAVA_OPTIONS = (
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-Dfile.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
)
"""For a fast start, and text that does not depend on the locale."""
RUNS = 3
OFFERS = re.compile(r"(\d+ \S.*\n){3}")
"""What the program prints: the id and the subject of three offers."""


def verify(dist: Path, language: str, address: str) -> None:
    """Call a ProductService from an empty project in a language. Raises BuildError."""
    with TemporaryDirectory() as project:
        printed = PROJECTS[language](dist, Path(project), {"NATIONALSITE_PRODUCT": address})
    if not OFFERS.fullmatch(printed):
        raise BuildError(f"the program in {language} does not print three offers:\n{printed}")


@contextmanager
def running_product_service() -> Iterator[str]:
    """Yield the address of a ProductService that calls a sandbox."""
    sandbox = start_sandbox()
    try:
        service = start_service("product", sandbox.address)
        try:
            yield service.address
        finally:
            stop(service)
    finally:
        stop(sandbox)


def run_program(*command: str | Path, folder: Path, environment: Mapping[str, str]) -> str:
    """Run the program of README.md; return what it prints. Raises BuildError.

    It runs again if it fails: its deadline of five seconds is short for the first start on a busy machine.
    """
    for _ in range(RUNS - 1):
        with suppress(BuildError):
            return run(*command, folder=folder, environment=environment)
    return run(*command, folder=folder, environment=environment)


def call_from_python(dist: Path, project: Path, settings: Mapping[str, str]) -> str:
    """Install the wheel; check the program with mypy; return what it prints."""
    (wheel,) = (dist / "python").glob("*.whl")
    tools, python = Path(sys.executable).parent, project / "venv" / "bin" / "python"
    program = shutil.copy(EXAMPLES / "python" / "quickstart.py", project)
    run(tools / "uv", "venv", "--quiet", f"--python={sys.executable}", project / "venv", folder=project)
    run(tools / "uv", "pip", "install", "--quiet", f"--python={python}", f"{wheel}[types]", folder=project)
    run(tools / "mypy", "--strict", f"--python-executable={python}", program, folder=project)
    return run_program(python, "-I", program, folder=project, environment=settings)


def call_from_go(dist: Path, project: Path, settings: Mapping[str, str]) -> str:
    """Get the modules; vet the program; return what it prints."""
    module = project / "calling"
    module.mkdir()
    shutil.copy(EXAMPLES / "go" / "quickstart" / "main.go", module)
    proxy, cache = run("go", "env", "GOPROXY", "GOMODCACHE", folder=project).split()
    environment = {
        **settings,
        "GOPROXY": f"{(dist / 'go').as_uri()},file://{cache}/cache/download,{proxy}",
        "GONOSUMDB": "nationalsite.internal",
        "GOMODCACHE": str(project / "modules"),  # the usual one may have other modules with the same version
        "GOFLAGS": "-modcacherw -trimpath -buildvcs=false",
        "GOWORK": "off",
    }
    for command in ("mod init calling", "get nationalsite.internal/client", "mod tidy", "vet ."):
        run("go", *command.split(), folder=module, environment=environment)
    return run_program("go", "run", ".", folder=module, environment=environment)


def call_from_java(dist: Path, project: Path, settings: Mapping[str, str]) -> str:
    """Resolve the artifacts, with the BOM; compile all examples; return what the program prints."""
    repositories = REPOSITORIES.format(url=(dist / "maven").as_uri())
    pom = POM.read_text(encoding="utf-8").replace("</project>", f"{repositories}</project>")
    (project / "pom.xml").write_text(pom, encoding="utf-8")
    shutil.copytree(EXAMPLES / "java" / "src", project / "src")
    # The usual local repository may have other artifacts with the same version.
    options = ("--batch-mode", "--quiet", f"-Dmaven.repo.local={project / 'repository'}")
    write_class_path = (f"{DEPENDENCY_PLUGIN}:build-classpath", "-Dmdep.outputFile=class-path")
    run("mvn", *options, "compile", *write_class_path, folder=project)
    class_path = f"target/classes{os.pathsep}{(project / 'class-path').read_text(encoding='utf-8')}"
    command = ("java", *JAVA_OPTIONS, "-classpath", class_path, "Quickstart")
    return run_program(*command, folder=project, environment=settings)


def call_from_typescript(dist: Path, project: Path, settings: Mapping[str, str]) -> str:
    """Install the tarballs; compile the program; return what it prints."""
    shutil.copy(EXAMPLES / "ts" / "quickstart.ts", project)
    (project / "package.json").write_text('{"type": "module"}')
    versions = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]
    compilers = [f"{name}@{versions[name]}" for name in ("typescript", "@types/node")]
    install = ("install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline")
    run("npm", *install, *sorted((dist / "npm").iterdir()), "@grpc/grpc-js", *compilers, folder=project)
    options = ("--strict", "--target", "es2022", "--module", "nodenext", "--types", "node")
    run(project / "node_modules" / ".bin" / "tsc", *options, "quickstart.ts", folder=project)
    return run_program("node", "quickstart.js", folder=project, environment=settings)


PROJECTS: Mapping[str, Callable[[Path, Path, Mapping[str, str]], str]] = {
    "Python": call_from_python,
    "Go": call_from_go,
    "Java": call_from_java,
    "TypeScript": call_from_typescript,
}
"""Language -> what calls the service from an empty folder, and returns what the program prints."""
