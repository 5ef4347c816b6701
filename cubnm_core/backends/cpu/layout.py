"""How a tile lies in memory."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """How the nodes of simulations lie in memory, and how many are handled at a time.

    Attributes
    ----------
    lanes : int
        Simulations side by side; 1 means that the nodes of a single simulation lie side by side.
    width : int
        Elements of a vector in the coupling pass.
    rows, columns : int
        The coupling pass sums `rows` targets for `columns` vectors of lanes at a time, each sum in a register
        of its own. With one lane, `rows` vectors of targets are summed at a time.
    local_width : int
        Elements of a vector in the other passes; wider ones hide latency.
    own_noise : bool
        Whether every lane has a noise of its own.
    delayed : bool
        Whether activity takes time to arrive; only with one lane.
    """

    lanes: int
    width: int
    rows: int
    columns: int
    local_width: int
    own_noise: bool
    delayed: bool = False

    @property
    def single(self):
        return self.lanes == 1

    def padded_nodes(self, nodes):
        """Nodes, with those that fill up the last block of the coupling pass."""
        block = self.rows * self.width if self.single else self.rows
        return -(-nodes // block) * block

    def size(self, nodes):
        """Elements of one array of a tile."""
        return self.padded_nodes(nodes) * self.lanes
