"""Numbers and conditions as text, the same way everywhere on the page."""

import numpy as np
import pandas as pd

from workflow_scripts.configuration import hemodynamics
from workflow_scripts.configuration.simulation import MATCH

MISSING = "–"
_NOTHING = 1e-12  # what rounding leaves of equal numbers
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value, digits=2, sign=False):
    """A number with a typographic minus; an en dash where it is missing."""
    if value is None or not np.isfinite(value):
        return MISSING
    text = f"{value:{'+' if sign else ''}.{digits}f}"
    return text.replace("-", "−")


def significant(value, digits=3):
    """A number with so many significant digits."""
    if value is None or not np.isfinite(value):
        return MISSING
    if 0 < abs(value) < _NOTHING:
        return "0"
    text = f"{value:,.0f}" if abs(value) >= 10**digits else f"{value:#.{digits}g}".removesuffix(".")
    mantissa, _, exponent = text.partition("e")
    power = f" × 10{str(int(exponent)).translate(_RAISED)}" if exponent else ""
    return mantissa.replace("-", "−") + power


def plus_minus(mean, sd, digits=2):
    """`mean ± sd`, without the second part where there is no spread to give."""
    text = number(mean, digits)
    return text if text == MISSING or not np.isfinite(sd) else f"{text} ± {number(sd, digits)}"


def spread(values, digits=2, sign=False, fewest=0):
    """Mean ± SD over people of a series; nothing where fewer than `fewest` have a value."""
    if values.count() < fewest:
        return MISSING
    mean, sd = values.mean(), values.std()
    text = number(mean, digits, sign)
    return text if text == MISSING or not np.isfinite(sd) else f"{text} ± {number(sd, digits)}"


def conditions(cohort, fit):
    """Conditions under which a fit was scored, as (name, text) pairs, shown with every score.

    What travels with the scores is taken from the evaluation table; the rest from the settings of the fit.
    """
    rows = cohort.of_fit("evaluation", fit)
    setting = cohort.fit_settings.get(fit, {})
    analysis, simulation = setting.get("analysis", {}), setting.get("simulation", {})
    window = _stored(rows, "window", analysis.get("window"))
    step = _stored(rows, "window_step", analysis.get("window_step"))
    return [
        ("pairs", _stored(rows, "pairs", analysis.get("pairs"))),
        ("band-pass", band_text(_stored(rows, "band_pass", analysis.get("band_pass")))),
        *([("global signal", "regressed out")] if analysis.get("global_signal") == "regressed" else []),
        ("FCD window", f"{window} s, step {step} s"),
        ("objective", _all_objectives(setting)),
        ("model", str(setting.get("model", "unknown"))),
        ("FIC", fic_text(setting.get("fic"))),
        (
            "simulation",
            f"{duration_text(simulation.get('duration'))}, dt {1e3 * simulation.get('dt', np.nan):g} ms, "
            f"{_hemodynamics(simulation.get('hemodynamics'))}",
        ),
        ("conduction delays", "yes" if setting.get("delays") else "no"),
        ("scoring seeds", _stored(rows, "seeds", None)),
        ("search noise seed", _search_seeds(cohort, fit, setting)),
    ]


def duration_text(duration):
    """Say how long simulations are."""
    return "as long as the runs" if duration == MATCH else f"{duration} s"


def _hemodynamics(settled):
    """Name haemodynamic constants; all their values stand in the methods text."""
    if settled is None:
        return "no haemodynamic model"
    return hemodynamics.set_name(settled) or "own haemodynamic constants"


def _search_seeds(cohort, fit, setting):
    """Noise seeds of the searches: of the configuration, or those that sessions have in its place."""
    stored = cohort.of_fit("fits", fit).get("noise_seed")
    seeds = [] if stored is None else sorted(stored.dropna().astype(int).unique())
    return ", ".join(map(str, seeds)) or str(setting.get("noise_seed"))


def _all_objectives(setting):
    """What was minimised: one sum, or several."""
    groups = setting.get("objectives") or [setting.get("objective", {})]
    return "; ".join(objective_text(group) for group in groups)


def objective_text(terms):
    """The objective as a sum, with the sign each term has in the cost."""
    if not terms:
        return "unknown"
    # A correlation lowers the cost; distances and the penalty raise it.
    parts = [f"{'−' if name == 'fc_corr' else '+'} {weight:g}·{name}" for name, weight in terms.items()]
    return "cost = " + " ".join(parts).removeprefix("+ ")


def fic_text(fic):
    """Feedback inhibition control as text."""
    if fic is None:
        return "none"
    control = {"target": "target {} Hz", "warm_up": "warm-up {} s"}
    return ", ".join([fic["method"], *(text.format(fic[key]) for key, text in control.items() if key in fic)])


def band_text(band):
    """A band-pass as text; None, n/a and missing mean that nothing was filtered."""
    if isinstance(band, (list, tuple)):
        return f"{band[0]}–{band[1]} Hz"
    if band is None or str(band) in ("nan", "none", "None", "n/a"):
        return "none"
    return str(band)


def _stored(rows, column, fallback):
    """All values a column takes (one, unless settings were mixed), else the fallback."""
    values = [fallback] if rows.empty else rows[column].drop_duplicates()
    return ", ".join(_plain(value) for value in values)


def _plain(value):
    if isinstance(value, (list, tuple)):
        return band_text(value)
    if value is None or pd.isna(value):
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
