"""What holds for every test: TensorFlow says nothing of the machine it finds when it is imported."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
