"""The usage text of the commands in tools/ and benchmarks/."""

import argparse


def build_parser(program: str, docstring: str | None, *examples: str) -> argparse.ArgumentParser:
    """Return a parser whose --help prints a module's docstring, and examples."""
    return argparse.ArgumentParser(
        program,
        description=docstring,
        epilog="\n".join(("examples:", *(f"  {example}" for example in examples))),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
