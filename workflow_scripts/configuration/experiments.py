"""Section ``experiments``: each is of one kind, and changes what models and node table have."""

from workflow_scripts.configuration.messages import suggestion
from workflow_scripts.configuration.parameters import read_model
from workflow_scripts.files import cells

KINDS = ("lesion", "change")
TUNED = "tuned"


def kind_of(experiment):
    """Name the kind of an experiment, one of :data:`KINDS`."""
    return next(kind for kind in KINDS if kind in experiment)


def named_nodes(experiment):
    """Labels of the nodes that an experiment names, each once: list of str."""
    lesion = experiment.get("lesion", {})
    ends = (end for edge in lesion.get("edges", ()) for end in edge)
    return list(dict.fromkeys([*lesion.get("nodes", ()), *ends]))


def check(config):
    """List what is wrong with experiments, as far as settings tell.

    Parameters
    ----------
    config : dict
        The completed configuration.

    Returns
    -------
    list of str
    """
    found = []
    for name, experiment in config["experiments"].items():
        place = f"experiments.{name}"
        kinds = [kind for kind in KINDS if kind in experiment]
        if len(kinds) != 1:
            stated = " and ".join(kinds) or "neither"
            found.append(
                f"{place}: an experiment is either lesion or change; found {stated}; give one of them"
            )
        elif kinds == ["lesion"]:
            found += _check_lesion(experiment["lesion"], f"{place}.lesion")
        else:
            found += _check_change(experiment, config, f"{place}.change")
    return found


def _check_lesion(lesion, place):
    named = bool(lesion["nodes"] or lesion["edges"])
    if named and lesion["each_region"]:
        return [f"{place}: each_region lesions every node in turn; leave nodes and edges out, or each_region"]
    if not named and not lesion["each_region"]:
        return [f"{place}: nothing is lesioned; name nodes or edges, or state each_region: true"]
    twice = [f"{one}, {other}" for one, other in lesion["edges"] if one == other]
    return [f"{place}.edges: a node has no connection with itself ({pair})" for pair in twice]


def _check_change(experiment, config, place):
    found = []
    for fit, stated in config["fits"].items():
        if problem := _why_no_change(experiment, stated, read_model(stated)):
            found.append(f"{place}.parameter: the model of the fit {fit} {problem}")
    return found


def _why_no_change(experiment, stated, model):
    """Say why a parameter cannot be changed in a fit, as the end of a sentence; None if it can."""
    change = experiment["change"]
    name, known = change["parameter"], sorted(model.parameters)
    if name not in known:
        return f"has no parameter {name!r}{suggestion(name, known)}"
    if experiment["inhibition"] == TUNED and name == model.inhibition.get("weight"):
        return f"has {name} found anew by feedback inhibition control; state inhibition: held"
    parameter = model.parameters[name]
    if change["along"] is not None and not parameter.regional:
        return f"has one {name} for all nodes; leave along out"
    is_stated = name in {**stated.get("free", {}), **stated.get("fixed", {})}
    found_by_control = name == model.inhibition.get("weight")
    if not (is_stated or found_by_control or isinstance(parameter.default, float | int)):
        return f"has no number for {name} that could be multiplied; state it under fixed"
    return None


def check_nodes(config, nodes, path):
    """List labels and columns of experiments that the node table does not have.

    Parameters
    ----------
    config : dict
        The completed configuration.
    nodes : list of dict
        Rows of the node table.
    path : str
        Of the node table, for the messages.

    Returns
    -------
    list of str
    """
    labels, found = [node["label"] for node in nodes], []
    for name, experiment in config["experiments"].items():
        found += [
            f"experiments.{name}.lesion: {path} has no node {label!r}{suggestion(label, labels)}"
            for label in named_nodes(experiment)
            if label not in labels
        ]
        if (column := experiment.get("change", {}).get("along")) is not None:
            found += _check_map(nodes, column, f"experiments.{name}.change.along: {path}")
    return found


def _check_map(nodes, column, place):
    if column not in nodes[0]:
        return [f"{place} has no column {column!r}{suggestion(column, list(nodes[0]))}"]
    for node in nodes:
        value = cells.finite(str(node[column]))
        if value is None or value < 0:
            return [
                f"{place}, column {column}, node {node['label']}: {node[column]!r} is no number of at least 0"
            ]
    if not any(cells.finite(str(node[column])) for node in nodes):
        return [f"{place}, column {column}: all values are 0, so nothing would change"]
    return []
