"""What a section of the page is."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """One section of the report: anchor, heading, template, what it shows, and whether it is open."""

    name: str
    title: str
    template: str
    context: dict
    unfolded: bool = False
