"""The networks that CleanRL publishes, as modules of torch: the second opinion on what is found by names and shapes."""

from itertools import pairwise

import torch
from torch import nn


def stack(sizes, activation, normalized=False):
    layers = []
    for inputs, outputs in pairwise(sizes):
        layers += [nn.Linear(inputs, outputs)]
        layers += [nn.LayerNorm(outputs)] if normalized and outputs != sizes[-1] else []
        layers += [activation()] if outputs != sizes[-1] else []
    return nn.Sequential(*layers)


def convolutions(channels):
    sizes = [(channels, 32, 8, 4), (32, 64, 4, 2), (64, 64, 3, 1)]
    layers = [layer for size in sizes for layer in (nn.Conv2d(*size[:3], stride=size[3]), nn.ReLU())]
    return [*layers, nn.Flatten(), nn.Linear(64 * 7 * 7, 512), nn.ReLU()]


class PPO(nn.Module):
    def __init__(self, inputs, actions):
        super().__init__()
        self.critic = stack((inputs, 64, 64, 1), nn.Tanh)
        self.actor = stack((inputs, 64, 64, actions), nn.Tanh)

    def best(self, x):
        return self.actor(x.float()).argmax(1)


class ContinuousPPO(nn.Module):
    def __init__(self, inputs, actions):
        super().__init__()
        self.critic = stack((inputs, 64, 64, 1), nn.Tanh)
        self.actor_mean = stack((inputs, 64, 64, actions), nn.Tanh)
        self.actor_logstd = nn.Parameter(torch.zeros(1, actions))

    def best(self, x):
        return self.actor_mean(x.float()).clamp(-1, 1)


class AtariPPO(nn.Module):
    def __init__(self, channels, actions):
        super().__init__()
        self.network = nn.Sequential(*convolutions(channels))
        self.actor, self.critic = nn.Linear(512, actions), nn.Linear(512, 1)

    def best(self, x):
        return self.actor(self.network(x / 255.0)).argmax(1)


class AtariLSTM(nn.Module):
    def __init__(self, channels, actions):
        super().__init__()
        self.network = nn.Sequential(*convolutions(channels))
        self.lstm = nn.LSTM(512, 128)
        self.actor, self.critic = nn.Linear(128, actions), nn.Linear(128, 1)
        self.state = None

    def best(self, x):
        hidden, self.state = self.lstm(self.network(x / 255.0)[None], self.state)
        return self.actor(hidden[0]).argmax(1)


class DQN(nn.Module):
    def __init__(self, inputs, actions, normalized=False):
        super().__init__()
        self.network = stack((inputs, 120, 84, actions), nn.ReLU, normalized)

    def best(self, x):
        return self.network(x.float()).argmax(1)


class PQN(DQN):
    def __init__(self, inputs, actions):
        super().__init__(inputs, actions, normalized=True)


class AtariDQN(nn.Module):
    def __init__(self, channels, actions):
        super().__init__()
        self.network = nn.Sequential(*convolutions(channels), nn.Linear(512, actions))

    def best(self, x):
        return self.network(x / 255.0).argmax(1)


class C51(nn.Module):
    def __init__(self, inputs, actions):
        super().__init__()
        self.register_buffer("atoms", torch.linspace(-100, 100, 51))
        self.actions = actions
        self.network = stack((inputs, 120, 84, actions * 51), nn.ReLU)

    def best(self, x):
        mass = self.network(x.float()).view(len(x), self.actions, 51).softmax(2)
        return (mass * self.atoms).sum(2).argmax(1)


class Squashed(nn.Module):
    """TD3's actor, or SAC's, which has a deviation, too."""

    def __init__(self, inputs, actions, last="fc_mu"):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(inputs, 256), nn.Linear(256, 256)
        self.add_module(last, nn.Linear(256, actions))
        if last == "fc_mean":
            self.fc_logstd = nn.Linear(256, actions)
        self.register_buffer("action_scale", torch.full((actions,), 0.75))
        self.register_buffer("action_bias", torch.full((actions,), 0.25))
        self.last = last

    def best(self, x):
        hidden = self.fc2(self.fc1(x.float()).relu()).relu()
        return getattr(self, self.last)(hidden).tanh() * self.action_scale + self.action_bias


class SAC(Squashed):
    def __init__(self, inputs, actions):
        super().__init__(inputs, actions, "fc_mean")


class AtariSAC(nn.Module):
    def __init__(self, channels, actions):
        super().__init__()
        layers = convolutions(channels)
        self.conv = nn.Sequential(*layers[:5], nn.Flatten())  # the last activation is not in it
        self.fc1, self.fc_logits = nn.Linear(64 * 7 * 7, 512), nn.Linear(512, actions)

    def best(self, x):
        return self.fc_logits(self.fc1(self.conv(x / 255.0).relu()).relu()).argmax(1)
