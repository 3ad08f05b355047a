"""gen/java: messages and grpc-java stubs of nationalsite:nationalsite-protos.

Its pom.xml pins protoc together with the runtime that its output needs, and grpc-java's plugin; both are
executables on Maven Central. buf.validate, google.type and google.rpc come from libraries.
"""

import platform
from pathlib import Path

from tools.generation.protoc import compile_protos, made_anew
from tools.generation.sources import FOR_CALLERS, GEN
from tools.generation.toolchain import MissingToolchain, need, run, tools

FOLDER = GEN / "java"
SOURCES = FOLDER / "src" / "main" / "java"
RULES_PACKAGE = "build.buf.validate"
"""Where the library has buf.validate, whose proto says com.buf.validate."""
EXECUTABLES = ("protoc", "protoc-gen-grpc-java")
PLATFORMS = {
    ("Linux", "x86_64"): "linux-x86_64",
    ("Linux", "aarch64"): "linux-aarch_64",
    ("Darwin", "x86_64"): "osx-x86_64",
    ("Darwin", "arm64"): "osx-aarch_64",
}
"""What this machine is called by Python, and by those who publish the executables."""


def generate() -> None:
    """Write the sources in gen/java. Raises MissingToolchain."""
    executables = installed()
    made_anew(SOURCES)
    compile_protos(
        f"--plugin=protoc-gen-grpc-java={executables / 'protoc-gen-grpc-java'}",
        f"--java_out={SOURCES}",
        f"--grpc-java_out=@generated=omit:{SOURCES}",
        *FOR_CALLERS,
        executable=executables / "protoc",
        rules_java_package=RULES_PACKAGE,
    )


def installed() -> Path:
    """The folder with protoc and the plugin. Raises MissingToolchain."""
    return tools("java", pins=(FOLDER / "pom.xml",), install=_install)


def _install(folder: Path) -> None:
    need("java", "a JDK, 17 or later")
    maven = need("mvn", "Maven 3.8 or later")
    machine = (platform.system(), platform.machine())
    if machine not in PLATFORMS:
        raise MissingToolchain(f"protoc and grpc-java's plugin are not published for {' '.join(machine)}")
    run(
        maven,
        "--batch-mode",
        "--quiet",
        f"-Dtools.folder={folder}",
        f"-Dtools.platform={PLATFORMS[machine]}",
        "dependency:copy@tools",
        folder=FOLDER,
    )
    for name in EXECUTABLES:
        (folder / name).chmod(0o755)
