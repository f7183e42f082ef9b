"""REINFORCE on cart-pole, in a second or two: what trains the networks that the adapters are tested with."""

import gymnasium
import numpy as np


def reinforce(network, seed=0, updates=12, num_envs=64, steps=80):
    """Train a network from observations [N, 4] to logits [N, 2], by returns to go of the compiled batch."""
    import torch

    torch.manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    env = gymnasium.make_vec("rlbench/CartPole-v0", num_envs, autoreset_mode=gymnasium.vector.AutoresetMode.SAME_STEP)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    observation, _ = env.reset(seed=seed)
    for _ in range(updates):
        seen, chosen, ended = [], [], []
        for _ in range(steps):
            with torch.no_grad():
                action = torch.distributions.Categorical(logits=network(torch.as_tensor(observation))).sample().numpy()
            seen.append(observation)
            chosen.append(action)
            observation, _, terminated, truncated, _ = env.step(action)
            ended.append(terminated | truncated)
        G_t = returns_to_go(np.array(ended))
        advantage = torch.as_tensor((G_t - G_t.mean()) / G_t.std())
        policy = torch.distributions.Categorical(logits=network(torch.as_tensor(np.array(seen))))
        optimizer.zero_grad()
        (-(policy.log_prob(torch.as_tensor(np.array(chosen))) * advantage).mean()).backward()
        optimizer.step()
    env.close()
    torch.set_num_threads(threads)


def returns_to_go(ended, discount=0.98):
    """Discounted returns [T, N] of a reward of 1 in every step, from where episodes end."""
    G_t = np.zeros(ended.shape, np.float32)
    following = np.zeros(ended.shape[1], np.float32)
    for t in reversed(range(len(ended))):
        following = 1 + discount * following * ~ended[t]
        G_t[t] = following
    return G_t
