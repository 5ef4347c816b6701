"""Words and names that messages, tables and pages share."""


def plural(count, noun):
    """`1 person`, `3 people`."""
    many = {"person": "people", "other person": "other people"}.get(noun, f"{noun}s")
    return f"{count} {noun if count == 1 else many}"


def unit_name(participant_id, session_id=""):
    """Name a unit as files do: ``sub-<participant>`` or ``sub-<participant>_ses-<session>``."""
    return f"sub-{participant_id}_ses-{session_id}" if session_id else f"sub-{participant_id}"
