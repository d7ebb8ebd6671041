"""The tests of an adapter are collected where its SDK is installed: pyquil, for one, needs Python < 3.13."""

from importlib.util import find_spec

SDKS = {
    "test_forest*.py": "pyquil",
    "test_quil*.py": "pyquil",
    "test_qvm*.py": "pyquil",
    "test_strawberryfields*.py": "strawberryfields",
    "test_sf*.py": "strawberryfields",
    "test_found_sf*.py": "strawberryfields",
    "test_blackbird*.py": "strawberryfields",
    "test_cirq*.py": "cirq",
    "test_pennylane*.py": "pennylane",
    "test_qiskit*.py": "qiskit_aer",
    "test_qiskit_backend*.py": "qiskit_ibm_runtime",
    "test_qiskit_runtime*.py": "qiskit_ibm_runtime",
    "test_qasm*_qiskit*.py": "qiskit_aer",
    "test_channels_oracle*.py": "qiskit_aer",
}
collect_ignore_glob = [files for files, sdk in SDKS.items() if find_spec(sdk) is None]
