"""The observables of an analysis, read out of scans and simulations of one set of regions."""

from dataclasses import dataclass

from cubnm_core.errors import InputError
from cubnm_core.measures.observables.catalogue import OBSERVABLES
from cubnm_core.measures.observables.scan import Regions, Scan


@dataclass(frozen=True, eq=False)
class Panel:
    """Some observables of some regions.

    Parameters
    ----------
    names : tuple of str
        Of :data:`cubnm_core.measures.observables.catalogue.OBSERVABLES`.
    regions : Regions
    """

    names: tuple
    regions: Regions

    def measure(self, bold, repetition_time, kept=None, names=None):
        """Read the observables out of one scan or simulation.

        Parameters
        ----------
        bold : (T, N) array
            After the burn-in, filtered.
        repetition_time : float
            In s.
        kept : (T,) bool array, optional
            False for a censored volume.
        names : collection of str, optional
            Those that are wanted; all by default.

        Returns
        -------
        dict of str to (K,) float64 array

        Raises
        ------
        InputError
            If the scan is too short, or what an observable needs of regions is not known.
        """
        scan = Scan(bold, repetition_time, self.regions, kept)
        wanted = [name for name in self.names if names is None or name in names]
        return {name: OBSERVABLES[name].measure(scan) for name in wanted}

    def measure_simulation(self, bold, measurement, layout, names):
        """Read out what a simulation is long enough for, of all of it or pooled over pieces as over runs.

        Parameters
        ----------
        bold : (T, N) array
            After the burn-in, not filtered.
        measurement : cubnm_core.measures.pieces.Measurement
        layout : cubnm_core.measures.pieces.Layout or None
            The pieces; None for all of it as one.
        names : collection of str

        Returns
        -------
        dict of str to (K,) float64 array
        """
        if layout is None:
            return self._measure_possible(measurement.prepare(bold), measurement.repetition_time, None, names)
        runs, cuts = [], measurement.cuts(layout, False)
        for cut in cuts:
            series = measurement.prepare(bold[cut.start : cut.stop])
            runs.append(self._measure_possible(series, measurement.repetition_time, cut.kept, names))
        return pool_runs(runs, [cut.n_counted for cut in cuts])

    def _measure_possible(self, bold, repetition_time, kept, names):
        scan, found = Scan(bold, repetition_time, self.regions, kept), {}
        for name in (name for name in self.names if name in names):
            try:
                found[name] = OBSERVABLES[name].measure(scan)
            except InputError:
                continue
        return found


def pool_runs(runs, volumes):
    """Put the observables together that all runs of one person have.

    Parameters
    ----------
    runs : list of dict of str to (K,) array
        As of :meth:`Panel.measure`.
    volumes : list of int
        That count, of every run.

    Returns
    -------
    dict of str to (K,) array
    """
    names = [name for name in runs[0] if all(name in run for run in runs)]
    return {name: OBSERVABLES[name].pool([run[name] for run in runs], volumes) for name in names}


def summarise(values, repetition_time):
    """Give one number for each of some observables: dict of str to float."""
    return {name: OBSERVABLES[name].summary(found, repetition_time) for name, found in values.items()}
