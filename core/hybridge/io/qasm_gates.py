"""The gates that OpenQASM files include, as rows of the table; each exactly as it is read elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from hybridge.io.gates import Gate, Single
from hybridge.operations.derived import adjoint_row, controlled
from hybridge.operations.qubit_entangling import (
    CCZ,
    CH,
    CNOT,
    CRX,
    CRY,
    CRZ,
    CSWAP,
    CY,
    CZ,
    ECR,
    ISWAP,
    SWAP,
    ControlledPhaseShift,
    IsingXX,
    IsingYY,
    IsingZZ,
    Toffoli,
)
from hybridge.operations.qubit_families import GlobalPhase, I, MultiControlledX
from hybridge.operations.qubit_gates import RX, RY, RZ, SX, U1, U2, U3, H, PhaseShift, S, T, X, Y, Z
from hybridge.operations.table import Operation

# Rows that say the same, parameters and wires in the same order.
_PLAIN: dict[str, Operation] = {
    "U": U3,
    "CX": CNOT,
    "u3": U3,
    "u2": U2,
    "u1": U1,
    "u": U3,
    "p": PhaseShift,
    "id": I.of(1),
    "x": X,
    "y": Y,
    "z": Z,
    "h": H,
    "s": S,
    "sdg": adjoint_row(S),
    "t": T,
    "tdg": adjoint_row(T),
    "sx": SX,
    "sxdg": adjoint_row(SX),
    "rx": RX,
    "ry": RY,
    "rz": RZ,
    "cx": CNOT,
    "cy": CY,
    "cz": CZ,
    "ch": CH,
    "swap": SWAP,
    "ccx": Toffoli,
    "cswap": CSWAP,
    "crx": CRX,
    "cry": CRY,
    "crz": CRZ,
    "cu1": ControlledPhaseShift,
    "cp": ControlledPhaseShift,
    "rxx": IsingXX,
    "rzz": IsingZZ,
    "c3x": MultiControlledX.of(4),
    "c4x": MultiControlledX.of(5),
    # none of these is in a standard file, but many programs define them; they may define them anew
    "phase": PhaseShift,
    "cphase": ControlledPhaseShift,
    "ccz": CCZ,
    "ryy": IsingYY,
    "iswap": ISWAP,
    "ecr": ECR,
}

# Those whose spectrum has to be found, which takes scipy: made when something is read or written.
_MADE: dict[str, Callable[[], Operation]] = {
    "cu3": lambda: controlled(U3, (1,)),
    "csx": lambda: controlled(SX, (1,)),
    "c3sqrtx": lambda: controlled(SX, (1, 1, 1)),
    "cs": lambda: controlled(S, (1,)),
    "csdg": lambda: controlled(adjoint_row(S), (1,)),
    "c3sx": lambda: controlled(SX, (1, 1, 1)),
}


@cache
def rows() -> dict[str, Operation]:
    """The row of each gate that has one."""
    return _PLAIN | {name: make() for name, make in _MADE.items()}


@cache
def standard_names() -> dict[Operation, str]:
    """The first name of each row."""
    return {row: name for name, row in reversed(rows().items())}


# Gates with no row of their own, in OpenQASM.
BODIES: dict[str, str] = {
    "u0": "gate u0(gamma) q { id q; }",
    "cu": "gate cu(theta, phi, lambda, gamma) c, t { p(gamma) c; cu3(theta, phi, lambda) c, t; }",
    "rccx": "gate rccx a, b, c { h c; t c; cx b, c; tdg c; cx a, c; t c; cx b, c; tdg c; h c; }",
    "rc3x": "gate rc3x a, b, c, d { h d; t d; cx c, d; tdg d; h d; cx a, d; t d; cx b, d; tdg d; cx a, d; "
    "t d; cx b, d; tdg d; h d; t d; cx c, d; tdg d; h d; }",
    "rzx": "gate rzx(theta) a, b { h b; rzz(theta) a, b; h b; }",
    "dcx": "gate dcx a, b { cx a, b; cx b, a; }",
    "r": "gate r(theta, phi) a { u3(theta, phi - pi / 2, pi / 2 - phi) a; }",
    "rcccx": "gate rcccx a, b, c, d { rc3x a, b, c, d; }",
    "xx_plus_yy": "gate xx_plus_yy(theta, beta) a, b { rz(beta) a; sdg b; sx b; s b; s a; cx b, a; "
    "ry(-theta / 2) b; ry(-theta / 2) a; cx b, a; sdg a; sdg b; sxdg b; s b; rz(-beta) a; }",
    "xx_minus_yy": "gate xx_minus_yy(theta, beta) a, b { rz(-beta) b; sdg a; sx a; s a; s b; cx a, b; "
    "ry(theta / 2) a; ry(-theta / 2) b; cx a, b; sdg b; sdg a; sxdg a; s a; rz(beta) b; }",
}

BUILT_IN_2 = frozenset({"U", "CX"})
# What the files define, so that a program may not. Of qelib1.inc only what it had from the beginning:
# programs define for themselves what came later.
QELIB1 = tuple("u3 u2 u1 cx id x y z h s sdg t tdg rx ry rz cz cy ch ccx crz cu1 cu3".split())
STDGATES = frozenset(
    "p x y z h s sdg t tdg sx rx ry rz cx cy cz cp crx cry crz ch swap ccx cswap cu CX phase cphase id u1 u2 "
    "u3".split()
)
ALL = frozenset(_PLAIN) | frozenset(_MADE) | frozenset(BODIES)
MORE = ALL - BUILT_IN_2
PHASE: Gate = Single(GlobalPhase.of(0))


@cache
def single(name: str) -> Gate:
    """The row of this name, as a gate."""
    return Single(rows()[name])
