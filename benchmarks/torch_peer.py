"""The same network and training step in PyTorch; runs by itself in an environment with PyTorch, see `training_speed`.

Reads a line of JSON: the fields of a `ViTConfig` with the residual stem and TokenLearner 1.1, and batch size, threads,
whether to compile. Prints the number of parameters; then, for each number of seconds that it reads, images a second.
"""

import json
import sys
import time
from typing import Any

import torch
from torch import nn
from torch.nn import functional

_RATE, _DECAY, _CLIP, _SMOOTHING, _AVERAGE = 1e-3, 0.05, 1.0, 0.1, 0.99


class Attention(nn.Module):
    """Multi-head self-attention with one product for query, key and value."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads, self.qkv, self.projection = heads, nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the attended tokens, [batch, tokens, dim]."""
        batch, tokens, dim = x.shape
        qkv = self.qkv(x).view(batch, tokens, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(*qkv.unbind(0))
        return self.projection(attended.transpose(1, 2).reshape(batch, tokens, dim))


def make_mlp(dim: int, hidden: int, output: int) -> nn.Sequential:
    """Makes two dense layers with GELU between."""
    return nn.Sequential(nn.Linear(dim, hidden), nn.GELU(approximate="tanh"), nn.Linear(hidden, output))


class Block(nn.Module):
    """Pre-norm encoder block."""

    def __init__(self, dim: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.attention_norm, self.attention = nn.LayerNorm(dim, 1e-6), Attention(dim, heads)
        self.mlp_norm, self.mlp = nn.LayerNorm(dim, 1e-6), make_mlp(dim, hidden, dim)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the encoded tokens, [batch, tokens, dim]."""
        x = x + self.attention(self.attention_norm(x))
        return x + self.mlp(self.mlp_norm(x))


class TokenLearner(nn.Module):
    """TokenLearner 1.1."""

    def __init__(self, dim: int, hidden: int, tokens: int) -> None:
        super().__init__()
        self.norm, self.mlp = nn.LayerNorm(dim, 1e-6), make_mlp(dim, hidden, tokens)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the tokens, [batch, tokens, dim]."""
        return self.mlp(self.norm(x)).softmax(dim=1).transpose(1, 2) @ x


class Network(nn.Module):
    """The mini Vision Transformer."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__()
        dim, channels = config["dim"], 3
        stem = []
        for i in reversed(range(config["patch_size"].bit_length() - 1)):
            width = dim >> i
            for inputs, stride in ((channels, 2), (width, 1)):
                norm = nn.BatchNorm2d(width, eps=1e-3, momentum=0.01)
                stem.append(nn.Sequential(nn.Conv2d(inputs, width, 3, stride, 1, bias=False), norm, nn.ReLU()))
            channels = width
        self.stem = nn.ModuleList(stem)
        patches = (config["image_size"] // config["patch_size"]) ** 2
        self.positions = nn.Parameter(torch.randn(patches, dim) * 0.02)
        blocks: list[nn.Module] = [
            Block(dim, config["num_heads"], config["mlp_dims"][0]) for _ in range(config["depth"])
        ]
        reducer = TokenLearner(dim, config["token_bottleneck_dim"], config["num_tokens"])
        blocks.insert(config["blocks_before_token_learner"], reducer)
        self.blocks, self.norm = nn.Sequential(*blocks), nn.LayerNorm(dim, 1e-6)
        self.logits = nn.Linear(dim, config["num_classes"])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Returns the logits, [batch, classes], of images [batch, channels, height, width]."""
        for i, convolution in enumerate(self.stem):
            x = x + convolution(x) if i % 2 else convolution(x)
        x = x.flatten(2).transpose(1, 2) + self.positions  # [batch, patches, dim]
        logits: torch.Tensor = self.logits(self.norm(self.blocks(x)).mean(dim=1))
        return logits


def main() -> None:
    """Trains on one batch over and over."""
    config = json.loads(sys.stdin.readline())
    torch.set_num_threads(config["threads"])
    network = Network(config["network"]).to(memory_format=torch.channels_last)
    parameters = list(network.parameters())
    average = [parameter.detach().clone() for parameter in parameters]
    optimizer = torch.optim.AdamW(parameters, lr=_RATE, weight_decay=_DECAY, fused=True)
    size, batch = config["network"]["image_size"], config["batch_size"]
    images = torch.randn(batch, 3, size, size).to(memory_format=torch.channels_last)
    labels = torch.randint(config["network"]["num_classes"], (batch,))
    forward = torch.compile(network) if config["compile"] else network

    def step() -> None:
        optimizer.zero_grad()
        functional.cross_entropy(forward(images), labels, label_smoothing=_SMOOTHING).backward()
        torch.nn.utils.clip_grad_norm_(parameters, _CLIP, foreach=True)
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 1 - _AVERAGE)

    for _ in range(3):
        step()
    print(sum(parameter.numel() for parameter in parameters), flush=True)
    for line in sys.stdin:
        steps, begin = 0, time.monotonic()
        while time.monotonic() - begin < float(line):
            step()
            steps += 1
        print(steps * batch / (time.monotonic() - begin), flush=True)


if __name__ == "__main__":
    main()
