"""IBM's cloud as Qiskit Runtime's HTTP client sees it, on this computer: a machine, sessions and jobs.

All above it is Qiskit Runtime's own: IBMBackend, QiskitRuntimeService, Session, Batch, Sampler, RuntimeJobV2.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from ibm_quantum_schemas.common import CompressedTensorModel
from qiskit_ibm_runtime import IBMBackend, QiskitRuntimeService
from qiskit_ibm_runtime.fake_provider.executor.run_quantum_program import run_quantum_program
from qiskit_ibm_runtime.fake_provider.fake_backend import FakeBackendV2
from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS

INSTANCE = "crn:here"


class Cloud:
    """The client of one instance with one machine, a fake backend. A job is done when it is asked about."""

    def __init__(self, machine: FakeBackendV2):
        self.machine = machine
        self.jobs: list[dict[str, Any]] = []
        self.sessions: list[str] = []
        self.broken = False

    def backend_properties(
        self, name: str, datetime: Any = None, calibration_id: Any = None
    ) -> dict[str, Any]:
        return self.machine.properties().to_dict()

    def backend_status(self, name: str) -> dict[str, Any]:
        facts = {"backend_name": name, "backend_version": "1.0.0", "pending_jobs": 0}
        return {**facts, "operational": True, "status_msg": "active"}

    def create_session(self, backend: str, instance: str, max_time: Any, mode: str) -> dict[str, str]:
        self.sessions.append(mode)
        return {"id": f"{mode} {len(self.sessions)}"}

    def close_session(self, session_id: str) -> None:
        self.sessions.append("closed")

    def program_run(self, program_id: str, params: dict[str, Any], **options: Any) -> dict[str, str]:
        self.jobs.append({"program": program_id, "params": params, **options})
        return {"id": f"job-{len(self.jobs)}", "backend": options["backend_name"]}

    def job_get(self, job_id: str, exclude_params: bool = True) -> dict[str, Any]:
        state = (
            {"status": "Failed", "reason": "the fridge is warm"} if self.broken else {"status": "Completed"}
        )
        return {"id": job_id, "state": state}

    def job_results(self, job_id: str) -> str:
        if self.broken:
            return "no results"
        params = self.jobs[int(job_id.removeprefix("job-")) - 1]["params"]
        converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[params["schema_version"]]
        program, options = converter.decoder(converter.model.model_validate(params))
        items = [
            {"results": {name: _tensor(values) for name, values in item.items()}, "metadata": {}}
            for item in run_quantum_program(self.machine, program, options.simulator)
        ]
        sent = params["quantum_program"]
        kept = {name: sent[name] for name in ("passthrough_data", "semantic_role")}
        facts = {"schema_version": params["schema_version"], "metadata": {"chunk_timing": []}}
        return json.dumps({**facts, **kept, "data": items})


def _tensor(values: np.ndarray) -> dict[str, Any]:
    return CompressedTensorModel.from_numpy(values).model_dump()


class Service(QiskitRuntimeService):
    """The service of an account that nobody needs: its client is a Cloud."""

    def __init__(self, cloud: Cloud):
        self._channel = "ibm_quantum_platform"
        self._api_clients = {INSTANCE: cloud}
        self._active_api_client = cloud

    def backend(self, name: str, **options: Any) -> IBMBackend:
        """The machine, whatever its name: an IBMBackend, whose `run` does nothing but raise."""
        cloud = self._active_api_client
        return IBMBackend(cloud.machine.configuration(), self, cloud, INSTANCE)

    def usage(self) -> dict[str, Any]:
        return {}
