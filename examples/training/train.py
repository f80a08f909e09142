"""Train a small CNN on CIFAR-10 with the imported normalization: `python train.py`.

N images, C channels, H x W pixels.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dvclive import Live
from ruamel.yaml import YAML
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset
from torchvision.transforms import v2

CLASSES = 10
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


@dataclass(frozen=True)
class Epoch:
    loss: float  # mean cross-entropy of the images trained on, each before its step
    accuracy: float  # the fraction of the held-out images that is classified rightly


def load_params(path: str) -> dict[str, Any]:
    params: dict[str, Any] = YAML(typ="safe", pure=True).load(Path(path))
    return params


def load_split(name: str) -> TensorDataset:
    """Images, uint8 (N, C, H, W), and labels, int64 (N,), in the memory of the device."""
    folder = Path("cifar10") / name
    images_NCHW = torch.from_numpy(np.load(folder / "images.npy"))
    labels_N = torch.from_numpy(np.load(folder / "labels.npy")).long()
    return TensorDataset(images_NCHW.to(DEVICE), labels_N.to(DEVICE))


def load_normalization(path: Path) -> v2.Normalize:
    return v2.Normalize(**json.loads(path.read_text()))


def prepare(images_NCHW: Tensor, normalize: v2.Normalize) -> Tensor:
    """Uint8 pixels as the network gets them: the fractions of `ToTensor`, normalized."""
    normalized: Tensor = normalize(images_NCHW.float() / 255)
    return normalized


def small_cnn(pixels: int, *, batch_norm: bool) -> nn.Sequential:
    """Three convolutions, each halving the side, for square images with a side of `pixels`."""
    layers: list[nn.Module] = []
    channels = 3
    for features in (16, 32, 64):
        layers.append(nn.Conv2d(channels, features, kernel_size=3, padding=1))
        if batch_norm:
            layers.append(nn.BatchNorm2d(features))
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        channels = features
    layers += [nn.Flatten(), nn.Linear(channels * (pixels // 8) ** 2, CLASSES)]
    return nn.Sequential(*layers)


def train(
    images: TensorDataset,
    held_out: TensorDataset,
    normalize: v2.Normalize,
    *,
    network: str,
    learning_rate: float,
    epochs: int,
    batch_images: int,
    seed: int,
) -> Iterator[Epoch]:
    """Train from scratch; after each epoch, how it went. On a CPU, the same seed gives the same."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)  # several share out the sums: their number would show in the result
    pixels = images.tensors[0].shape[-1]
    cnn = small_cnn(pixels, batch_norm=network == "batch_norm")
    cnn = cnn.to(DEVICE).to(memory_format=torch.channels_last)  # the faster layout
    optimizer = torch.optim.SGD(
        cnn.parameters(), learning_rate, momentum=0.9, nesterov=True, weight_decay=5e-4
    )
    steps = epochs * -(-len(images) // batch_images)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, total_steps=steps)
    for _ in range(epochs):
        cnn.train()
        losses = torch.zeros((), device=DEVICE)
        for batch in torch.randperm(len(images)).split(batch_images):
            images_NCHW, labels_N = images[batch]
            loss = cross_entropy(cnn(prepare(images_NCHW, normalize)), labels_N)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses += loss.detach() * len(batch)
        yield Epoch(losses.item() / len(images), accuracy(cnn, held_out, normalize))


@torch.inference_mode()
def accuracy(cnn: nn.Module, images: TensorDataset, normalize: v2.Normalize) -> float:
    cnn.eval()
    right = 0
    for batch in torch.arange(len(images)).split(1000):
        images_NCHW, labels_N = images[batch]
        scores = cnn(prepare(images_NCHW, normalize))
        right += int((scores.argmax(dim=1) == labels_N).sum())
    return right / len(images)


def save_accuracy(path: Path, epoch: Epoch) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{{"accuracy": {epoch.accuracy}}}\n')


def main() -> None:
    params = load_params("params.yaml")
    network = params["network"]
    course = train(
        load_split("train"),
        load_split("test"),
        load_normalization(Path("normalization.json")),
        network=network,
        learning_rate=params["learning_rate"][network],
        epochs=params["epochs"],
        batch_images=params["batch_images"],
        seed=params["seed"],
    )
    with Live("curves", dvcyaml=None, save_dvc_exp=False) as live:
        for epoch in course:
            live.log_metric("train/loss", epoch.loss)
            live.log_metric("test/accuracy", epoch.accuracy)
            live.next_step()
            print(f"loss {epoch.loss:.4f}, accuracy {epoch.accuracy:.4f}", flush=True)


if __name__ == "__main__":
    main()
