"""The `ixs` command: mounts the commands that packages offer through entry points.

`ixs --help` reads only the import-light lists of names; a command's own module
is imported when that command runs.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from ixs_core.commands import Command
from ixs_core.errors import Cancelled, IxsError


def mounted_commands() -> dict[str, Command]:
    """Commands offered through the entry point group `ixs.commands`, by name."""
    found: dict[str, Command] = {}
    for entry in entry_points(group="ixs.commands"):
        for command in entry.load():
            found[command.name] = command
    return found


def load_command(command: Command) -> Any:
    """Import a command (a function, or a `typer.Typer` of subcommands) as a click command."""
    module, _, attribute = command.target.partition(":")
    target = getattr(import_module(module), attribute)
    if not isinstance(target, typer.Typer):
        app = typer.Typer(add_completion=False, rich_markup_mode=None)
        app.command(name=command.name, help=target.__doc__ or command.help)(target)
        target = app
    loaded = typer.main.get_command(target)
    loaded.name = command.name
    return loaded


class LazyGroup(TyperGroup):
    """A group whose help needs names only; a command is loaded when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(mounted_commands())

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        command = mounted_commands().get(cmd_name)
        if command is None:
            return None
        return TyperCommand(command.name, help=command.help, short_help=command.help)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, stub, rest = super().resolve_command(ctx, args)
        if stub is None:
            return name, stub, rest
        return name, load_command(mounted_commands()[str(stub.name)]), rest


def _say(wanted: bool) -> None:
    """Print the version and end."""
    if wanted:
        from importlib.metadata import version

        print(f"ixs-suite {version('ixs-suite')}")
        raise typer.Exit


app = typer.Typer(
    cls=LazyGroup,
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(help="Inelastic x-ray scattering: reduce, fit, plan, compare.")
def _options(
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Say the version.", is_eager=True, callback=_say)
    ] = False,
) -> None:
    """Options that stand before the command."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `ixs`; exit code 0 ok, 1 failed with a one-line reason, 2 usage."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(arguments, prog_name="ixs")
    except (KeyboardInterrupt, Cancelled):
        print("ixs: stopped; what was written before is intact", file=sys.stderr)
        raise SystemExit(130) from None
    except (IxsError, OSError) as error:
        if "--debug" in arguments:
            raise
        _fail(str(error))
    except Exception as error:  # the last resort: a line, not a traceback
        if "--debug" in arguments:
            raise
        _fail(f"internal error, {type(error).__name__}: {error}; `ixs --debug …` shows where")


def _fail(reason: str) -> NoReturn:
    print(f"ixs: {' '.join(reason.split())}", file=sys.stderr)
    raise SystemExit(1) from None
