"""Versions of stages as parameters of rules: a rule runs again when the version of its stage has risen."""

import cubnm_core


def parameters():
    """Give the version of every stage in the form in which rules state it.

    Returns
    -------
    dict of str to int or str
        stage -> value of the parameter ``<stage>_version``.
    """
    return {stage: _marked(stage, version) for stage, version in cubnm_core.STAGE_VERSIONS.items()}


def _marked(stage, version):
    """Make a version differ from every other parameter of a rule.

    Snakemake compares the values of a rule's parameters as a set, without their names: a bare 2 would be
    overlooked beside, say, two seeds. First versions are bare, as results of one version for all have them.
    """
    return version if version == 1 else f"{stage} version {version}"
