"""What a section of the page is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One section of the report: anchor, heading, template and what the template shows."""

    name: str
    title: str
    template: str
    context: dict
