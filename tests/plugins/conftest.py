"""The tests of an adapter are collected where its SDK is installed: pyquil, for one, needs Python < 3.13."""

from importlib.util import find_spec

SDKS = {
    "test_forest.py": "pyquil",
    "test_forest_quilc.py": "pyquil",
    "test_forest_qvm.py": "pyquil",
    "test_forest_servers.py": "pyquil",
    "test_quil.py": "pyquil",
    "test_qvm_server.py": "pyquil",
    "test_found_sf.py": "strawberryfields",
    "test_cirq.py": "cirq",
    "test_pennylane.py": "pennylane",
    "test_pennylane_vendors.py": "pennylane",
    "test_qiskit.py": "qiskit_aer",
    "test_qiskit_rows.py": "qiskit_aer",
    "test_qiskit_measurements.py": "qiskit_aer",
    "test_qiskit_aer_noise.py": "qiskit_aer",
    "test_qiskit_channels.py": "qiskit_aer",
    "test_qiskit_inside.py": "qiskit_aer",
    "test_qiskit_backend.py": "qiskit_ibm_runtime",
    "test_qiskit_backend_kit.py": "qiskit_aer",
    "test_strawberryfields.py": "strawberryfields",
}
collect_ignore = [file for file, sdk in SDKS.items() if find_spec(sdk) is None]
