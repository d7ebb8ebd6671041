"""What takes a number off its trace, told in words: Python and autograd name only their own types."""

from __future__ import annotations

import re

from hybridge.errors import GradientError, HybridgeError

BOX = re.compile(r"\b(Entry|ArrayBox)\b")
OTHER = re.compile("Can't (differentiate w.r.t. type|find vector space)")  # autograd of what it does not know


class Untraced:
    """A block in which a function sees numbers that are differentiated: what it may not do with them is a
    GradientError."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type | None, error: BaseException | None, where: object) -> None:
        if not isinstance(error, (TypeError, AttributeError)) or isinstance(error, HybridgeError):
            return
        text = str(error)
        if OTHER.search(text):
            reason = f"the function calculates with it and with something else than numbers ({text})"
            raise GradientError("a number of the function", reason, "make numpy arrays of it") from error
        if not BOX.search(text):
            return
        if "item assignment" in text or "__setitem__" in text:
            reason = "the function assigns to entries of an array that is differentiated"
            remedy = "make a new array of them: np.array([...]) or np.concatenate of hybridge.numpy"
        else:
            reason = f"the function asks for a plain number in place of one that is differentiated ({text})"
            remedy = "calculate with the functions of hybridge.numpy, and without float() and int()"
        raise GradientError("a number of the function", reason, remedy) from error
