"""Words that messages and pages share."""


def plural(count, noun):
    """`1 person`, `3 people`."""
    many = {"person": "people", "other person": "other people"}.get(noun, f"{noun}s")
    return f"{count} {noun if count == 1 else many}"
