"""The rules of Tromp and Taylor as they read: sets, searches from scratch, every earlier position kept."""


class Naive:
    """A game on m x n points; colours are 1 and -1, points are (row, column)."""

    def __init__(self, rows, columns, suicide=False):
        self.rows, self.columns, self.suicide = rows, columns, suicide
        self.stones, self.seen, self.passes = {}, {frozenset()}, 0

    def neighbours(self, point):
        row, column = point
        near = ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
        return [(r, c) for r, c in near if 0 <= r < self.rows and 0 <= c < self.columns]

    def reached(self, stones, point):
        """The points connected with one by its own colour, and the colours beside them."""
        colour, found, beside, todo = stones.get(point, 0), {point}, set(), [point]
        while todo:
            for near in self.neighbours(todo.pop()):
                if stones.get(near, 0) != colour:
                    beside.add(stones.get(near, 0))
                elif near not in found:
                    found.add(near)
                    todo.append(near)
        return found, beside

    def without_dead(self, stones, colour):
        dead = {point for point in stones if stones[point] == colour and 0 not in self.reached(stones, point)[1]}
        return {point: each for point, each in stones.items() if point not in dead}

    def after(self, point, colour):
        """The stones after a move; None for an illegal one."""
        if point in self.stones:
            return None
        stones = self.without_dead({**self.stones, point: colour}, -colour)
        left = self.without_dead(stones, colour)
        if len(left) < len(stones) and not self.suicide:
            return None
        return None if frozenset(left.items()) in self.seen else left

    def legal(self, colour):
        """The legal actions, the pass included."""
        points = ((row, column) for row in range(self.rows) for column in range(self.columns))
        return [k for k, point in enumerate(points) if self.after(point, colour) is not None] + [
            self.rows * self.columns
        ]

    def play(self, action, colour):
        if action == self.rows * self.columns:
            self.passes += 1
            return
        self.passes = 0
        self.stones = self.after(divmod(action, self.columns), colour)
        self.seen.add(frozenset(self.stones.items()))

    def board(self):
        return [[self.stones.get((row, column), 0) for column in range(self.columns)] for row in range(self.rows)]

    def area(self):
        """Black's area less White's."""
        total = sum(self.stones.values())
        for point in ((row, column) for row in range(self.rows) for column in range(self.columns)):
            if point not in self.stones:
                beside = self.reached(self.stones, point)[1]
                total += sum(beside) if len(beside) == 1 else 0
        return total
