"""The examples run without a warning and show what they say."""

from __future__ import annotations

import ast
import importlib.metadata
import itertools
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
from functools import reduce
from pathlib import Path

import networkx
import numpy as np
import pytest

import hybridge as hb
from hybridge import registry as registry_module

EXAMPLES = Path(__file__).parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))
PLUGIN = EXAMPLES / "minimal_plugin"
H2 = json.loads((EXAMPLES / "data" / "h2_sto3g.json").read_text())
PNG = b"\x89PNG\r\n"


def run(folder: Path, *command: str, **environment: str) -> str:
    """What a fresh interpreter prints in this folder; warnings are errors there too."""
    settings = {
        **os.environ,
        "MPLBACKEND": "Agg",
        "OMP_NUM_THREADS": "1",
        "PYTHONIOENCODING": "utf-8",
        **environment,
    }
    arguments = [sys.executable, "-W", "error", *command]
    found = subprocess.run(arguments, cwd=folder, env=settings, capture_output=True, encoding="utf-8")
    assert found.returncode == 0, found.stdout[-5000:] + found.stderr[-5000:]
    assert found.stderr == ""
    return found.stdout


def installed(*names: str) -> list[str]:
    """Those of these devices that are installed: forest has no SDK for Python 3.13."""
    ready = {d.name for d in hb.devices() if d.installed}
    return [name for name in names if name in ready]


def rows(printed: str) -> dict[str, list[str]]:
    """The lines of a printed table by their first cell."""
    cells = [[cell.strip() for cell in re.split("[│┃|]", line)[1:-1]] for line in printed.splitlines()]
    return {line[0]: line[1:] for line in cells if line}


@pytest.fixture
def without_sdks(monkeypatch):
    """As if no vendor's SDK were installed."""
    monkeypatch.setattr(registry_module, "_is_installed", lambda module: False)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_an_example_says_what_is_seen_and_can_be_imported_without_running(script, capsys):
    names = runpy.run_path(str(script), run_name="imported")
    assert "een" in names["__doc__"] and len(names["__doc__"].splitlines()) > 3
    assert callable(names["main"])
    assert capsys.readouterr() == ("", "")


@pytest.mark.usefixtures("qvm")
def test_quickstart_runs_every_exact_device(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "quickstart.py"))
    assert re.search(r"^0: ─.*RX\(0.30\)", printed, re.M) and re.search(r"^0: ─.*S\(", printed, re.M)
    found = rows(printed)
    for device in (d for d in hb.devices() if "exact" in d.results):
        assert device.name in found
        if device.installed:
            assert found[device.name][-1] == "yes"
            assert float(found[device.name][2]) < 1e-6  # the deviation from the first device of its kind


def test_quickstart_says_how_to_install_what_is_missing(without_sdks, capsys):
    runpy.run_path(str(EXAMPLES / "quickstart.py"))["main"]()
    printed = " ".join(re.sub("[│┃]", " ", capsys.readouterr().out).split())
    assert "hybridge[qiskit]" in printed and "failed: device 'qiskit.aer' needs" in printed
    assert "value 0.9" in printed


def test_the_command_line_takes_the_quickstart(tmp_path):
    printed = run(tmp_path, "-m", "hybridge", "draw", f"{EXAMPLES / 'quickstart.py'}:circuit")
    assert "RX(0.30)" in printed


def curve(printed: str) -> dict[int, list[str]]:
    return {int(step): cells for step, cells in rows(printed).items() if step.isdigit()}


def test_the_photon_turns_the_qubit_alike_on_all_devices(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "hybrid_qubit_cv.py"))
    chosen = re.findall(r"^[AB]: photons on (\S+), qubit on (\S+)$", printed, re.M)
    assert chosen[0] == (
        installed("strawberryfields.fock", "default.fock")[0],
        installed("qiskit.aer", "default.qubit")[0],
    )
    assert chosen[1] == ("default.fock", "default.qubit")
    assert float(re.search(r"over all steps: (\S+)", printed)[1]) < 1e-9
    steps = curve(printed)
    assert float(steps[0][0]) > 0.7 and float(steps[40][0]) < -0.99
    assert all(left == right for left, right, *_ in steps.values())
    assert (tmp_path / "build" / "hybrid_qubit_cv.png").read_bytes().startswith(PNG)
    assert "plot: build" in printed


