"""Write the generated pages of the documentation: the commands' help and the benchmark table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.timing import shown
from ixs_core.atomic import atomic_write_text
from ixs_core.cli import app, load_command, mounted_commands

DOCS = Path(__file__).resolve().parent
RESULTS = DOCS.parent / "benchmarks" / "results.json"


def main() -> None:
    """Write docs/commands.md and docs/benchmarks.md."""
    atomic_write_text(DOCS / "commands.md", commands_page())
    atomic_write_text(DOCS / "benchmarks.md", benchmarks_page())
    print(f"written: {DOCS / 'commands.md'}, {DOCS / 'benchmarks.md'}")


def commands_page() -> str:
    """The help of every command."""
    runner = CliRunner()
    parts = ["# Commands\n\nWritten by `make docs` from the commands' own help."]
    for words in ((), *_commands()):
        name, arguments = " ".join(words), [*words, "--help"]
        text = runner.invoke(app, arguments, prog_name="ixs", env={"COLUMNS": "96"}).output.strip()
        parts.append(f"## ixs {name}".rstrip() + f"\n\n```text\n{text}\n```")
    return "\n\n".join(parts) + "\n"


def _commands() -> Iterator[tuple[str, ...]]:
    """The words of every command, those of groups included."""
    for name, command in mounted_commands().items():
        yield (name,)
        for subcommand in getattr(load_command(command), "commands", {}):
            yield name, subcommand


def benchmarks_page() -> str:
    """The measured ratios as a table."""
    record = json.loads(RESULTS.read_text(encoding="utf-8"))
    lines = [
        "# Benchmarks",
        "",
        f"`make bench`, {record['measured']}, {record['machine']}. A ratio above 1 means that the "
        "peer (or the limit) takes longer. Ratios hold from machine to machine, times do not.",
        "",
        "| what | ours | peer or limit | its time | ratio | wanted |",
        "|---|---:|---|---:|---:|---|",
    ]
    for group in record["results"].values():
        for m in group:
            lines.append(
                f"| {m['name']} | {shown(m['seconds'], m['unit'])} | {m['peer']} | "
                f"{shown(m['peer_seconds'], m['unit'])} | {m['ratio']:.2f} | {m['target']} |"
            )
    versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
    return "\n".join([*lines, "", f"Versions: {versions}."]) + "\n"


if __name__ == "__main__":
    main()
