"""A fitted person before and after a lesion, under the same noise."""

from pathlib import Path

import numpy as np

from cubnm_core import lesion, to_matrix
from cubnm_core.errors import InputError
from workflow_scripts.cohort import tables
from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.terminal.fitted_person import fitted_person

_SHOWN = 5  # regions whose FC changes most


def simulate_lesion(results, unit, fit, nodes=(), edges=(), share=1.0, seeds=5, first_seed=0):
    """Simulate a fitted person with and without a lesion; inhibitory weights stay as they were fitted.

    Parameters
    ----------
    results, unit, fit
        As of :func:`workflow_scripts.terminal.fitted_person.simulate_person`.
    nodes : sequence of str
        Labels of regions that lose their connections.
    edges : sequence of (str, str)
        Connections that are lost.
    share : float
        Of the weights that is lost.
    seeds, first_seed : int
        Noise seeds, the same before and after.

    Returns
    -------
    dict of str to array
        ``before`` and ``after``, FC (seeds, N, N), NaN for pairs that were left out; ``labels`` (N,).

    Raises
    ------
    InputError
        For an unknown label, and whatever `simulate_person` refuses.
    """
    person = fitted_person(results, unit, fit)
    labels = [row["label"] for row in tables.read_nodes(Path(results) / "cohort" / "nodes.tsv")]
    places = {label: place for place, label in enumerate(labels)}
    for label in [*nodes, *(end for edge in edges for end in edge)]:
        if label not in places:
            raise InputError(f"{label!r} is no region of the cohort{suggestion(label, places)}")
    hurt = lesion(
        person.weights,
        [places[label] for label in nodes],
        [(places[one], places[other]) for one, other in edges],
        share,
    )
    numbers = np.arange(first_seed, first_seed + seeds)
    runs = [
        person.simulate(weights, seed=numbers, record=("fc", "state_means"))
        for weights in (person.weights, hurt)
    ]
    sides = None if person.interhemispheric else person.hemispheres
    before, after = (to_matrix(run.fc, hemispheres=sides) for run in runs)
    return {"before": before, "after": after, "labels": np.array(labels)}


def describe(found, hurt):
    """Say what a lesion changes: lines.

    Parameters
    ----------
    found : dict
        As of :func:`simulate_lesion`.
    hurt : sequence of str
        Labels of lesioned regions, which are not told among those that change most.
    """
    change = found["after"] - found["before"]
    np.einsum("sii->si", change)[...] = np.nan
    mean, scatter = np.nanmean(change, axis=(1, 2)), np.nanmean(change, axis=(0, 2))
    order = [place for place in np.argsort(-np.abs(scatter)) if found["labels"][place] not in hurt]
    before, after = (np.nanmean(_off(found[side])) for side in ("before", "after"))
    spread = mean.std(ddof=1) if len(mean) > 1 else 0.0
    lines = [
        f"mean FC {before:.3f} before, {after:.3f} after",
        f"change {mean.mean():+.4f}, SD over {len(mean)} noise seeds {spread:.4f}",
        "mean FC of a region changes most in:",
    ]
    return lines + [f"  {found['labels'][place]}: {scatter[place]:+.4f}" for place in order[:_SHOWN]]


def _off(matrices):
    matrices = matrices.copy()
    np.einsum("sii->si", matrices)[...] = np.nan
    return matrices
