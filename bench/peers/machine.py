"""What this machine can do at most, measured with PyTorch's own kernels."""

import time

import torch

REPETITIONS = 5


def best_of(action, device) -> float:
    """The shortest of several times, in seconds; a peak is what nothing disturbed."""
    times = []
    for _ in range(1 + REPETITIONS):
        synchronise(device)
        start = time.perf_counter()
        action()
        synchronise(device)
        times.append(time.perf_counter() - start)
    return min(times[1:])


def synchronise(device):
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def matrix_product(size: int, dtype, device) -> float:
    """GFLOP/s of a large square matrix product."""
    a, b = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))
    product = torch.empty(size, size, dtype=dtype, device=device)
    return 2 * size**3 / best_of(lambda: torch.mm(a, b, out=product), device) / 1e9


def convolution(samples: int, dtype, device) -> float:
    """GFLOP/s of a large 3×3 convolution of 256 channels. On processors for which the library of matrix products was
    not made, this comes nearer to what they can do."""
    image, weights = torch.rand(samples, 256, 64, 64, device=device), torch.rand(256, 256, 3, 3, device=device)
    image, weights = (tensor.to(dtype, memory_format=torch.channels_last) for tensor in (image, weights))
    flops = 2 * 9 * 256 * 256 * 64 * 64 * samples
    return flops / best_of(lambda: torch.conv2d(image, weights, padding=1), device) / 1e9


def copy(mebibytes: int, device) -> float:
    """GB/s of a large copy, bytes read and bytes written."""
    source = torch.zeros(mebibytes * 2**18, device=device)
    target = torch.zeros_like(source)
    return 2 * mebibytes * 2**20 / best_of(lambda: target.copy_(source), device) / 1e9


def computes_bfloat16(device) -> bool:
    """Whether the device has instructions for it; without them a large product takes minutes."""
    return device.type == "cuda" or torch.ops.mkldnn._is_mkldnn_bf16_supported()


@torch.inference_mode()
def peaks(device: torch.device) -> dict[str, float]:
    """What the contestants' times are compared with."""
    size, samples = (8192, 256) if device.type == "cuda" else (3072, 8)
    measured = {"copy_gbps": copy(512, device)}
    for dtype in (torch.float32, torch.bfloat16) if computes_bfloat16(device) else (torch.float32,):
        name = str(dtype).removeprefix("torch.")
        measured[f"{name}_matrix_product_gflops"] = matrix_product(size, dtype, device)
        measured[f"{name}_convolution_gflops"] = convolution(samples, dtype, device)
    return measured
