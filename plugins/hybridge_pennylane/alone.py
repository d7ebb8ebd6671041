"""PennyLane is entered by one thread at a time.

Its queue of operations belongs to the process: an operator made in one thread is recorded into a queue that
another has open, and a queue swapped meanwhile leaves PennyLane's own lock held for good (0.45.1). So
tapes are made, decomposed and executed under this lock. A user's own calls of PennyLane are not under it.
"""

from threading import RLock

ALONE = RLock()
