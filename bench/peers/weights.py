"""Weights: from a coopseg model file to a published checkpoint directory, and from there into the networks."""

import json
import os
from pathlib import Path

import numpy
import torch

from networks import Cooperative

TYPES = {"F32": numpy.float32, "I64": numpy.int64}


def read_model_file(path: str) -> dict[str, torch.Tensor]:
    """The tensors of a coopseg model file (safetensors), by name."""
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    tensors = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[start + begin : start + end], dtype=TYPES[entry["dtype"]])
        tensors[name] = torch.from_numpy(values.copy()).reshape(entry["shape"])
    return tensors


def sizes(tensors: dict[str, torch.Tensor]) -> dict[str, int]:
    """Arguments of `Cooperative` that fit the tensors."""
    width, channels = tensors["image_encoder.general_encoder.inc.0.weight"].shape[:2]
    return {"channels": channels, "classes": len(tensors["shape_decoder.final_conv.bias"]), "w": width}


def write_checkpoints(model_file: str, folder: str) -> None:
    """Saves the five `state_dict` files of a published checkpoint directory."""
    tensors = read_model_file(model_file)
    networks = Cooperative(**sizes(tensors))
    networks.load_state_dict(tensors)
    os.makedirs(folder, exist_ok=True)
    for name, part in networks.named_children():
        torch.save(part.state_dict(), f"{folder}/{name}.pth")


def load_checkpoints(folder: str) -> Cooperative:
    """The networks with the weights of a published checkpoint directory."""
    parts = {path.stem: torch.load(path, weights_only=True) for path in Path(folder).glob("*.pth")}
    tensors = {f"{part}.{name}": tensor for part, state in parts.items() for name, tensor in state.items()}
    networks = Cooperative(**sizes(tensors))
    networks.load_state_dict(tensors)
    return networks
