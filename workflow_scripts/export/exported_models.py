"""Fitted models of an export: a table per person and fit, one row per node, and a JSON file."""

from pathlib import Path

from cubnm_core import load_model
from workflow_scripts.cohort.units import IDS, Unit
from workflow_scripts.files import job

MEANINGS = {
    "mean": "Mean over time and noise seeds",
    "sd": "Standard deviation over noise seeds of the mean over time",
    "value": "Parameter of this node",
}


def write_models(exported, word, settings, batch):
    """Write the models of the people of a batch.

    Parameters
    ----------
    exported : workflow_scripts.export.export.Exported
    word : str
        Name of the fit, in letters and digits.
    settings : dict
        Of the fit.
    batch : dict of str to pandas.DataFrame
        ``fits``, ``evaluation``, ``states`` and ``regional_parameters``, as text.
    """
    chosen = batch["fits"][batch["fits"]["selected"] == "True"]
    others = {name: dict(iter(table.groupby(list(IDS)))) for name, table in batch.items() if name != "fits"}
    for row in chosen.to_dict("records"):
        person = tuple(row[key] for key in IDS)
        mine = {name: groups.get(person) for name, groups in others.items()}
        if mine["states"] is None:
            continue
        path = f"{exported.path(Unit.from_key(person).ids, 'model', desc=word)}_regional"
        columns, meanings = by_node(mine)
        rows = [
            {"label": node["label"], **{name: values.get(node["label"]) for name, values in columns.items()}}
            for node in exported.nodes
        ]
        job.write_tsv(f"{path}.tsv", rows)
        job.write_json(f"{path}.json", {**whole(row, settings, mine["evaluation"]), **meanings})


def by_node(mine):
    """Turn the long tables of a person into one column per variable.

    Parameters
    ----------
    mine : dict of str to pandas.DataFrame or None
        ``states`` and ``regional_parameters`` of one person and fit.

    Returns
    -------
    columns : dict of str to dict of str to str
        Such as ``S_E_mean``; by label of the node.
    meanings : dict of str to dict
        ``Description`` and ``Units`` of every column.
    """
    columns, meanings = {}, {"label": {"Description": "Name of the node"}}
    for table, cells in (("states", ("mean", "sd")), ("regional_parameters", ("value",))):
        if mine[table] is None:
            continue
        for (variable, unit), rows in mine[table].groupby(["variable", "unit"], sort=False):
            for cell in cells:
                name = f"{variable}_{cell}"
                columns[name] = dict(zip(rows["label"], rows[cell], strict=True))
                meanings[name] = {"Description": f"{MEANINGS[cell]}: {variable}", "Units": unit}
    return columns, meanings


def whole(row, settings, evaluation):
    """Describe a fit as a whole: model, parameters, scores.

    Parameters
    ----------
    row : dict
        Of the table of fits.
    settings : dict
        Of the fit.
    evaluation : pandas.DataFrame or None

    Returns
    -------
    dict
    """
    model = load_model(settings["model"])
    params = {name.removeprefix("param_"): value for name, value in row.items() if name.startswith("param_")}
    scores = {}
    for score in [] if evaluation is None else evaluation.to_dict("records"):
        found = {"Mean": _number(score["mean"]), "StandardDeviation": _number(score["sd"])}
        scores.setdefault(score["split"], {})[score["measure"]] = found
    return {
        "Fit": row["fit"],
        "Model": Path(settings["model"]).stem,
        "Parameters": {
            name: {"Value": _number(value), "Units": model.unit(name)}
            for name, value in params.items()
            if value != job.MISSING
        },
        "Cost": _number(row["cost"]),
        "Scores": scores,
    }


def _number(text):
    return None if text == job.MISSING else float(text)
