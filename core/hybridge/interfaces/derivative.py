"""A derivative as a function that knows what it is of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from hybridge.errors import GradientError

Argnums = int | Sequence[int]


@dataclass(frozen=True, eq=False, repr=False)
class Derivative:
    """What hb.grad, hb.value_and_grad and hb.jacobian return: called where `f` is, it differentiates it.

    `kind` is the name of the one that made it; `compute(f, argnums, args, kwargs)` does the work.
    """

    kind: str
    f: Callable[..., Any]
    argnums: Argnums
    compute: Callable[..., Any]
    # by which tf.function knows what it is not to rewrite
    autograph_info__: ClassVar[None] = None

    def __post_init__(self) -> None:
        if not callable(self.f):
            raise GradientError(
                "the function",
                f"hb.{self.kind} needs a function; got {type(self.f).__name__} {self.f!r}",
                f"differentiate the function, then call: hb.{self.kind}(circuit)(0.3)",
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.compute(self.f, self.argnums, args, kwargs)

    def __repr__(self) -> str:
        return f"<{self.kind} of {self.f!r} argnums={self.argnums!r}>"
