"""Rule `person_figures`: connectivity, convergence and regional read-outs of the people of a batch."""

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from cubnm_core.measures.connectivity import pair_indices
from workflow_scripts.files import job
from workflow_scripts.files.archives import by_split
from workflow_scripts.files.arrays import ArrayFile
from workflow_scripts.files.damage import DamagedArray
from workflow_scripts.files.result_tables import read_table
from workflow_scripts.report import drawings, expected_planes
from workflow_scripts.report.figures import connectivity, convergence, regional
from workflow_scripts.report.figures.style import picture
from workflow_scripts.report.sections.regional import regional_means

logger = logging.getLogger(__name__)
SPLITS = {"train": "training", "test": "held-out"}


def main(sm):
    """Draw what the pages of people show."""
    job.start(sm)
    batch = Batch(sm)
    drawings.write(sm.output[0], ((unit, batch.pictures(unit)) for unit in batch.units))
    logger.info("%d people drawn", len(batch.units))


class Batch:
    """What is drawn of the people of a batch.

    Parameters
    ----------
    sm : object
        Inputs and parameters of the rule `person_figures`, as Snakemake gives them.
    """

    def __init__(self, sm):
        self.units = [ids["unit"] for ids in sm.params.units]
        self.fits, self.pairs = list(sm.params.fits), sm.params.analysis["pairs"]
        self.targets = by_split(sm.input.targets, sm.params.splits)
        self.nodes = read_table(sm.input.nodes)
        self.simulations = dict(zip(self.fits, sm.input.simulations, strict=True))
        self.convergence = _by_fit(self.fits, sm.input.convergence)
        self.states = _by_fit(self.fits, sm.input.states)
        self.planes = {
            Path(path).parent.name: expected_planes.read([path]) for path in getattr(sm.input, "expected", [])
        }

    def pictures(self, unit):
        """Pictures of a unit by their place on its page; those that cannot be drawn are omitted."""
        found = {"connectivity": self._connectivity(unit)}
        for fit in self.fits:
            found[f"convergence/{fit}"] = self._convergence(unit, fit)
            found[f"regional/{fit}"] = self._regional(unit, fit)
            found[f"expected/{fit}"] = expected_planes.person_picture(self.planes.get(fit), unit, fit)
        return {place: drawn for place, drawn in found.items() if drawn}

    def _connectivity(self, unit):
        """Empirical and simulated, of the held-out scan, or the training scan without one."""
        split = next((name for name in ("test", "train") if name in self.targets), None)
        empirical = self._target(unit, split)
        simulated = {fit: self._simulation(unit, fit, empirical) for fit in self.fits}
        simulated = {fit: run for fit, run in simulated.items() if "fc" in run}
        if "fc" not in empirical or not simulated:
            return None
        hemispheres = self.nodes["hemisphere"].to_numpy() if "hemisphere" in self.nodes else None
        pair_index = _pair_index(len(empirical["fc"]), hemispheres, self.pairs)
        if pair_index is None:
            return None
        if hemispheres is not None and len(hemispheres) != pair_index[0].max() + 1:
            hemispheres = None
        alt = f"{unit}: empirical and simulated FC and FCD matrices, scatter of FC, FCD distributions"
        shown = (empirical, simulated, pair_index, hemispheres, SPLITS[split], self.fits)
        return picture(connectivity.person, *shown, alt=alt)

    def _target(self, unit, split):
        """Empirical FC and FCD; `windows` where the FCD is of one run, and so a matrix."""
        try:
            arrays = self.targets[split].arrays(unit)
        except DamagedArray as error:
            logger.warning("the scans of %s are not drawn: %s", unit, error)
            return {}
        windows = self.targets[split].records[unit].get("windows")
        return arrays | _windows(arrays, windows)

    def _simulation(self, unit, fit, empirical):
        """FC and FCD of the simulation of median cost, as far as saved, and the `windows` of a matrix."""
        with ArrayFile(self.simulations[fit]) as file:
            file.check_names()
            names = {name: f"{unit}/{name}" for name in ("fc", "fcd")}
            arrays = {short: file.read(name) for short, name in names.items() if name in file.names}
        values = len(arrays.get("fcd", []))
        if "windows" not in empirical and values == len(empirical.get("fcd", [])):
            return arrays  # of pieces as long as the runs
        windows = round((1 + np.sqrt(1 + 8 * values)) / 2)
        return arrays | _windows(arrays, windows)

    def _convergence(self, unit, fit):
        rows = _of(self.convergence[fit], unit).dropna(subset="best_cost")
        if rows.empty:
            return None
        alt = f"{unit}, fit {fit}: best and median cost of every restart against simulations"
        return picture(convergence.one_person, rows, alt=alt)

    def _regional(self, unit, fit):
        rows = _of(self.states[fit], unit).dropna(subset="mean")
        if rows.empty:
            return None
        alt = f"{unit}, fit {fit}: every regional read-out by network and hemisphere"
        return picture(_boxes_as_images, regional_means(rows, self.nodes), alt=alt)


def _boxes_as_images(regions):
    """Read-outs by network; what is drawn thousands of times becomes an image, words and axes stay sharp."""
    figure = regional.network_boxes(regions)
    for axis in figure.axes:
        for artist in (*axis.collections, *axis.lines, *axis.patches):
            artist.set_rasterized(True)
    return figure


def _by_fit(fits, paths):
    """Tables of a batch by the fit that names their folder, rows grouped by unit."""
    return {fit: dict(list(read_table(path).groupby("key"))) for fit, path in zip(fits, paths, strict=True)}


def _of(people, unit):
    columns = ["best_cost", "mean"]
    return people.get(unit, pd.DataFrame(columns=columns))


def _windows(arrays, windows):
    """`windows` as an entry, where so many windows explain the number of FCD values."""
    if not windows or "fcd" not in arrays or windows * (windows - 1) // 2 != len(arrays["fcd"]):
        return {}
    return {"windows": int(windows)}


def _pair_index(n_pairs, hemispheres, pairs):
    """Rows and columns of the FC vector; None where the node table does not explain its length."""
    n_nodes = round((1 + np.sqrt(1 + 8 * n_pairs)) / 2)
    if pairs != "all":
        if hemispheres is None:
            return None
        n_nodes = len(hemispheres)
    pair_index = pair_indices(n_nodes, hemispheres, pairs) if pairs != "all" else pair_indices(n_nodes)
    return pair_index if len(pair_index[0]) == n_pairs else None


if "snakemake" in globals():
    main(snakemake)
