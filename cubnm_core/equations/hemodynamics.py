"""The Balloon-Windkessel model that turns neural activity into BOLD.

Equations and rates: Friston et al. 2003, doi:10.1016/S1053-8119(03)00202-7. Coefficients of the BOLD signal:
Buxton et al. 1998, doi:10.1002/mrm.1910390602, for 1.5 T; Stephan et al. 2007,
doi:10.1016/j.neuroimage.2007.07.040, and Heinzle et al. 2016, doi:10.1016/j.neuroimage.2015.10.025, for other
field strengths and echo times.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

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

#: The constants of the equations; the k are coefficients of the BOLD signal.
CONSTANTS = ("kappa", "gamma", "tau", "alpha", "rho", "V0", "k1", "k2", "k3")
#: How a mapping may state the k by the scanner instead; see `signal_coefficients`.
SCANNER = ("field_strength", "echo_time", "r0", "epsilon")
_COEFFICIENTS = ("k1", "k2", "k3")
_RATES = {"kappa": 0.65, "gamma": 0.41}  # 1/s signal decay, 1/s^2 autoregulation (Friston et al. 2003)
#: Rates as cuBNM and code descended from Deco's have them: the reciprocals of those published.
_RECIPROCALS = {"kappa": 1 / 0.65, "gamma": 1 / 0.41}
#: What all sets agree on.
_COMMON = {
    "tau": 0.98,  # s, transit time
    "alpha": 0.32,  # Grubb's exponent
    "rho": 0.34,  # resting oxygen extraction fraction
    "V0": 2.0,  # percent, resting venous volume
}
_BUXTON = {"k1": 7 * 0.34, "k2": 2.0, "k3": 2 * 0.34 - 0.2}

_OFFSET = 28.265  # 1/s per tesla, frequency offset at the surface of magnetised vessels
_RELAXATION = {3.0: (110.0, 0.47)}  # tesla -> r0 (1/s), epsilon (Heinzle et al. 2016)
_LONGEST_ECHO = 0.5  # s; longer ones are milliseconds


def signal_coefficients(field_strength, echo_time, rho=_COMMON["rho"], r0=None, epsilon=None):
    """Coefficients of the BOLD signal from the scanner: Stephan et al. 2007, Heinzle et al. 2016.

    Parameters
    ----------
    field_strength : float
        In tesla.
    echo_time : float
        TE in s.
    rho : float or array
        Resting oxygen extraction fraction, E0.
    r0 : float, optional
        Slope of the intravascular relaxation rate against oxygen saturation in 1/s; known for 3 T (110).
    epsilon : float, optional
        Ratio of intra- to extravascular signal; known for 3 T (0.47).

    Returns
    -------
    dict
        ``k1``, ``k2`` and ``k3``.

    Raises
    ------
    InputError
        For an echo time in other units than s, or a field strength whose r0 and epsilon are not stated.
    """
    _check_positive("field_strength", field_strength)
    _check_positive("echo_time", echo_time)
    if echo_time > _LONGEST_ECHO:
        raise InputError(
            f"hemodynamics: echo_time is {echo_time:g} s; it is in seconds, so for {echo_time:g} ms write "
            f"{echo_time / 1000:g}"
        )
    known = _RELAXATION.get(float(field_strength), (None, None))
    r0, epsilon = known[0] if r0 is None else r0, known[1] if epsilon is None else epsilon
    missing = [name for name, value in (("r0", r0), ("epsilon", epsilon)) if value is None]
    if missing:
        at = " and ".join(f"{each:g} T" for each in _RELAXATION)
        raise InputError(
            f"hemodynamics: for {field_strength:g} T state {' and '.join(missing)} beside field_strength (r0 "
            "in 1/s, slope of the intravascular relaxation rate; epsilon, ratio of intra- to extravascular "
            f"signal; known are those of {at}), or name a set: {', '.join(HEMODYNAMICS)}"
        )
    for name, value in (("r0", r0), ("epsilon", epsilon)):
        _check_positive(name, value)
    return {
        "k1": 4.3 * _OFFSET * field_strength * rho * echo_time,
        "k2": epsilon * r0 * rho * echo_time,
        "k3": 1 - epsilon,
    }


def _check_positive(name, value):
    """Raise for what is no finite number above 0, or no array of such."""
    try:
        values = np.asarray(value, float)
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if isinstance(value, bool) or not (np.isfinite(values) & (values > 0)).all():
        raise InputError(f"hemodynamics: {name} must be a number above 0; found {value!r}")


#: Sets of constants by name. The friston sets have the published rates; the cubnm sets their reciprocals,
#: which results of cuBNM and related code were made with: their response peaks earlier.
HEMODYNAMICS = {
    "friston-3T": {**_RATES, **_COMMON, **signal_coefficients(3.0, 0.030)},
    "friston-1.5T": {**_RATES, **_COMMON, **_BUXTON},
    "cubnm-3T": {**_RECIPROCALS, **_COMMON, "k1": 3.72, "k2": 0.527, "k3": 0.53},
    "cubnm-1.5T": {**_RECIPROCALS, **_COMMON, **_BUXTON},
}
#: Names of former sets -> the set of the same numbers, and the one of the constants that the name promised.
RETIRED = {
    "friston2003": ("cubnm-1.5T", "friston-1.5T"),
    "heinzle2016-3T": ("cubnm-3T", "friston-3T"),
}
CHOICES = (
    f"one of {', '.join(HEMODYNAMICS)} (recommended: friston-3T or friston-1.5T), a mapping of constants, or "
    "the scanner's {field_strength: 3.0, echo_time: 0.030}"
)


@dataclass(frozen=True)
class HemodynamicProgram:
    """Derivatives (per second) in the order they are applied, and BOLD in terms of the states.

    Attributes
    ----------
    states : tuple of str
        Those of the equations, then the constants that differ between regions: states that never change.
    initial : tuple of float or str
        Of each state: a number, or the name of such a constant.
    """

    step: float
    states: tuple
    initial: tuple
    derivatives: tuple
    bold: object


def retirement(name):
    """Say what replaces a name of former sets."""
    same, published = RETIRED[name]
    return (
        f"{name!r} is no longer accepted, because its rates are not those of the paper it names but their "
        f"reciprocals: write {same!r} for the same numbers as before (histories of fits go on), or "
        f"{published!r} for the published constants (recommended for new fits)"
    )


def hemodynamic_constants(source):
    """Constants by name, from a mapping, or from the scanner.

    Parameters
    ----------
    source : str or mapping
        A name of `HEMODYNAMICS`, or a mapping of constants: numbers, (N,) arrays with a value per region, or
        (B, N) arrays with one per simulation, too. It may name a ``set`` from which those left out come. The
        coefficients k1, k2 and k3 may be stated by ``field_strength`` (tesla) and ``echo_time`` (s), with
        ``r0`` and ``epsilon`` (see `signal_coefficients`); rates left out are then those of Friston et al.
        2003. Without either, kappa, gamma and the k are required: published values differ. tau, alpha, rho
        and V0 are the same in all sets and may always be left out.

    Returns
    -------
    dict
        All of `CONSTANTS`, floats and arrays.

    Raises
    ------
    InputError
        For an unknown name or constant, one that is missing, or a value that cannot be.
    """
    if isinstance(source, str):
        return dict(HEMODYNAMICS[_known(source)])
    if not isinstance(source, Mapping):
        raise InputError(f"hemodynamics: {source!r} is no name and no mapping; give {CHOICES}")
    unknown = [str(name) for name in source if name not in (*CONSTANTS, *SCANNER, "set")]
    if unknown:
        raise InputError(
            f"unknown haemodynamic constant(s) {', '.join(sorted(unknown))}; allowed are "
            f"{', '.join((*CONSTANTS, *SCANNER))} and set"
        )
    stated = {name: _value(name, source[name]) for name in CONSTANTS if name in source}
    scanner = {name: source[name] for name in SCANNER if name in source}
    base = {**_COMMON, **(HEMODYNAMICS[_known(source["set"])] if "set" in source else {})}
    if scanner:
        _check_scanner(scanner, stated)
        coefficients = signal_coefficients(rho={**base, **stated}["rho"], **scanner)
        base = {**_RATES, **base, **coefficients}
    constants = {**base, **stated}
    missing = [name for name in CONSTANTS if name not in constants]
    if missing:
        raise InputError(
            f"hemodynamics: {', '.join(missing)} missing; state them, or take them from a set with "
            f"set: NAME, one of {', '.join(HEMODYNAMICS)}"
        )
    return {name: constants[name] for name in CONSTANTS}


def _known(name):
    """Check the name of a set."""
    if name in RETIRED:
        raise InputError(f"hemodynamics: {retirement(name)}")
    if name not in HEMODYNAMICS:
        raise InputError(f"unknown haemodynamic constants {name!r}; known are {', '.join(HEMODYNAMICS)}")
    return name


def _check_scanner(scanner, stated):
    """Check that the k are stated in one way only, and completely."""
    both = [name for name in _COEFFICIENTS if name in stated]
    if both:
        raise InputError(
            f"hemodynamics: {', '.join(both)} and {', '.join(scanner)} are two ways to state the "
            "coefficients of the BOLD signal; give one of them"
        )
    missing = [name for name in ("field_strength", "echo_time") if name not in scanner]
    if missing:
        raise InputError(
            f"hemodynamics: {' and '.join(missing)} missing beside {', '.join(scanner)}; field_strength is "
            "in tesla, echo_time (TE) in s, such as 0.030"
        )


def _value(name, value):
    """Check one constant: a number as float, values that differ between regions as array."""
    if name in _COEFFICIENTS:
        _check_finite(name, value)
    else:
        _check_positive(name, value)
    values = np.asarray(value, float)
    if name == "rho" and (values >= 1).any():
        raise InputError(f"hemodynamics: rho, a fraction, must be below 1; found {values.max():g}")
    return float(values) if values.ndim == 0 else values


def _check_finite(name, value):
    try:
        finite = np.isfinite(np.asarray(value, float)).all()
    except (TypeError, ValueError):
        finite = False
    if isinstance(value, bool) or not finite:
        raise InputError(f"hemodynamics: {name} must be a finite number; found {value!r}")


def name_of(constants):
    """Name of the set that constants are, whatever they were stated as; None for others.

    Parameters
    ----------
    constants : dict
        As returned by `hemodynamic_constants`.
    """
    if any(np.ndim(value) for value in constants.values()):
        return None
    return next((name for name, values in HEMODYNAMICS.items() if values == constants), None)


def regional_constants(constants, shape):
    """Values of the constants that differ between regions.

    Parameters
    ----------
    constants : dict
        As returned by `hemodynamic_constants`.
    shape : (B, N)

    Returns
    -------
    dict of (B, N) arrays

    Raises
    ------
    InputError
        For an array of another shape.
    """
    found = {name: value for name, value in constants.items() if np.ndim(value)}
    for name, value in found.items():
        if value.shape not in (shape, shape[1:]):
            raise InputError(
                f"hemodynamics: {name} has shape {value.shape}; allowed are a number, (N,) = {shape[1:]} "
                f"with a value per region, and (B, N) = {shape} with one per simulation, too"
            )
    return {name: np.broadcast_to(value, shape) for name, value in found.items()}


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
    constants = hemodynamic_constants(source)
    regional = tuple(name for name, value in constants.items() if np.ndim(value))
    numbers = {name: Number(float(value)) for name, value in constants.items() if name not in regional}

    def number_in(text):
        whole = ex.substitute(ex.parse(text), {"extraction": ex.parse(EXTRACTION)})
        return ex.canonical(ex.substitute(whole, numbers), frozenset(regional))

    return HemodynamicProgram(
        step=step,
        states=tuple(name for name, _ in EQUATIONS) + regional,
        initial=(0.0,) * len(EQUATIONS) + regional,
        derivatives=tuple(Assign(name, number_in(text)) for name, text in EQUATIONS),
        bold=number_in(BOLD),
    )
