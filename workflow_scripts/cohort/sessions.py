"""Which session's connectome the scans of a session are modelled with, in studies with several sessions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

ORDERED = ("nearest", "first")  # rules that need to know which session came when
SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True)
class SessionRule:
    """How a connectome is chosen for the scans of a session.

    Attributes
    ----------
    name : {"same", "nearest", "first", "mean"}
        ``same`` takes the connectome of the session itself, ``nearest`` that of the session closest in time
        (its own if there is one; of two as close, the earlier), ``first`` that of the earliest session,
        ``mean`` those of all sessions, to be averaged. A connectome without a session serves all sessions.
    times : mapping of str to dict of str to float
        By participant, when each session was, as of :func:`session_times`.
    """

    name: str = "same"
    times: Mapping = field(default_factory=dict)

    def choose(self, participant, session, own):
        """Choose the connectome for a session.

        Parameters
        ----------
        participant, session : str
            Of the scans; `session` is "" without sessions.
        own : dict of str to list of dict
            Session, "" for none, to the rows of the manifest with the connectome of the participant.

        Returns
        -------
        list of dict
            Empty if there is none; of several sessions with the rule ``mean``.
        """
        dated = with_connectome(own)
        if self.name == "same" or not dated:
            return own.get(session) or own.get("", [])
        if len(dated) == 1:
            return own[dated[0]]
        if self.name == "mean":
            return [row for name in dated for row in own[name]]
        when = self.times.get(participant, {})
        if self.name == "first":
            return own[min(dated, key=when.__getitem__)]
        if session in dated:
            return own[session]
        return own[min(dated, key=lambda name: (abs(when[name] - when[session]), when[name]))]


def with_connectome(own):
    """Name the sessions with a connectome of their own; `own` is that of :meth:`SessionRule.choose`."""
    return [name for name, rows in own.items() if name and any(row["kind"] == "sc" for row in rows)]


def session_times(participants):
    """Say when the sessions of every person were.

    Parameters
    ----------
    participants : list of dict
        Rows of the participants table; those with a ``session_id`` count.

    Returns
    -------
    dict of str to dict of str to float
        By participant and session: days, if the column ``acq_time`` holds a date for all sessions of the
        person, else the place among the person's rows.
    """
    rows = {}
    for row in participants:
        if row["session_id"] is not None:
            rows.setdefault(row["participant_id"], []).append(row)
    return {participant: _times(found) for participant, found in rows.items()}


def _times(rows):
    days = [_days(row.get("acq_time")) for row in rows]
    if None in days:
        days = list(range(len(rows)))
    return {row["session_id"]: float(day) for row, day in zip(rows, days, strict=True)}


def _days(text):
    """Read a date, or a date and a time, as days; None where it is neither."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() / SECONDS_PER_DAY


def problems(connectomes, scanned, rule, place):
    """Find people whose sessions are not known well enough to choose among their connectomes.

    Parameters
    ----------
    connectomes : dict of str to dict of str to list of dict
        By participant, as `own` of :meth:`SessionRule.choose`.
    scanned : dict of str to list of str
        By participant, the sessions with scans.
    rule : SessionRule
    place : str
        Name of the participants table, for the messages.

    Returns
    -------
    list of str
    """
    if rule.name not in ORDERED:
        return []
    open_ = []
    for participant, sessions in scanned.items():
        own = with_connectome(connectomes.get(participant, {}))
        needed = {*own, *sessions} if rule.name == "nearest" and set(sessions) - set(own) else set(own)
        absent = needed - set(rule.times.get(participant, {}))
        if len(own) > 1 and absent:
            open_ += [f"sub-{participant} {name or 'without session'}" for name in sorted(absent)]
    if not open_:
        return []
    more = f" and {len(open_) - 5} more" if len(open_) > 5 else ""
    return [
        f"{place}: connectome.session is {rule.name}, but nothing says when these sessions were: "
        f"{', '.join(open_[:5])}{more}; add one row per session (column session_id), in order, or with dates "
        "in a column acq_time (as in a BIDS sessions.tsv)"
    ]
