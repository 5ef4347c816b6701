"""Linear response of whole models: against simulation, and where there is nothing to linearise."""

import numpy as np
import pytest

from cubnm_core import InputError, linear_response, load_model, simulate
from cubnm_core.connectomes.synthetic import synthetic_connectome
from cubnm_core.linear.branches import find_branches  # noqa: F401
from cubnm_core.measures.comparison import FC_TERMS, Comparison
from cubnm_core.measures.objective import Target

SCAN = {"repetition_time": 1.0, "duration": 330.0, "burn_in": 30.0, "hemodynamics": "friston-3T"}
