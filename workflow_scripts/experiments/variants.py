"""What an experiment does to a model: its connectome or its parameters, for one region or once."""

from dataclasses import dataclass, replace

import numpy as np

from cubnm_core import lesion, load_model
from workflow_scripts.configuration.experiments import TUNED, kind_of, named_nodes
from workflow_scripts.files import cells
from workflow_scripts.files.job import MISSING


@dataclass(frozen=True)
class Variant:
    """An experiment as it is simulated once.

    Attributes
    ----------
    experiment, kind : str
    settings : dict
        The entry of the configuration.
    region : str
        Label of the region that is lesioned in turn; "n/a" for an experiment that is done once.
    nodes : tuple of int
        Lesioned nodes.
    edges : tuple of (int, int)
        Lesioned connections.
    """

    experiment: str
    kind: str
    settings: dict
    region: str = MISSING
    nodes: tuple = ()
    edges: tuple = ()

    @property
    def is_tuned(self):
        """Whether feedback inhibition control finds its weights anew."""
        return self.settings["inhibition"] == TUNED

    def lesioned(self, weights):
        """Give the connectome, (N, N), with the lesion; as it is without one."""
        if self.kind != "lesion":
            return weights
        return lesion(weights, self.nodes, self.edges, self.settings["lesion"]["share"])

    def changed(self, params, model, nodes):
        """Give parameters (dict of str to float or (N,) array) with the change; as they are without one."""
        if self.kind != "change":
            return params
        change = self.settings["change"]
        name = change["parameter"]
        value = params.get(name, load_model(model).parameters[name].default)
        return {**params, name: value * multipliers(change, nodes)}

    def apply(self, candidate, model, nodes):
        """Give a candidate with the experiment."""
        return replace(
            candidate,
            weights=self.lesioned(candidate.weights),
            params=self.changed(candidate.params, model, nodes),
        )


def multipliers(change, nodes):
    """What a parameter is multiplied by: a float, or an (N,) array along a map."""
    if change["along"] is None:
        return change["factor"]
    density = np.array([cells.finite(str(node[change["along"]])) for node in nodes])
    return 1.0 + (change["factor"] - 1.0) * density / density.max()


def list_variants(experiments, nodes):
    """List everything that is simulated of all experiments.

    Parameters
    ----------
    experiments : dict of str to dict
        Section ``experiments`` of a completed configuration.
    nodes : list of dict
        Rows of the node table of the analysis.

    Returns
    -------
    list of Variant
        Without experiments that name nodes which are not part of the analysis: see :func:`absent_nodes`.
    """
    places = {node["label"]: place for place, node in enumerate(nodes)}
    found = []
    for name, settings in experiments.items():
        kind = kind_of(settings)
        if kind == "change":
            found.append(Variant(name, kind, settings))
        elif settings["lesion"]["each_region"]:
            found += [
                Variant(name, kind, settings, region=label, nodes=(place,)) for label, place in places.items()
            ]
        elif not absent_nodes(settings, nodes):
            stated = settings["lesion"]
            lost = tuple(places[label] for label in stated["nodes"])
            edges = tuple((places[one], places[other]) for one, other in stated["edges"])
            found.append(Variant(name, kind, settings, nodes=lost, edges=edges))
    return found


def absent_nodes(settings, nodes):
    """Labels that an experiment names and the analysis does not have: a smaller lesion would be another one.

    Parameters
    ----------
    settings : dict
        An entry of the section ``experiments``.
    nodes : list of dict
        Rows of the node table of the analysis.

    Returns
    -------
    list of str
    """
    known = {node["label"] for node in nodes}
    return [label for label in named_nodes(settings) if label not in known]
