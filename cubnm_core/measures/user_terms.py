"""Terms of the user's own: what they ask for, by the names of their arguments, and what they give."""

import inspect
import logging
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cubnm_core.errors import InputError

logger = logging.getLogger(__name__)

# What a term may ask for: the name of an argument -> its value for one simulation of a run and its target.
_VALUES = {
    "target_fc": lambda run, row, target: target.fc,
    "target_fcd": lambda run, row, target: target.fcd,
    "state_means": lambda run, row, target: {
        name: each[row] for name, each in (run.state_means or {}).items()
    },
    "simulated_bold": lambda run, row, target: run.analysed_bold(row),
    "target_bold": lambda run, row, target: target.bold,
    "repetition_time": lambda run, row, target: run.repetition_time,
    "states": lambda run, row, target: run.counted_states(row),
}
# FC and FCD as they are compared with the target come first.
ARGUMENTS = ("simulated_fc", "simulated_fcd", *_VALUES)
#: What functions get whose arguments have names of their own, in this order.
POSITIONAL = ARGUMENTS[:5]
#: Arguments for which simulations have to record more than FC, FCD and means.
RECORDED = {"simulated_bold": "bold", "states": "states"}


def choose_arguments(names):
    """Choose what a function gets, from the names of its arguments without a default.

    Parameters
    ----------
    names : sequence of str

    Returns
    -------
    tuple of str or None
        Of :data:`ARGUMENTS`, to be given by name; None for those of :data:`POSITIONAL`, to be given in order.

    Raises
    ------
    InputError
        If it asks for something that there is not.
    """
    if names and set(names) <= set(ARGUMENTS):
        return tuple(names)
    unknown = [name for name in names if name not in ARGUMENTS]
    if len(names) == len(POSITIONAL) and not set(names) & set(ARGUMENTS[len(POSITIONAL) :]):
        return None
    found = f"the argument {unknown[0]}" if unknown else "no arguments"
    raise InputError(
        f"the function has {found}, which cannot be given; name those it needs, out of {', '.join(ARGUMENTS)}"
    )


@dataclass(frozen=True, eq=False)
class UserTerm:
    """A term of the user's own.

    Parameters
    ----------
    function : callable
        Gives one number to be minimised. It gets what its arguments are called: ``simulated_fc`` (P,),
        ``simulated_fcd`` (W,) or None, ``target_fc`` (P,), ``target_fcd`` (K,) or None, ``state_means``, a
        dict of (N,) arrays; ``simulated_bold`` (T, N), after the burn-in, with the filter, whole and without
        censoring even where FC and FCD are those of pieces; ``target_bold``, a tuple of such arrays, one for
        every run, NaN in volumes that are censored; ``repetition_time`` (s); ``states``, a dict of
        (samples, N) arrays after the burn-in. Five arguments of other names are the first five of these, in
        this order. It is called for one simulation at a time, so that no score depends on
        the others of a batch, and only for simulations that did not fail.
    worst : float
        The value of a simulation that failed. Larger values, and those that are not finite, count as it.
    """

    function: Callable
    worst: float = 1.0

    @cached_property
    def _chosen(self):
        """Names of what is given by name; None for what is given in order."""
        try:
            arguments = inspect.signature(self.function).parameters.values()
        except ValueError:  # of a function that is not written in Python
            return None
        if any(each.kind is each.VAR_POSITIONAL for each in arguments):
            return None
        return choose_arguments([each.name for each in arguments if each.default is each.empty])

    @property
    def asks(self):
        """Names of what the function gets.

        Raises
        ------
        InputError
            If it asks for something that there is not.
        """
        return POSITIONAL if self._chosen is None else self._chosen

    def __call__(self, run, row, target, compared):
        """Give the value of one simulation of a run: an array of whatever the function gives.

        `compared` are its FC and FCD as they are compared with the target, by the names of arguments.
        """
        given = {
            name: compared[name] if name in compared else _VALUES[name](run, row, target)
            for name in self.asks
        }
        value = self.function(*given.values()) if self._chosen is None else self.function(**given)
        return np.asarray(value)


def recorded_arrays(terms):
    """List what simulations have to record for some terms, beside FC, FCD and means of states."""
    asked = {name for term in terms for name in term.asks}
    return tuple(array for name, array in RECORDED.items() if name in asked)


def score(name, term, run, target, simulated, failed):
    """Call a term for every simulation that did not fail.

    Parameters
    ----------
    name : str
    term : UserTerm
    run : Simulation
    target : cubnm_core.measures.objective.Target
    simulated : ((B,) int array, (B, P) array, (B, W) array or None)
        Places in the batch of the run, FC and FCD as they are compared with the target.
    failed : (B,) bool array

    Returns
    -------
    (B,) float64 array
        NaN for those that failed.

    Raises
    ------
    InputError
        If it gives something other than one number.
    """
    rows, fc, fcd = simulated
    scores = np.full(len(rows), np.nan)
    for place in np.flatnonzero(~failed):
        compared = {"simulated_fc": fc[place], "simulated_fcd": None if fcd is None else fcd[place]}
        value = term(run, rows[place], target, compared)
        if value.size != 1 or value.dtype.kind not in "biuf":
            raise InputError(
                f"The term {name} gave an array of shape {value.shape} ({value.dtype}) for one simulation; "
                "it must give one number."
            )
        scores[place] = value.item()
    if not np.isfinite(scores[~failed]).all():
        logger.warning("The term %s is not finite for some simulations; they count as the worst", name)
    return np.minimum(scores, term.worst)
