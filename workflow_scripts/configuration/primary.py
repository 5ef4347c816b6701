"""Entry ``statistics.primary``: the one test that is decided before there are results, found and checked."""

from dataclasses import dataclass

from cubnm_core.errors import InputError
from cubnm_core.measures.objective import TERMS
from workflow_scripts.configuration import formulas, parameters
from workflow_scripts.configuration.messages import suggestion

PLACE = "statistics.primary"
PARAMETER, SCORE, STATE = "parameter", "score", "state"
SCORES = (*TERMS, "cost")
LISTED = {PARAMETER: "parameters", SCORE: "scores", STATE: "states"}  # as in `quantities` of a model


@dataclass(frozen=True)
class Primary:
    """The test that was decided beforehand.

    Attributes
    ----------
    fit, model, term : str
        The term is named as in the formula.
    contrast : str or None
        As in statistics.tsv; None for the term as a whole.
    quantity : {"parameter", "score", "state"}
    variable : str
        Name of the response; of a state, all nodes are meant.
    """

    fit: str
    model: str
    term: str
    contrast: str | None
    quantity: str
    variable: str

    def __str__(self):
        asked = self.term if self.contrast is None else f"{self.term} ({self.contrast})"
        return f"{self.variable} of fit {self.fit} by {asked}, model {self.model}"


def find(stated, models, fits):
    """Find the test that an entry means.

    Parameters
    ----------
    stated : dict
        ``statistics.primary``, completed.
    models : dict of str to dict
        Statistical models, completed.
    fits : dict of str to dict
        Resolved settings of every fit.

    Returns
    -------
    Primary

    Raises
    ------
    InputError
        If there is no such fit, model, tested term or response.
    """
    if stated["fit"] not in fits:
        raise InputError(f"{PLACE}.fit: no fit {stated['fit']!r}{suggestion(stated['fit'], fits)}")
    name, term, contrast = _contrast(stated, models)
    quantity = _quantity(stated["quantity"], fits[stated["fit"]])
    _check_modelled(quantity, stated["quantity"], name, models[name])
    return Primary(stated["fit"], name, term, contrast, quantity, stated["quantity"])


def _contrast(stated, models):
    """Name of the model, its term, and the contrast of it that is meant."""
    if stated["model"] is not None and stated["model"] not in models:
        raise InputError(f"{PLACE}.model: no model {stated['model']!r}{suggestion(stated['model'], models)}")
    chosen = models if stated["model"] is None else {stated["model"]: models[stated["model"]]}
    tested = {
        name: formulas.tested_terms(model, formulas.parse(model["formula"])) for name, model in chosen.items()
    }
    whole, _, level = stated["contrast"].partition(": ")
    for asked, contrast in ((stated["contrast"], None), (whole, level.replace(" - ", " − "))):
        found = [
            (name, term)
            for name, terms in tested.items()
            for term in terms
            if formulas.is_same_term(asked, term)
        ]
        if len(found) == 1:
            return *found[0], contrast
        if found:
            listed = ", ".join(name for name, _ in found)
            raise InputError(
                f"{PLACE}.contrast: {asked!r} is tested by several models ({listed}); name one under "
                f"{PLACE}.model"
            )
    known = dict.fromkeys(term for terms in tested.values() for term in terms)
    told = suggestion(stated["contrast"], known) if known else "; there is no statistical model"
    raise InputError(f"{PLACE}.contrast: no model tests {stated['contrast']!r}{told}")


def _quantity(name, fit):
    """Kind of a response of a fit."""
    coordinates = parameters.free_coordinates(fit)  # None with groups, which only the node table knows
    if coordinates is None and name.replace("[", ".", 1).partition(".")[0] in fit["free"]:
        return PARAMETER
    if name in (coordinates or ()):
        return PARAMETER
    if name in SCORES or name in fit["terms"]:
        return SCORE
    model = parameters.read_model(fit)
    regional = (*model.record, *model.states, *model.parameters)
    if all(part in regional for part in name.split("/")):
        return STATE
    known = dict.fromkeys([*(coordinates or fit["free"]), *SCORES, *fit["terms"], *model.record])
    raise InputError(f"{PLACE}.quantity: the fit has no {name!r}{suggestion(name, known)}")


def _check_modelled(quantity, variable, name, model):
    """Refuse a response that its model leaves out."""
    place = f"statistics.models.{name}"
    if LISTED[quantity] not in model["quantities"]:
        raise InputError(
            f"{PLACE}.quantity: {variable!r} is a {quantity}, and {place}.quantities has no "
            f"{LISTED[quantity]}; "
            "add them there"
        )
    if quantity == STATE and model["states"] is not None and variable not in model["states"]:
        raise InputError(f"{PLACE}.quantity: {place}.states does not name {variable!r}; add it there")
    if quantity == SCORE and "fit_quality" in formulas.variables(formulas.parse(model["formula"])):
        raise InputError(
            f"{PLACE}.quantity: {variable!r} is a score, which {place} does not test because fit_quality, "
            "one of "
            "them, is in its formula; take it out, or name another quantity"
        )


def check_level(primary, model, rows):
    """List what is wrong with the levels that a primary test compares.

    Parameters
    ----------
    primary : Primary
    model : dict
        The statistical model it belongs to, completed.
    rows : list of dict
        Of the participants table.

    Returns
    -------
    list of str
    """
    column = primary.term
    levels = sorted({str(row[column]) for row in rows if row.get(column) is not None})
    if primary.contrast is None or not levels or all(map(_is_number, levels)):
        return []
    base = str(model["reference"].get(column, levels[0]))
    allowed = [f"{level} − {base}" for level in levels if level != base]
    if primary.contrast in allowed:
        return []
    return [
        f"{PLACE}.contrast: {column} has no comparison {primary.contrast!r}"
        f"{suggestion(primary.contrast, allowed)} (the reference comes second; change it under "
        f"statistics.models.{primary.model}.reference)"
    ]


def _is_number(text):
    try:
        float(text)
    except ValueError:
        return False
    return True
