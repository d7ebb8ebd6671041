"""autograd's numpy, as `from hybridge import numpy as np`: numpy whose functions can be differentiated."""

from autograd.numpy import *  # noqa: F403
from autograd.numpy import fft, linalg, random

__all__ = [name for name in dir() if not name.startswith("_")] + ["fft", "linalg", "random"]
