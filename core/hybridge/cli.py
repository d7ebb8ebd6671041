"""The command line, written with the public names only: devices, about, compare, draw, convert."""

from __future__ import annotations

import difflib
import importlib.util
import inspect
import json
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

import hybridge as hb
from hybridge.about import about, rich_devices
from hybridge.errors import HybridgeError
from hybridge.registry import devices, in_one_line, registry

app = typer.Typer(
    help="A hub for quantum devices.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a traceback here is a defect: show all of it, plainly
)

Model = Annotated[
    str, typer.Argument(metavar="FILE.py:NODE", help="A QNode, by its file and its name there.")
]
Arguments = Annotated[
    str | None,
    typer.Option(
        "--args", help="The node's arguments, as JSON: '0.3, [0.1, 0.2]'. Default: example_args of FILE."
    ),
]


class Mistake(Exception):
    """The command was given something it cannot use; never seen outside this file."""


@contextmanager
def _one_message() -> Iterator[None]:
    """Mistakes and hybridge's own errors are told in words, without a traceback, and exit with code 2."""
    try:
        yield
    except (Mistake, HybridgeError) as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from None


def _show(rich_form: Any, plain_form: Any) -> None:
    """Colours and frames for a person at a terminal, aligned text for a pipe."""
    console = Console()
    if console.is_terminal:
        console.print(rich_form)
    else:
        typer.echo(str(plain_form).rstrip())


@app.command("devices")
def show_devices() -> None:
    """List every device: what it takes, what it gives, and how to install it."""
    found = devices()
    _show(rich_devices(found), found)


@app.command("about")
def show_about() -> None:
    """Show the versions of everything involved, and the devices: paste this into a bug report."""
    found = about()
    _show(found, found)


@app.command("draw")
def show_drawing(
    model: Model,
    args: Arguments = None,
    level: Annotated[str, typer.Option(help="user, device, or native: the vendor's own text.")] = "user",
) -> None:
    """Draw a node's circuit as text."""
    with _one_message():
        node, values = _load(model, args)
        typer.echo(hb.draw(node, level=level)(*values))


@app.command("convert")
def convert(
    file: Annotated[Path, typer.Argument(help="A circuit as text.")],
    target: Annotated[str, typer.Option("--to", help="A format that is a text: qasm, qasm3, json, quil.")],
    source: Annotated[str, typer.Option("--from", help="The format of FILE.")] = "qasm",
) -> None:
    """Print a circuit, read from a file, in another format."""
    with _one_message():
        names = [f.name for f in hb.formats()]
        for name in (source, target):
            if name not in names:
                raise Mistake(f"there is no format {name!r}; formats: {', '.join(names)}")
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise Mistake(f"{file} cannot be read: {error}") from error
        program = getattr(hb, f"from_{source}")(text)
        if not isinstance(program, hb.ImportedCircuit) or program.parameters:
            raise Mistake(f"{file} is no circuit with numbers of its own: {program!r}")

        def function() -> Any:
            outcomes = program()
            return program.measurements or (hb.probs(outcomes) if outcomes else hb.state())

        node = hb.QNode(function, hb.device("default.qubit", wires=program.wires))
        found = getattr(hb, f"to_{target}")(node)()
        if not isinstance(found, str):
            raise Mistake(f"{target} is no text: call hb.to_{target} in Python")
        typer.echo(found.rstrip())


@app.command("compare")
def show_comparison(
    model: Model,
    names: Annotated[
        str, typer.Option("--devices", help="Comma-separated, options after colons: a.b,c.d:cutoff_dim=8.")
    ],
    shots: Annotated[int | None, typer.Option(min=1, help="Default: exact results.")] = None,
    args: Arguments = None,
    gradient: Annotated[bool, typer.Option("--gradient/--no-gradient", help="Compare gradients too.")] = True,
    seed: Annotated[int | None, typer.Option(help="Makes the samples repeatable.")] = None,
) -> None:
    """Run one node on many devices and say whether they agree; exit code 1 if they do not.

    A device that fails is a row with its reason; one whose SDK is not installed does not count as a failure.
    """
    with _one_message():
        node, values = _load(model, args)
        chosen = [_device(text.strip()) for text in names.split(",") if text.strip()]
        if not chosen:
            raise Mistake("--devices names no device; `hybridge devices` lists them")
        found = hb.compare(node, chosen, args=values, gradient=gradient, shots=shots, seed=seed)
        _show(found.table(), found)
    if not all(r.agrees or r.missing for r in found.rows):
        raise typer.Exit(1)


def _device(text: str) -> str | tuple[str, dict[str, Any]]:
    """'default.fock:cutoff_dim=8' -> its name and options. UnknownDevice for a name nobody offers."""
    name, *options = text.split(":")
    registry.find(name)
    pairs = [option.partition("=") for option in options]
    for option, (_, sign, _) in zip(options, pairs, strict=True):
        if not sign:
            raise Mistake(f"write an option of {name} as name=value, such as cutoff_dim=8; got {option!r}")
    return (name, {key: _option(value) for key, _, value in pairs}) if options else name


def _option(text: str) -> Any:
    """A number, true, false or null where it is one, else the text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _load(model: str, args: str | None) -> tuple[Any, tuple[Any, ...]]:
    """The node that FILE.py:NODE names, and the arguments to call it with."""
    path, _, name = model.rpartition(":")
    if not path:
        raise Mistake(f"name the node as FILE.py:NODE; got {model!r}")
    names = _run(Path(path))
    nodes = [k for k, v in names.items() if isinstance(v, hb.QNode)]
    found = names.get(name)
    if not isinstance(found, hb.QNode):
        what = "is not a QNode" if name in names else "does not exist"
        close = difflib.get_close_matches(name, nodes, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise Mistake(f"{name!r} {what} in {path}; QNodes there: {', '.join(nodes) or 'none'}{hint}")
    return found, _arguments(found, name, names, args)


def _run(path: Path) -> dict[str, Any]:
    """The names a file defines; it runs as a module, with its folder importable as it is for a script."""
    spec = importlib.util.spec_from_file_location(f"hybridge_model_{path.stem}", path)
    if not path.is_file() or spec is None or spec.loader is None:
        raise Mistake(f"{path} is not a Python file" if path.exists() else f"no such file: {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    sys.path.insert(0, str(path.resolve().parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)]
        place = f"{path}, line {lines[-1]}" if lines else str(path)
        raise Mistake(f"{place} cannot be imported: {in_one_line(error)}") from error
    finally:
        sys.path.pop(0)
    return vars(module)


def _arguments(node: Any, name: str, names: dict[str, Any], text: str | None) -> tuple[Any, ...]:
    if text is not None:
        return _parse(text)
    if "example_args" in names:
        return tuple(names["example_args"])
    takes = inspect.signature(node)
    try:
        takes.bind()
    except TypeError:
        hint = "give them as --args '0.3, 0.4', or write example_args = (0.3, 0.4) in the file"
        raise Mistake(f"{name}{takes} needs arguments; {hint}") from None
    return ()


def _parse(text: str) -> tuple[Any, ...]:
    """'[0.3, [0.1, 0.2]]', or the same without the outer brackets -> the arguments; lists become arrays."""
    for form in (text, f"[{text}]"):
        try:
            values = json.loads(form)
        except json.JSONDecodeError:
            continue
        if isinstance(values, list):
            return tuple(np.array(v) if isinstance(v, list) else v for v in values)
    raise Mistake(f"--args must be a JSON list such as '[0.3, 0.4]'; got {text!r}")
