"""Errors that a user can cause and a user can cure."""


class InputError(ValueError):
    """An input that cannot be used; the message says what was found, what is allowed and what to do."""
