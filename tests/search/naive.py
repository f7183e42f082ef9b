"""A search as the papers read: nodes are objects, a simulation is a recursion, games are played by naive rules."""

import copy
import math

import numpy as np

from tests.envs.go.naive import Naive


class NaiveGame:
    """A game of Go as the search sees it: naive rules, turns, passes, and observations."""

    def __init__(self, size, komi, suicide=False, max_moves=None):
        self.size, self.komi = size, komi
        self.game, self.to_move, self.turns, self.last, self.before_last = Naive(size, size, suicide), 1, 0, -1, -1
        self.max_moves = 2 * size * size if max_moves is None else max_moves

    def after(self, action):
        new = copy.deepcopy(self)
        new.game.play(action, self.to_move)
        new.to_move, new.turns, new.last, new.before_last = -self.to_move, self.turns + 1, action, self.last
        return new

    @property
    def ended(self):
        return self.game.passes == 2 or self.turns >= self.max_moves

    @property
    def z(self):
        """The result for the player to move."""
        score = self.game.area() - self.komi
        return self.to_move * ((score > 0) - (score < 0))

    def legal(self):
        return self.game.legal(self.to_move)

    def planes(self):
        planes = np.zeros((5, self.size, self.size), np.uint8)
        board = np.array(self.game.board())
        planes[0], planes[1], planes[4] = board == self.to_move, board == -self.to_move, self.to_move == 1
        for plane, action in ((2, self.last), (3, self.before_last)):
            if 0 <= action < self.size**2:
                planes[plane][divmod(action, self.size)] = 1
        return planes


class Node:
    def __init__(self, game, evaluate):
        self.game = game
        if game.ended:
            self.v = float(game.z)
            return
        legal = game.legal()
        mask = np.zeros(game.size**2 + 1, np.int8)
        mask[legal] = 1
        logits, value = evaluate(game.planes()[None], mask[None])
        self.v = float(value[0])
        self.logits = {a: float(logits[0, a]) for a in legal}
        largest = max(self.logits.values())
        total = 0.0
        for a in legal:
            total += math.exp(self.logits[a] - largest)
        self.P = {a: float(np.float32(math.exp(self.logits[a] - largest) / total)) for a in legal}
        self.N, self.W, self.children = dict.fromkeys(legal, 0), dict.fromkeys(legal, 0.0), {}

    def Q(self, a):
        return self.W[a] / self.N[a]


def simulate(node, choose, evaluate):
    """One simulation below a node; returns the value for its player, and counts it."""
    action = choose(node)
    if action not in node.children:
        node.children[action] = Node(node.game.after(action), evaluate)
        v = -node.children[action].v
    elif node.children[action].game.ended:
        v = -node.children[action].v
    else:
        v = -simulate(node.children[action], choose, evaluate)
    node.N[action] += 1
    node.W[action] += v
    return v


def puct(c_base=19652.0, c_init=1.25):
    def choose(node):
        N_s = 1 + sum(node.N.values())
        c = (math.log((1 + N_s + c_base) / c_base) + c_init) * math.sqrt(N_s)
        return max(node.N, key=lambda a: (node.Q(a) if node.N[a] else 0.0) + c * node.P[a] / (1 + node.N[a]))

    return choose


def sigma_of_completed(node, c_visit=50.0, c_scale=1.0):
    """sigma(completedQ) of each action."""
    tried = [a for a in node.N if node.N[a]]
    v = node.v
    if tried:
        prior, weighted = 0.0, 0.0
        for a in tried:
            prior += node.P[a]
            weighted += node.P[a] * node.Q(a)
        visits = sum(node.N.values())
        v = (node.v + visits * weighted / prior) / (1 + visits)
    scale = (c_visit + max(node.N.values())) * c_scale
    return {a: scale * (0.5 + 0.5 * (node.Q(a) if node.N[a] else v)) for a in node.N}


def improved(node):
    q = sigma_of_completed(node)
    x = {a: node.logits[a] + q[a] for a in node.N}
    largest = max(x.values())
    e = {a: math.exp(x[a] - largest) for a in x}
    total = 0.0
    for a in x:
        total += e[a]
    return {a: e[a] / total for a in x}


def gumbel_score(node, g, a):
    return g[a] + node.logits[a] + sigma_of_completed(node)[a]


def with_noise(P, gamma, epsilon):
    """Priors mixed with a draw from a Dirichlet distribution, given as draws from gamma distributions."""
    total = 0.0
    for a in P:
        total += gamma[a]
    return {a: float(np.float32((1 - epsilon) * P[a] + epsilon * (gamma[a] / total))) for a in P}


def search_puct(game, evaluate, simulations, gamma=None, epsilon=0.25, **constants):
    root = Node(game, evaluate)
    if gamma is not None:
        root.P = with_noise(root.P, gamma, epsilon)
    for _ in range(simulations):
        simulate(root, puct(**constants), evaluate)
    return root, max(root.N, key=root.N.get)


def search_gumbel(game, evaluate, simulations, g, considered=16):
    """Sequential halving as a loop over phases, each over the actions that are left."""
    root = Node(game, evaluate)

    def below(node):
        pi, visits = improved(node), sum(node.N.values())
        return max(node.N, key=lambda a: pi[a] - node.N[a] / (1 + visits))

    def visit(a):
        simulate(root, lambda node: a if node is root else below(node), evaluate)

    def best(actions):
        return max(actions, key=lambda a: gumbel_score(root, g, a))

    m = min(considered, len(root.N), simulations)
    pool, count = list(root.N), m
    spent, phases = 0, max(1, math.ceil(math.log2(m)))
    while spent < simulations:
        for _ in range(max(1, simulations // (phases * count))):
            visited = []
            while len(visited) < count and spent < simulations:
                visited.append(best([a for a in pool if a not in visited]))
                visit(visited[-1])
                spent += 1
            pool = sorted(visited)  # of a phase's first round: the better half goes on
        count = max(min(2, m), count // 2)
    most = max(root.N.values())
    return root, best([a for a in root.N if root.N[a] == most])