@pytest.mark.parametrize("qubit", installed("forest.numpy", "default.qubit"))
def test_the_photon_turns_the_qubit_on_devices_of_choice(qubit, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "hybrid_qubit_cv.py"))["main"](["--cv", "default.fock", "--qubit", qubit])
    assert f"A: photons on default.fock, qubit on {qubit}" in capsys.readouterr().out


def test_without_sdks_the_photon_stays_at_home(without_sdks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "hybrid_qubit_cv.py"))["main"]([])
    assert "A: photons on default.fock, qubit on default.qubit" in capsys.readouterr().out


def test_vqe_finds_the_ground_state_on_every_device(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "vqe_h2.py"))
    found = rows(printed)
    assert {"default.qubit", "qiskit.aer"} & set(found) >= set(installed("default.qubit", "qiskit.aer"))
    for name in installed("default.qubit", "qiskit.aer", "forest.numpy"):
        start, end, error, _ = map(float, found[name])
        assert abs(start - H2["hartree_fock_energy"]) < 1e-6
        assert abs(end - H2["fci_energy"]) < 1e-3 and abs(error) < 1.0
    assert (tmp_path / "build" / "vqe_h2.png").read_bytes().startswith(PNG)


def test_vqe_says_how_to_install_what_is_missing(without_sdks, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / "vqe_h2.py"))["main"]()
    printed = capsys.readouterr().out
    assert rows(printed)["qiskit.aer"][-1] == "not installed"
    assert "pip install 'hybridge[qiskit]'" in printed


def test_the_coefficients_of_h2_are_those_of_its_integrals():
    """The Jordan-Wigner coefficients of Seeley, Richard and Love from the integrals of Whitfield et al."""
    h = H2["integrals"]
    exchange = h["h0202"]
    single = {
        "Z0": -h["h00"] / 2 - (h["h0110"] + 2 * h["h0220"] - exchange) / 4,
        "Z2": -h["h22"] / 2 - (h["h2332"] + 2 * h["h0220"] - exchange) / 4,
    }
    expected = {
        "": h["h00"] + h["h22"] + (h["h0110"] + h["h2332"]) / 4 + h["h0220"] - exchange / 2,
        **single,
        "Z1": single["Z0"],
        "Z3": single["Z2"],
        "Z1 Z0": h["h0110"] / 4,
        "Z2 Z0": (h["h0220"] - exchange) / 4,
        "Z2 Z1": h["h0220"] / 4,
        "Z3 Z0": h["h0220"] / 4,
        "Z3 Z1": (h["h0220"] - exchange) / 4,
        "Z3 Z2": h["h2332"] / 4,
        "X3 X2 Y1 Y0": -exchange / 4,
        "X3 Y2 Y1 X0": exchange / 4,
        "Y3 X2 X1 Y0": exchange / 4,
        "Y3 Y2 X1 X0": -exchange / 4,
    }
    terms = {word: coefficient for coefficient, word in H2["electronic_terms"]}
    assert terms.keys() == expected.keys()
    for word, coefficient in terms.items():
        assert coefficient == pytest.approx(expected[word], abs=5e-7), word  # as many figures as are printed
    assert H2["nuclear_repulsion"] == pytest.approx(1 / H2["bond_length"], abs=1e-15)


def test_the_energies_of_h2_are_those_of_exact_diagonalisation():
    """Written out with kron, independent of hybridge; the ground state has two electrons."""
    letters = {"X": [[0, 1], [1, 0]], "Y": [[0, -1j], [1j, 0]], "Z": [[1, 0], [0, -1]]}

    def matrix(word: str) -> np.ndarray:
        placed = {int(place[1:]): np.array(letters[place[0]]) for place in word.split()}
        return reduce(np.kron, [placed.get(k, np.eye(2)) for k in range(4)], np.eye(1))

    total = sum(c * matrix(word) for c, word in H2["electronic_terms"]) + H2["nuclear_repulsion"] * np.eye(16)
    values, vectors = np.linalg.eigh(total)
    electrons = sum((np.eye(16) - matrix(f"Z{k}")) / 2 for k in range(4))
    ground = vectors[:, 0]
    assert values[0] == pytest.approx(H2["fci_energy"], abs=1e-12)
    assert values[0] == pytest.approx(-1.137, abs=5e-4)
    assert (ground.conj() @ electrons @ ground).real == pytest.approx(2)
    assert total[0b1100, 0b1100].real == pytest.approx(H2["hartree_fock_energy"], abs=1e-12)
    h = H2["integrals"]
    assert H2["hartree_fock_energy"] == pytest.approx(
        2 * h["h00"] + h["h0110"] + H2["nuclear_repulsion"], abs=1e-9
    )
    model = runpy.run_path(str(EXAMPLES / "vqe_h2.py"), run_name="imported")
    assert np.allclose(model["ENERGY"].matrix(range(4)), total, atol=1e-12)


