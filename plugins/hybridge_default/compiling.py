"""How numba compiles the kernels of the built-in engines, and what it keeps of them on disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from numba import njit

OPTIONS = {"nogil": True, "boundscheck": False, "error_model": "numpy", "fastmath": {"contract", "nsz"}}

# kernels call one another, never Python: without wrappers the first compilation takes a tenth less
owner = njit(_nrt=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
# most allocate nothing: without counting references, by atomic increments, a gate on few wires takes a third
part = njit(_nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
# by LLVM: inlined by numba they are typed anew wherever they are called, which is a third of the compilation
inlined = njit(_nrt=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, **OPTIONS)
# by numba: those that make an array of their own, or a part of one
unfolded = njit(inline="always", **OPTIONS)


def variant(name: str) -> Callable[[Callable[..., Any]], Any]:
    """`part` for a function that is made more than once, each time of other functions: a name of its own.

    Kernels kept on disk by different processes are linked by the names of what they call, which numba tells
    apart by a counter that each process begins anew: of one name, one kernel would call what is the other's.
    """

    def made(function: Callable[..., Any]) -> Any:
        function.__qualname__ += f".{name}"
        return part(function)

    return made


# engines made of files of others too
FILES = {"mixed": ("mixed", "qubit")}


def sources(engine: str, folder: Path = Path(__file__).parent) -> str:
    """A digest of the files of an engine, "qubit" say. numba knows a kernel by the date of its own
    file and by its closure: an entry point that closes over this is compiled anew after a change of any."""
    files = [
        folder / Path(__file__).name,
        *(path for name in FILES.get(engine, (engine,)) for path in sorted(folder.glob(f"{name}_*.py"))),
    ]
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def kept(function: Callable[..., Any], options: Mapping[str, Any] = OPTIONS) -> Any:
    """The function compiled at its first call, and kept on disk where some cache directory is writable."""
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:  # a read-only installation, and no home to write in
        return njit(**options)(function)
