"""Entry ``fic`` of a fit: feedback inhibition control, and the firing rates that belong to it."""

from cubnm_core.errors import InputError
from cubnm_core.measures.rates import DEFAULT_BANDS
from cubnm_core.simulation import inhibition
from cubnm_core.simulation.inhibition import Inhibition


def inhibition_control(fic):
    """Write feedback inhibition control in its long form.

    Parameters
    ----------
    fic : None, str or dict
        As in a configuration.

    Returns
    -------
    dict or None
        ``method``, and for plasticity ``target`` (Hz) and ``warm_up`` (s). Limits of rates are kept under
        ``rate_limits`` of the fit.
    """
    if fic is None:
        return None
    given = {"method": fic} if isinstance(fic, str) else dict(fic)
    given.pop("rate_band", None)
    if given["method"] != "plasticity":
        return given
    return {"target": Inhibition.target, "warm_up": Inhibition.warm_up, **given}


def default_rate_limits(fic):
    """Give the limits of firing rates in Hz that belong to a feedback inhibition control, if there is one.

    Those of plasticity move with its target.
    """
    if fic is None or fic["method"] not in DEFAULT_BANDS:
        return None
    shift = fic.get("target", Inhibition.target) - Inhibition.target
    return [max(limit + shift, 0.0) for limit in DEFAULT_BANDS[fic["method"]]]


def stated_band(stated):
    """Give the limits of firing rates that stand with the feedback inhibition control."""
    fic = stated.get("fic")
    return fic.get("rate_band") if isinstance(fic, dict) else None


def check(fit, model, place):
    """List what is wrong with feedback inhibition control.

    Parameters
    ----------
    fit : dict
        As returned by :func:`workflow_scripts.configuration.fit_settings.resolve_fit`.
    model : cubnm_core.equations.model.Model
    place : str
        Of the fit in the configuration, for the messages.

    Returns
    -------
    list of str
    """
    if fit["fic"] is None:
        return []
    if not model.inhibition:
        return [f"{place}.fic: {model.name} has no inhibition to control; write fic: null"]
    weight = model.inhibition["weight"]
    if weight in (*fit["free"], *fit["fixed"]):
        return [f"{place}: {weight} is set by fic; take it out, or write fic: null"]
    try:
        control = inhibition.settings(fit["fic"])
    except InputError as error:
        return [f"{place}.{error}"]
    limits = fit["rate_limits"]
    if control.method == "plasticity" and not limits[0] < control.target < limits[1]:
        return [
            f"{place}.fic.target: {control.target} Hz lies outside rate_limits {limits} Hz; widen the limits"
        ]
    return []
