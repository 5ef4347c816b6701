"""What measured programs have in common: they answer requests, one JSON object a line, until input ends.

Only the standard library is imported, because the programs run in environments of their own.

{"request": "prepare", "case": {...}}   get everything ready and run once, so that later nothing is compiled
{"request": "measure", "case": {...}}   run once more; the answer holds the CPU and wall seconds of the batch
{"request": "describe"}                 versions and what else a reader of the figures should know
"""

import json
import os
import sys
import time
import traceback


def serve(prepare, describe):
    """Answer requests.

    Parameters
    ----------
    prepare : callable
        Takes the fields of a case as keywords; returns a function without arguments that runs it once.
    describe : callable
        Returns a dictionary.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries that print would otherwise garble the answers
    runs = {}
    for line in sys.stdin:
        try:
            answer = _answer(json.loads(line), prepare, describe, runs)
        except Exception:
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), file=answers, flush=True)


def _answer(request, prepare, describe, runs):
    if request["request"] == "describe":
        return describe()
    key = json.dumps(request["case"], sort_keys=True)
    if request["request"] == "prepare":
        if key not in runs:
            runs[key] = prepare(**request["case"])
            runs[key]()
        return {}
    return _measured(runs[key])


def _measured(run):
    cpu, wall = time.process_time(), time.perf_counter()
    run()
    return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}