def test_qaoa_finds_the_largest_cut_by_every_method(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "qaoa_maxcut.py"))
    found = rows(printed)
    start = float(found["(start)"][0])
    for name in ("BFGS", "adam", "rotosolve", "spsa"):
        assert start + 0.5 < float(found[name][0]) < 10
    cut = re.search(r"best cut in 200 samples: (\d+), of size 10;", printed)[1]
    graph = runpy.run_path(str(EXAMPLES / "qaoa_maxcut.py"), run_name="imported")["GRAPH"]
    assert networkx.cut_size(graph, {node for node, bit in enumerate(cut) if bit == "1"}) == 10
    sides = itertools.product((False, True), repeat=8)
    assert 10 == max(networkx.cut_size(graph, set(itertools.compress(range(8), s))) for s in sides)


def test_noisy_vqe_is_the_same_on_every_simulator_of_noise(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "noisy_vqe.py"))
    (ground,) = (float(x) for x in re.findall(r"ground state: (\S+)", printed))
    found = [tuple(map(float, pair)) for pair in re.findall(r"clean (\S+), on the machine (\S+)", printed)]
    (clean, as_found), (_, trained) = found
    assert abs(clean - ground) < 5e-3 < trained - ground
    assert trained < as_found - 0.01  # noise moves the best angles
    assert "the devices agree: True" in printed


def test_eigensolvers_in_lockstep_come_down_to_the_ground_state(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "vqe_batched.py"))
    steps = curve(printed)
    fci = H2["fci_energy"]
    for path in (0, 3):
        best, median, worst = (
            np.array([float(cells[path + k]) for cells in steps.values()]) for k in range(3)
        )
        assert (best <= median).all() and (median <= worst).all() and (best > fci - 1e-5).all()
        assert median[0] > -0.5 and best[-1] < fci + 2e-3 and worst[-1] < fci + 0.05
    assert [int(n) >= 15 for n in re.findall(r"(\d+) of 24 starts within 5 mHa", printed)] == [True, True]
    for share in re.findall(r"the best one has \|1100> (\S+)%", printed):
        assert 96 < float(share) < 100
    assert (tmp_path / "build" / "vqe_batched.png").read_bytes().startswith(PNG)


def test_the_kernel_machine_divides_what_no_line_divides(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "kernel_svm.py"))
    found = rows(printed)
    assert float(found["linear"][1]) < 0.75
    for name in ("fidelity, exact", "fidelity, 500 shots"):
        assert all(float(score) > 0.9 for score in found[name])
    [(error, bound)] = re.findall(r"fidelity: (\S+); .* up to (\S+)", printed)
    assert 0 < float(error) < 6 * float(bound)
    assert (tmp_path / "build" / "kernel_svm.png").read_bytes().startswith(PNG)


def test_the_kernel_is_the_fidelity_of_the_states_from_one_job():
    """The states written out with kron, independent of hybridge."""
    model = runpy.run_path(str(EXAMPLES / "kernel_svm.py"), run_name="imported")
    node = model["overlap"]
    with hb.Tracker(node.device) as tracker:
        square, across = model["kernels"](node)
    assert tracker.totals["jobs"] == 1

    def state(x):
        ket, hadamards = np.eye(4)[0], np.kron([[1, 1], [1, -1]], [[1, 1], [1, -1]]) / 2
        z, w = np.array([1, 1, -1, -1]), np.array([1, -1, 1, -1])
        for _ in range(2):
            ket = np.exp(-1j * (x[0] * z + x[1] * w + x[2] * z * w)) * (hadamards @ ket)
        return ket

    train, test = (np.array([state(x) for x in model["angles"](model[name])]) for name in ("TRAIN", "TEST"))
    assert np.allclose(square, np.abs(train.conj() @ train.T) ** 2, atol=1e-12)
    assert np.allclose(across, np.abs(test.conj() @ train.T) ** 2, atol=1e-12)


