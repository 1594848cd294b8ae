"""A golden set's steps in float64: what rounding has left of gradients in the published code's float32 is not always
within 1e-4 of the true ones, because a rectifier's input next to zero may fall on either side.

    python tests/golden/exact.py tests/golden/tiny

writes exact.json beside golden.json: norms of the gradients of every weight, and of what a step of Adam then changes, by
PyTorch and the networks that the benchmark compares with (bench/peers). The tests hold both, the library's and the
published code's, against them.
"""

import json
import os
import sys
from pathlib import Path

import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parents[2] / "bench/peers"))

from networks import Cooperative  # noqa: E402
from training_step import as_map, frozen_statistics, image_loss, norms  # noqa: E402
from weights import load_checkpoints, read_model_file  # noqa: E402


def standard_loss(net: Cooperative, images: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    image_code, shape_code = net.image_encoder(images)
    logits = net.segmentation_decoder(shape_code)
    label_map = F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2).to(images.dtype)
    return (
        F.cross_entropy(logits, labels)
        + image_loss(net.reconstruct(image_code), images)
        + F.cross_entropy(net.correct(as_map(logits)), labels)
        + F.cross_entropy(net.correct(label_map), labels)
    )


def hard_loss(
    net: Cooperative, images: torch.Tensor, labels: torch.Tensor, hard_images: torch.Tensor, hard_logits: torch.Tensor
) -> torch.Tensor:
    others = [layer for part in net.children() if part is not net.image_decoder for layer in norms(part)]
    with frozen_statistics(norms(net.image_decoder), False), frozen_statistics(others, True):
        image_code, shape_code = net.image_encoder(hard_images)
        logits = net.segmentation_decoder(shape_code)
        return (
            F.cross_entropy(logits, labels)
            + image_loss(net.reconstruct(image_code), images)
            + F.cross_entropy(net.correct(as_map(logits)), labels)
            + F.cross_entropy(net.correct(as_map(hard_logits)), labels)
        )


def gradient_norms(net: Cooperative) -> dict[str, float]:
    return {name: float(weight.grad.norm()) for name, weight in net.named_parameters()}


def main(folder: Path) -> None:
    tensors = read_model_file(str(folder / "golden.safetensors"))
    net = load_checkpoints(str(folder / "checkpoints")).double().train()
    names = "input.image", "corrupted.image.spatial", "corrupted.shape.channel"
    images, hard_images, hard_logits = (tensors[name].double() for name in names)
    labels = tensors["input.label"]
    standard_loss(net, images, labels).backward()
    found = {"standard_grad_norms": gradient_norms(net)}
    hard_loss(net, images, labels, hard_images, hard_logits).backward()
    found["cooperative_grad_norms"] = gradient_norms(net)
    before = {name: weight.detach().clone() for name, weight in net.named_parameters()}
    learning_rate = json.loads((folder / "golden.json").read_text())["config"]["learning_rate"]
    torch.optim.Adam(net.parameters(), lr=learning_rate).step()
    found["param_delta_norms_after_one_adam_step"] = {
        name: float((weight.detach() - before[name]).norm()) for name, weight in net.named_parameters()
    }
    to = folder / "exact.json"
    partial = to.with_suffix(".partial")
    partial.write_text(json.dumps(found, indent=1) + "\n")
    os.replace(partial, to)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
