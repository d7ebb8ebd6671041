"""Numbers of numpy and autograd on the left of an observable: `theta * Z(0)` is `Z(0).__rmul__(theta)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_REFLECTED: dict[np.ufunc, Callable[[Any, Any], Any]] = {
    np.multiply: lambda observable, number: observable.__rmul__(number),
    np.add: lambda observable, number: observable.__radd__(number),
    np.subtract: lambda observable, number: observable.__rsub__(number),
}


def left_arithmetic(observable: Any, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
    """To be a class's `__array_ufunc__`; numpy would else treat the observable as an array of objects."""
    reflected = _REFLECTED.get(ufunc)
    if method != "__call__" or reflected is None or options or inputs[1] is not observable:
        return NotImplemented
    return reflected(observable, inputs[0])
