"""Who is fitted: a participant in a session, and the keys by which tables, paths and histories know them."""

from dataclasses import dataclass

from workflow_scripts.files.job import MISSING
from workflow_scripts.files.words import unit_name

IDS = ("participant_id", "session_id")


@dataclass(frozen=True)
class Unit:
    """A participant in a session; or a group or a synthetic twin, which are fitted like one.

    Attributes
    ----------
    participant_id : str
    session_id : str
        "" without sessions.
    name : str
        In paths, archives and messages; by default ``sub-<participant>`` or
        ``sub-<participant>_ses-<session>``.
    """

    participant_id: str
    session_id: str = ""
    name: str = ""

    def __post_init__(self):
        if not self.name:
            object.__setattr__(self, "name", unit_name(self.participant_id, self.session_id))

    @classmethod
    def from_record(cls, record):
        """Read a unit from parameters of a rule, or from a record of an archive."""
        return cls(record["participant_id"], record["session_id"], record["unit"])

    @classmethod
    def from_key(cls, key):
        """Make the unit of a participant and session as they stand in tables; see :attr:`key`."""
        participant, session = key
        return cls(participant, "" if session == MISSING else session)

    @property
    def key(self):
        """Participant and session as they stand in tables that are read as text."""
        return self.participant_id, self.session_id or MISSING

    @property
    def ids(self):
        """Participant and session as columns of a table."""
        return dict(zip(IDS, (self.participant_id, self.session_id), strict=True))

    @property
    def record(self):
        """The unit as parameters of rules and records of archives hold it."""
        return {"unit": self.name, **self.ids}

    def __str__(self):
        return self.name


def from_records(records):
    """Read the units among the parameters of a rule, a list of Unit."""
    return [Unit.from_record(record) for record in records]


@dataclass(frozen=True)
class FitKey:
    """One search: who is fitted, and which restart it is.

    As text it is the name of the history, and a part of what its fingerprint is made of.

    Attributes
    ----------
    name : str
        Of the unit, or of one of its null models.
    restart : int
    """

    name: str
    restart: int

    def __str__(self):
        return f"{self.name}_restart-{self.restart}"
