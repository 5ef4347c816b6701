"""What a dry run says: how many jobs of each rule, and their inputs."""

import re


def counts(text):
    """Read the table of planned jobs."""
    return {name: int(number) for name, number in re.findall(r"^(\w+) +(\d+)$", text, flags=re.MULTILINE)}


def inputs_of(text, rule):
    """Read the inputs of every planned job of a rule."""
    return re.findall(rf"^(?:local)?rule {rule}:\n +input: (.*)$", text, flags=re.MULTILINE)
