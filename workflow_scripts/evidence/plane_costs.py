"""Costs over two parameters, and what they are held against."""


def reference_cost(plane):
    """Cost that a plane is held against: that of the optimum, or the lowest where this one is flagged."""
    best = plane.loc[plane["is_best"].astype(str) == "True", "cost"].astype(float)
    grid = plane.loc[plane["is_best"].astype(str) != "True", "cost"].astype(float)
    return float(best.iloc[0]) if best.notna().any() else float(grid.min())
