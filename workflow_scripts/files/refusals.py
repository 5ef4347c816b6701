"""Refusals of inputs as Snakemake shows them: the message, and no lines of programs."""

from contextlib import contextmanager

from snakemake.exceptions import CliException

from cubnm_core.errors import InputError


class Refusal(CliException):
    """What the user can cure; Snakemake shows such errors as ``Error: message``."""

    # Snakemake lists the lines of Snakefiles and scripts that this attribute names.
    __traceback__ = None


@contextmanager
def shown_plainly():
    """Turn an InputError into a Refusal."""
    try:
        yield
    except InputError as error:
        raise Refusal(str(error)) from None
