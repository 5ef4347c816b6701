"""The Balloon-Windkessel model that turns neural activity into BOLD.

Equations: Friston et al. 2003, doi:10.1016/S1053-8119(03)00202-7.
BOLD constants for 3 T: Heinzle et al. 2016, doi:10.1016/j.neuroimage.2015.10.025.
"""

from dataclasses import dataclass

from cubnm_core.equations import expressions as ex
from cubnm_core.equations.expressions import Number
from cubnm_core.equations.model import Assign
from cubnm_core.errors import InputError

#: Deviations from rest, which keeps their digits in single precision: blood inflow is 1 + f. Integrated
#: one after the other: each equation sees the new values of those above it, and z is the neural input.
EQUATIONS = (
    ("x", "z - kappa*x - gamma*f"),  # vasodilatory signal
    ("v", "(f - powm1(v, 1/alpha))/tau"),  # venous volume
    ("q", "(f - (1 + f)*extraction - powm1(v, 1/alpha - 1)*(1 + q) - q)/tau"),  # deoxyhaemoglobin
    ("f", "x"),  # blood inflow
)
#: Relative change of oxygen extraction, 1 - E/rho with E = 1 - (1 - rho)**(1/(1 + f)).
EXTRACTION = "(1/rho - 1)*expm1(-log(1 - rho)*f/(1 + f))"
BOLD = "V0*(k2*(v - q)/(1 + v) - k1*q - k3*v)"

_COMMON = {
    "kappa": 1 / 0.65,  # 1/s, signal decay
    "gamma": 1 / 0.41,  # 1/s^2, autoregulation
    "tau": 0.98,  # s, transit time
    "alpha": 0.32,  # Grubb's exponent
    "rho": 0.34,  # resting oxygen extraction fraction
    "V0": 2.0,  # percent, resting venous volume
}
#: Named sets of constants; the k are coefficients of the BOLD signal equation.
HEMODYNAMICS = {
    "friston2003": {**_COMMON, "k1": 7 * 0.34, "k2": 2.0, "k3": 2 * 0.34 - 0.2},
    "heinzle2016-3T": {**_COMMON, "k1": 3.72, "k2": 0.527, "k3": 0.53},
}
_FIELD_STRENGTHS = {1.5: "friston2003", 3.0: "heinzle2016-3T"}


@dataclass(frozen=True)
class HemodynamicProgram:
    """Derivatives (per second) in the order they are applied, and BOLD in terms of the states."""

    step: float
    states: tuple
    initial: tuple
    derivatives: tuple
    bold: object


def hemodynamics_for_field_strength(tesla):
    """Name of the constants that belong to a field strength.

    Raises
    ------
    InputError
        For field strengths other than 1.5 and 3 T: name the constants instead.
    """
    if tesla not in _FIELD_STRENGTHS:
        raise InputError(
            f"no haemodynamic constants are known for {tesla} T (known: 1.5 T and 3 T); "
            f"name a set instead, one of {', '.join(HEMODYNAMICS)}"
        )
    return _FIELD_STRENGTHS[tesla]


def hemodynamic_constants(source):
    """Constants by name, or from a mapping that may change some of the values of ``friston2003``.

    Raises
    ------
    InputError
        For an unknown name or constant.
    """
    if isinstance(source, str):
        if source not in HEMODYNAMICS:
            raise InputError(
                f"unknown haemodynamic constants {source!r}; known are {', '.join(HEMODYNAMICS)}"
            )
        return HEMODYNAMICS[source]
    unknown = set(source) - set(HEMODYNAMICS["friston2003"])
    if unknown:
        allowed = ", ".join(HEMODYNAMICS["friston2003"])
        raise InputError(
            f"unknown haemodynamic constant(s) {', '.join(sorted(unknown))}; allowed are {allowed}"
        )
    return {**HEMODYNAMICS["friston2003"], **source}


def lower_hemodynamics(source, step):
    """The Balloon-Windkessel model with numbers for constants.

    Parameters
    ----------
    source : str or mapping
        See `hemodynamic_constants`.
    step : float
        Time step in seconds.

    Returns
    -------
    HemodynamicProgram
    """
    constants = {name: Number(float(value)) for name, value in hemodynamic_constants(source).items()}

    def number_in(text):
        whole = ex.substitute(ex.parse(text), {"extraction": ex.parse(EXTRACTION)})
        return ex.canonical(ex.substitute(whole, constants), frozenset())

    return HemodynamicProgram(
        step=step,
        states=tuple(name for name, _ in EQUATIONS),
        initial=(0.0,) * len(EQUATIONS),
        derivatives=tuple(Assign(name, number_in(text)) for name, text in EQUATIONS),
        bold=number_in(BOLD),
    )
