"""The kit's items for derivatives: of one number, a shared one, a batch, and the second."""

from __future__ import annotations

from typing import Any

import numpy as np

from hybridge.circuit import Measurement
from hybridge.conformance import reference
from hybridge.conformance.items import over
from hybridge.conformance.models import Model
from hybridge.conformance.under_test import DeviceUnderTest, close, columns
from hybridge.interfaces.derivatives import hessian, jacobian
from hybridge.pytree import flatten


class DerivativeItems(DeviceUnderTest):
    """Gradients of the sample circuits, against differences of the reference."""

    @over(model="SMOOTH")
    def test_gradient(self, model: Model) -> None:
        """Every derivative of every result, the exact way."""
        self.derivatives_agree(model.on(range(model.num_wires)), model.point, wires=model.num_wires)

    @over(model="SMOOTH")
    def test_gradient_of_a_shared_parameter(self, model: Model) -> None:
        """One number in several places: the chain rule over all of them."""
        function, scales = model.on(range(model.num_wires)), np.linspace(0.6, 1.1, len(model.point))
        centre = float(np.mean(model.point))
        shift = np.array(model.point) - centre * scales

        def shared(x: Any) -> Any:
            return function([x[0] * s + t for s, t in zip(scales, shift, strict=True)])

        self.derivatives_agree(shared, [centre], wires=model.num_wires, tolerance=4 * self.gradient_tolerance)

    @over(model="SMOOTH")
    def test_gradient_of_a_batch(self, model: Model) -> None:
        """Each row's derivative is its own, and 0 in the other rows' numbers."""
        function = model.on(range(model.num_wires))
        node = self.node(function, model.num_wires)
        points = np.array(model.point)[:, None] + np.array([0.0, 0.06])
        found = flatten(jacobian(node)(points))[0]  # (2, *value, n, 2)
        if not node.device.capabilities.exact:
            return self.derivatives_agree(function, model.point, wires=model.num_wires)
        for row, other in ((0, 1), (1, 0)):
            exact = reference.jacobian(lambda x: columns(self.expected(node, x)), points[:, row])
            own = np.concatenate([np.reshape(v[row][..., row], (-1, len(points))) for v in found])
            close(own, exact, self.gradient_tolerance, f"the gradient of row {row}")
            assert all(not np.any(v[row][..., other]) for v in found)

    @over(model="SMOOTH")
    def test_hessian(self, model: Model) -> None:
        """The second derivative is the shift rule of the shift rule, and symmetric."""
        function, rest = model.on(range(model.num_wires)), model.point[2:]
        node = self.node(
            lambda x: flatten(function([x[0], x[1], *rest]), (Measurement,))[0][0], model.num_wires
        )
        if not node.device.capabilities.exact:
            return self.derivatives_agree(function, model.point, wires=model.num_wires)
        point = np.array(model.point[:2])
        found = hessian(node)(point)
        exact = reference.hessian(lambda x: np.asarray(self.expected(node, x)[0]), point)
        close(found, exact, self.hessian_tolerance, "the Hessian")
        close(found, np.swapaxes(found, -1, -2), self.hessian_tolerance, "the Hessian, mirrored")
