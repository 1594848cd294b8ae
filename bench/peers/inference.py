"""The networks ready for inference in one framework: a batch of slices N×1×H×W goes in, logits come out.

Batches have one size, which TorchScript and ONNX Runtime are given in advance; it is the fastest for them.
"""

import copy
import warnings

import torch
from torch.nn.utils.fusion import fuse_conv_bn_eval

from machine import computes_bfloat16
from networks import Cooperative, FastSegmentation, TwoStageSegmentation


def stages(networks: Cooperative, iterations: int) -> torch.nn.Module:
    """Image to logits, with or without correction by the slow-thinking network."""
    return (TwoStageSegmentation if iterations else FastSegmentation)(networks).eval()


class Eager:
    """The modules as they are."""

    def __init__(self, network, shape, device, folder):
        self.network = network.to(device)

    def __call__(self, batch):
        return self.network(batch)


def fold_batch_norm(network: torch.nn.Module) -> torch.nn.Module:
    """A copy in which every convolution has taken over the batch normalisation that follows it."""
    network = copy.deepcopy(network)
    for sequence in [module for module in network.modules() if isinstance(module, torch.nn.Sequential)]:
        for index in range(len(sequence) - 1):
            if isinstance(sequence[index], torch.nn.Conv2d) and isinstance(sequence[index + 1], torch.nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(sequence[index], sequence[index + 1])
                sequence[index + 1] = torch.nn.Identity()
    return network


class Folded:
    """Batch normalisation folded into the convolutions, channels last."""

    dtype = torch.float32

    def __init__(self, network, shape, device, folder):
        network = fold_batch_norm(network).to(device, self.dtype)
        self.network = network.to(memory_format=torch.channels_last)

    def __call__(self, batch):
        return self.network(batch.to(self.dtype, memory_format=torch.channels_last)).float()


class FoldedBfloat16(Folded):
    """The same in bfloat16."""

    dtype = torch.bfloat16

    def __init__(self, network, shape, device, folder):
        if not computes_bfloat16(device):
            raise RuntimeError("this processor has no bfloat16 instructions")
        super().__init__(network, shape, device, folder)


class TorchScript:
    """Traced, frozen and optimised."""

    def __init__(self, network, shape, device, folder):
        network = network.to(device)
        with torch.no_grad():
            traced = torch.jit.freeze(torch.jit.trace(network, torch.zeros(shape, device=device)))
            self.network = torch.jit.optimize_for_inference(traced)

    def __call__(self, batch):
        return self.network(batch)


class OnnxRuntime:
    """Exported to ONNX and run by ONNX Runtime."""

    def __init__(self, network, shape, device, folder):
        import onnxruntime

        provider = "CUDAExecutionProvider" if device.type == "cuda" else "CPUExecutionProvider"
        if provider not in onnxruntime.get_available_providers():
            raise RuntimeError(f"this ONNX Runtime has no {provider}")
        path = f"{folder}/{type(network).__name__}.{'x'.join(map(str, shape))}.onnx"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network.cpu(),
                (torch.zeros(shape),),
                path,
                input_names=["image"],
                output_names=["logits"],
                external_data=False,
                verbose=False,
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(path, options, providers=[provider])

    def __call__(self, batch):
        (logits,) = self.session.run(None, {"image": batch.cpu().numpy()})
        return torch.from_numpy(logits)


RUNTIMES = {
    "eager": Eager,
    "folded": Folded,
    "folded-bf16": FoldedBfloat16,
    "torchscript": TorchScript,
    "onnxruntime": OnnxRuntime,
}
