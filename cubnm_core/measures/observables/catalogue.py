"""The observables there are, by name."""

from cubnm_core.measures.observables import edges, gradients, lags, parts, phases, spectra
from cubnm_core.measures.observables.observable import (
    Observable,
    difference,
    disagreement,
    largest_gap,
    mean_of_distribution,
    mean_value,
    relative_difference,
)

_DIFFERENCE = "absolute difference"
_MEAN_DIFFERENCE = "mean absolute difference"
_RELATIVE = "sum of absolute differences over the sum of both"
_GAP = "Kolmogorov-Smirnov distance"

#: Observable by name, always in one order.
OBSERVABLES = {
    each.name: each
    for each in (
        Observable(
            "synchrony", "Synchrony", phases.synchrony, difference, _DIFFERENCE, 1.0,
            mean_value, "mean of the order parameter", "1", "10.1038/s41598-017-03073-5",
        ),
        Observable(
            "metastability", "Metastability", phases.metastability, difference, _DIFFERENCE, 0.5,
            mean_value, "SD of the order parameter over time", "1", "10.1038/s41598-017-03073-5",
        ),
        Observable(
            "phase_fcd", "Phase FCD", phases.phase_fcd, largest_gap, _GAP, 1.0,
            mean_of_distribution, "mean similarity of phase patterns", "1", "10.1073/pnas.1905534116",
        ),
        Observable(
            "edge_amplitude", "Edge time series", edges.edge_amplitude, relative_difference, _RELATIVE, 1.0,
            mean_value, "mean amplitude over edges", "1", "10.1038/s41593-020-00719-y",
        ),
        Observable(
            "edge_fcd", "Edge FCD", edges.edge_fcd, largest_gap, _GAP, 1.0,
            mean_of_distribution, "mean similarity of edge patterns", "1", "10.1523/ENEURO.0283-21.2021",
        ),
        Observable(
            "lagged_covariance", "Lagged covariance", lags.lagged_covariance, disagreement,
            "1 minus the correlation over ordered pairs", 2.0,
            mean_value, "mean over ordered pairs", "1", "10.1371/journal.pcbi.1004762",
        ),
        Observable(
            "power_spectrum", "Power spectrum", spectra.power_spectrum, relative_difference, _RELATIVE, 1.0,
            spectra.mean_frequency, "mean frequency", "Hz", "10.1109/TAU.1967.1161901",
        ),
        Observable(
            "timescales", "Intrinsic time scales", lags.timescales, relative_difference, _RELATIVE, 1.0,
            mean_value, "mean over regions", "s", "10.7554/eLife.42256",
        ),
        Observable(
            "network_fc", "FC of networks", parts.network_fc, difference, _MEAN_DIFFERENCE, 2.0,
            mean_value, "mean over pairs of networks", "1", "10.1152/jn.00338.2011",
            pool=parts.pool_correlations, needs="networks",
        ),
        Observable(
            "homotopic_fc", "Homotopic FC", parts.homotopic_fc, difference, _MEAN_DIFFERENCE, 2.0,
            mean_value, "mean over regions", "1", "10.1523/JNEUROSCI.2612-10.2010",
            pool=parts.pool_correlations, needs="homologues",
        ),
        Observable(
            "fc_gradients", "FC gradients", gradients.fc_gradients, gradients.misalignment,
            "1 minus the mean correlation of three aligned gradients", 1.0,
            gradients.first_range, "range of the first gradient", "1", "10.1073/pnas.1608282113",
            pool=gradients.pool_gradients,
        ),
    )
}  # fmt: skip
