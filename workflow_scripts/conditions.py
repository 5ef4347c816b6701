"""Under which conditions a score was computed: columns that stand beside every one of them."""

ANALYSIS = ("pairs", "band_pass", "window", "window_step", "edges")


def of_analysis(analysis):
    """Give the settings of an analysis as they stand in a table, by the columns of :data:`ANALYSIS`.

    Parameters
    ----------
    analysis : dict
        Section ``analysis`` of the resolved settings of a fit.

    Returns
    -------
    dict
    """
    band = analysis["band_pass"]
    return {
        "pairs": analysis["pairs"],
        "band_pass": "none" if band is None else f"{band[0]}-{band[1]}",
        "window": analysis["window"],
        "window_step": analysis["window_step"],
        "edges": analysis["edges"],
    }


def of_seeds(seeds):
    """Give number, first and last of successive noise seeds."""
    return {"n_seeds": len(seeds), "seeds": f"{seeds[0]}-{seeds[-1]}"}
