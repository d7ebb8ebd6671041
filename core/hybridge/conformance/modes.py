"""What every CV device must do, Gaussian or cut off; hbar = 2."""

from hybridge.conformance.light_conditioning import LightConditioning
from hybridge.conformance.light_derivatives import LightDerivatives
from hybridge.conformance.light_measurements import LightMeasurements
from hybridge.conformance.light_rows import LightRows
from hybridge.conformance.light_samples import LightSamples
from hybridge.conformance.light_shots import LightShots
from hybridge.conformance.lossy import NoisyModes


class ModesConformance(
    LightShots, LightDerivatives, LightMeasurements, LightRows, LightSamples, LightConditioning, NoisyModes
):
    """The kit's items for a CV device, whatever its representation."""
