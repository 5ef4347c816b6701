"""Brain maps for the page: one value per region, coloured on the views of the rule brain."""

from dataclasses import dataclass, field

import numpy as np

from workflow_scripts.files import job
from workflow_scripts.report.figures import brain as figures
from workflow_scripts.report.formatting import significant

NOTES = {
    "atlas": "",
    "coordinates": "Set brain.atlas to the atlas of the node table to draw regions on the cortical surface; "
    "here they are discs at their coordinates.",
    "nothing": "To draw brain maps, add coordinates to the node table (columns x, y, z) or set brain.atlas "
    "in the configuration.",
}
BESIDE = {
    "atlas": "not on the surface",
    "coordinates": "without coordinates",
    "nothing": "",
}


@dataclass(frozen=True, eq=False)
class Brain:
    """The brain as the rule of this name has drawn it.

    Attributes
    ----------
    kind : {"atlas", "coordinates", "nothing"}
        What it was drawn from.
    labels : list of str
        Regions, in the order of the numbers in the views.
    shown : (N,) array of bool
        Which of them some view can show.
    views : list of workflow_scripts.report.figures.brain.View
    """

    kind: str
    labels: list
    shown: np.ndarray
    views: list = field(repr=False)

    @property
    def note(self):
        """How to get better maps; empty where regions are drawn on the surface."""
        return NOTES[self.kind]

    @property
    def looks(self):
        """Names of the views, from left to right."""
        return "; ".join(view.name for view in self.views)


@dataclass(frozen=True, eq=False)
class BrainMap:
    """A map ready for the page.

    Attributes
    ----------
    title : str
    picture : workflow_scripts.report.figures.style.Picture
    colours : list of str
        Of the colour bar, from low to high.
    low, high : str
        What its ends mean.
    unit : str
    beside : list of dict
        Label, colour and value of regions that the views cannot show.
    """

    title: str
    picture: object
    colours: list
    low: str
    high: str
    unit: str
    beside: list


def read_brain(path):
    """Read what the rule brain wrote.

    Returns
    -------
    Brain
    """
    stored = job.read_npz(path)
    views = [
        figures.View(str(name), stored[f"nodes_{k}"], stored[f"shade_{k}"])
        for k, name in enumerate(stored["views"])
    ]
    return Brain(str(stored["kind"]), stored["labels"].tolist(), stored["shown"], views)


def brain_map(brain, values, title, unit="", scale=None):
    """Colour a map.

    Parameters
    ----------
    brain : Brain
    values : pandas.Series
        One per region, by label; regions without one are grey.
    title : str
        Also what a reader who cannot see the map is told.
    unit : str
    scale : workflow_scripts.report.figures.brain.Scale, optional
        Default: from the smallest to the largest value.

    Returns
    -------
    BrainMap or None
        None where no region can be shown.
    """
    ordered = values.reindex(brain.labels).to_numpy(dtype=float)
    if not brain.views or not np.isfinite(ordered).any():
        return None
    scale = figures.sequential(ordered) if scale is None else scale
    low, high = significant(scale.low), significant(scale.high)
    alt = f"{title}: brain map, colours from {low} to {high} {unit}".rstrip()
    others = np.flatnonzero(~brain.shown & np.isfinite(ordered))
    beside = [
        {
            "label": brain.labels[place],
            "colour": figures.hexadecimal(scale(ordered[place])),
            "value": significant(ordered[place]),
        }
        for place in others
    ]
    picture = figures.paint(brain.views, ordered, scale, alt)
    return BrainMap(title, picture, scale.stops, low, high, unit, beside)
