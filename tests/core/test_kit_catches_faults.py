"""The conformance kit fails on every planted fault, and on nothing else."""

from __future__ import annotations

import pytest
from light_faults import FOCK, GAUSSIAN, MODES
from planted_faults import Fault, Native, Sampling, failures, kit
from qubit_faults import NATIVE, QUBIT, SAMPLING

from hybridge.conformance import FockConformance, GaussianConformance, QubitConformance, items
from hybridge.errors import PluginError
from hybridge.operations.table import FAMILIES, ROWS
from hybridge_default.fock import DefaultFock
from hybridge_default.gaussian import DefaultGaussian
from hybridge_default.qubit_numpy import PlainQubit

# The items that find a fault, by its name or its last word; else it shows in every circuit.
FOUND_BY = {
    **{row: f"test_row[{row}" for row in (*ROWS, *FAMILIES)},
    "wires of CRY swapped": "test_row[CRY",
    "wires of SingleExcitation swapped": "test_row[SingleExcitation",
    "wires of three-wire gates reversed": "test_row[Toffoli",
    "sign of RX": "test_model",
    "parameters of Rot swapped": "test_row[Rot",
    "parameters of U3 turned round": "test_row[U3",
    "parameters of CRot swapped": "test_row[CRot",
    "ISWAP without i": "test_row[ISWAP",
    "CPhaseShift10 as CPhaseShift01": "test_row[CPhaseShift10",
    "SX as RX(pi/2): a phase less": "test_row[SX",
    "CZ as CNOT": "test_row[CZ",
    "adjoint dropped": "test_adjoint",
    "powers dropped": "test_power",
    "control values dropped": "test_ctrl",
    "control values of MultiControlledX dropped": "test_row[MultiControlledX",
    "ket with its bits reversed": "test_row[StatePrep",
    "preparations on the first wires": "test_preparations_beside",
    "global phase dropped": "test_the_state_has_its_phase",
    "batch rows shuffled": "test_a_batch_is_its_rows",
    "every row the first": "test_rows_of_a_batch",
    "a stale result": "test_results_do_not_depend",
    "a stale program": "test_constants_are_part",
    "numbers shared between threads": "test_two_threads",
    "the global seed set": "test_the_process",
    "a claimed row that it cannot run": "test_row[ECR",
    "no pickle": "test_a_device_is_pickled",
    "a claim of no row": "test_what_is_claimed_is_in_the_table",
    "vjp with the other sign": "test_gradient",
    "vjp of the first row for all": "test_gradient_of_a_batch",
    "bits of sorted wires": "test_samples_of_wires",
    "always the same seed": "test_every_call_draws_anew",
    "the seed ignored": "test_the_seed_fixes",
    "a tenth of the shots drawn": "test_samples_have",
    "one shot repeated": "test_shots_differ",
    "a hidden number of shots": "test_as_many_samples",
    "the first task's shots for all": "test_tasks_of_a_job",
    "a readout error of 3 %": "test_samples_have",
    "wires sampled one by one": "test_shots_are_read_jointly",
    "one stream for every row": "test_samples_of_a_batch",
    "modes of ControlledAddition swapped": "test_cross_moments",
    "parameters of DisplacedSqueezedState swapped": "test_row[DisplacedSqueezedState",
    "transmission of amplitudes": "test_row[LossChannel",
    "U transposed": "test_row[QubitUnitary",
    "interferometer transposed": "test_row[InterferometerUnitary",
    "U conjugated": "test_row[InterferometerUnitary",
    "a preparation that keeps what was there": "test_preparing_a_mode_again",
    "no noise with the loss": "test_row[LossChannel",
    "GaussianState in the order x1, p1": "test_row[GaussianState",
    "parity of CatState ignored": "test_row[CatState",
    "axes of a ket reversed": "test_a_pure_state",
    "density matrices transposed": "test_a_mixed_state",
    "lost norm hidden": "test_too_low_a_cutoff",
    "axes of FockStateVector swapped": "test_state_vectors",
    "loss ignored": "test_row[LossChannel",
    "photons of FockState in the wrong modes": "test_row[FockState",
    "modes swapped where the second is 0": "test_cross_moments",
    "wires swapped where the second is 0": "test_row[CNOT",
    "sign of Rotation": "test_model",
    "sign of TwoModeSqueezing": "test_model",
}
FAULTS = [
    Fault(f"{title}: {name}", base, hooks, FOUND_BY.get(name) or FOUND_BY.get(name.split()[-1], "test_model"))
    for title, base, faults in (
        ("qubit", PlainQubit, QUBIT),
        ("native", Native, NATIVE),
        ("sampling", Sampling, SAMPLING),
        ("Gaussian", DefaultGaussian, [*MODES, *GAUSSIAN]),
        ("Fock", DefaultFock, [*MODES, *FOCK]),
    )
    for name, hooks in faults
]


# what finds the faults of a base must find nothing in it
BEGINNINGS = {
    base: sorted({fault.found_by for fault in FAULTS if fault.base is base})
    for base in (PlainQubit, DefaultGaussian, DefaultFock)
}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_planted_fault_is_caught(fault):
    assert next(failures(kit(fault.device(), fault.base), fault.found_by), None) is not None


@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("base", [Native, Sampling])
def test_nothing_is_caught_where_nothing_is_wrong(base, part):
    for item in list(items(kit(base, base)))[part::16]:  # a quarter of the kit, in four parts for the workers
        item.run()


@pytest.mark.parametrize("base, beginnings", BEGINNINGS.items())
def test_the_hooks_alone_are_no_fault(base, beginnings):
    owner = kit(Fault("none", base, {}, "").device(), base)
    for beginning in beginnings:
        assert [(name, str(error)) for name, error in failures(owner, beginning)] == []


def test_a_looser_tolerance_needs_its_reason():
    type("Fine", (QubitConformance,), {"tolerance": 1e-4, "reason": "single precision"})
    type("Tighter", (QubitConformance,), {"tolerance": 1e-10})
    for looser in ({"tolerance": 1e-4}, {"gradient_tolerance": 1e-2}, {"loose": {"RX": (1e-3, "")}}):
        with pytest.raises(PluginError, match="reason"):
            type("Loose", (QubitConformance,), looser)


@pytest.mark.parametrize(
    "owner, least", [(QubitConformance, 900), (GaussianConformance, 400), (FockConformance, 400)]
)
def test_the_kit_is_large_and_its_items_have_names(owner, least):
    names = [item.name for item in items(owner)]
    assert len(set(names)) == len(names) >= least