def test_jax_trains_a_circuit_of_each_kind_faster_where_it_is_compiled(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "jax_jit.py"))
    assert int(re.search(r"compiled, a step is (\d+) times as fast", printed)[1]) > 3
    assert "jobs of a step for 60 points: 2 qubits, 2 light" in printed
    lines = [line.split() for line in printed.splitlines() if re.match(r" +\d", line)]
    losses, right = [float(line[1]) for line in lines], [int(line[2].rstrip("%")) for line in lines]
    assert losses[-1] < 0.4 * losses[0] and right[-1] >= 90


def test_a_network_with_qubits_and_light_reads_digits(tmp_path):
    printed = run(tmp_path, str(EXAMPLES / "torch_hybrid.py"), "--plot", "here/digits.png")
    losses = [float(line[0]) for epoch, line in rows(printed).items() if epoch.isdigit()]
    assert len(losses) == 12 and losses[-1] < losses[0] / 10
    assert float(re.search(r"test accuracy: (\S+)", printed)[1]) > 0.95
    # each of 11 batches is a job forward and one back; then both sets of images are looked at
    assert f"jobs: {12 * (2 * 11 + 2)} of the qubits, {12 * (2 * 11 + 2)} of the light" in printed
    assert (tmp_path / "here" / "digits.png").read_bytes().startswith(PNG)


def test_the_minimal_plugin_is_small_and_uses_its_one_door():
    source = (PLUGIN / "minimal_plugin.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    assert len((PLUGIN / "README.md").read_text(encoding="utf-8").splitlines()) <= 10
    tree = [node for node in ast.walk(ast.parse(source)) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {n.module if isinstance(n, ast.ImportFrom) else alias.name for n in tree for alias in n.names}
    assert modules - sys.stdlib_module_names - {"collections.abc"} == {"numpy", "hybridge.plugin"}


def install(folder: Path) -> None:
    """The plugin as pip would lay it out: modules, and a dist-info with the pyproject's entry points."""
    project = tomllib.loads((PLUGIN / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for module in PLUGIN.glob("*.py"):
        (folder / module.name).write_text(module.read_text(encoding="utf-8"), encoding="utf-8")
    info = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    named = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(named)
    [(group, points)] = project["entry-points"].items()
    assert group == registry_module.GROUP
    (info / "entry_points.txt").write_text(
        "\n".join([f"[{group}]", *(f"{k} = {v}" for k, v in points.items())])
    )


def test_the_minimal_plugin_is_found_by_its_name(tmp_path):
    install(tmp_path)
    code = (
        "import hybridge as hb, sys; print([d.status for d in hb.devices() if d.name == 'minimal.qubit']); "
        "print(hb.device('minimal.qubit', wires=2))"
    )
    assert run(tmp_path, "-c", code).splitlines() == ["['installed']", "<minimal.qubit wires=2 shots=None>"]


def kit(folder: Path) -> dict[str, int]:
    """How the conformance kit ends on the plugin in this folder, at the third failure: {"passed": n, ...}."""
    options = ["-q", "-W", "error", "-p", "no:cacheprovider", "--tb=no", "--maxfail=3"]
    command = [sys.executable, "-m", "pytest", *options, "test_minimal_plugin.py"]
    settings = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1", "PYTEST_ADDOPTS": ""}
    found = subprocess.run(command, cwd=folder, env=settings, capture_output=True, encoding="utf-8")
    summary = next((line for line in found.stdout.splitlines() if re.match(r"\d+ \w+.* in ", line)), "")
    return {word: int(number) for number, word in re.findall(r"(\d+) (\w+)", summary)}


def test_the_minimal_plugin_passes_the_conformance_kit(tmp_path):
    install(tmp_path)
    ended = kit(tmp_path)
    assert set(ended) == {"passed"} and ended["passed"] > 500


def test_a_faulty_plugin_fails_the_conformance_kit(tmp_path):
    install(tmp_path)
    path = tmp_path / "minimal_plugin.py"
    sound = path.read_text(encoding="utf-8")
    path.write_text(sound.replace("[1 + w for w in wires]", "sorted(1 + w for w in wires)"), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != sound
    assert kit(tmp_path)["failed"] == 3


def test_the_plugin_is_not_installed_here():
    """What the tests above find is what they put there."""
    points = importlib.metadata.entry_points(group=registry_module.GROUP)
    assert "minimal" not in {p.name for p in points}
