"""The configuration: checked, completed, resolved to the settings of each fit."""
