"""How many floating-point operations and bytes the convolutions of the method take (docs/METHOD.md §1 to §3).

A multiplication and an addition are two operations. Normalisation, activations and losses are left out.
"""

from dataclasses import dataclass

FLOAT_BYTES = 4


@dataclass(frozen=True)
class Convolution:
    """One layer: what it does to one sample of the image's size."""

    flops: float
    bytes: float  # its input, its output and its weights, each once


@dataclass(frozen=True)
class Network:
    """A part: the layers in their order."""

    layers: tuple[Convolution, ...]

    @property
    def flops(self):
        return sum(layer.flops for layer in self.layers)

    @property
    def bytes(self):
        return sum(layer.bytes for layer in self.layers)

    @property
    def first(self):
        return self.layers[0].flops


def convolution(inputs: int, outputs: int, kernel: int, pixels_in: int, pixels_out: int) -> Convolution:
    taps = kernel * kernel
    return Convolution(
        flops=2 * taps * inputs * outputs * pixels_out,
        bytes=FLOAT_BYTES * (inputs * pixels_in + outputs * pixels_out + taps * inputs * outputs),
    )


def upsampling(channels: int, pixels_in: int) -> Convolution:
    """A transposed convolution of 2×2 with stride 2: every output pixel meets one tap."""
    return Convolution(
        flops=2 * channels * channels * 4 * pixels_in,
        bytes=FLOAT_BYTES * (5 * channels * pixels_in + 4 * channels * channels),
    )


def residual(inputs: int, outputs: int, pixels: int) -> list[Convolution]:
    return [
        convolution(inputs, outputs, 3, pixels, pixels),
        convolution(outputs, outputs, 3, pixels, pixels),
        convolution(inputs, outputs, 1, pixels, pixels),
    ]


def encoder(inputs: int, w: int, pixels: int) -> list[Convolution]:
    layers = [convolution(inputs, w, 3, pixels, pixels), convolution(w, w, 3, pixels, pixels)]
    for before, after in ((w, 2 * w), (2 * w, 4 * w), (4 * w, 8 * w), (8 * w, 8 * w)):
        layers.append(convolution(before, before, 3, pixels, pixels // 4))
        pixels //= 4
        layers += residual(before, after, pixels)
    return layers + [convolution(8 * w, 8 * w, 1, pixels, pixels)]


def decoder(w: int, outputs: int, pixels: int, learned: bool = False) -> Network:
    layers = []
    pixels //= 256
    for before, after in ((8 * w, 4 * w), (4 * w, 2 * w), (2 * w, w), (w, w)):
        if learned:
            layers.append(upsampling(before, pixels))
        pixels *= 4
        layers += residual(before, after, pixels)
    return Network(tuple(layers + [convolution(w, outputs, 1, pixels, pixels)]))


class Operations:
    """Counts for slices of one size."""

    def __init__(self, width: int, height: int, w: int = 16, channels: int = 1, classes: int = 4):
        pixels = width * height
        deep = pixels // 256
        decoupler = [convolution(8 * w, 8 * w, 3, deep, deep)] * 2
        self.image_encoder = Network(tuple(encoder(channels, w, pixels) + decoupler))
        self.segmentation_decoder = decoder(w, classes, pixels)
        self.image_decoder = decoder(w, channels, pixels, learned=True)
        self.shape_encoder = Network(tuple(encoder(classes, w, pixels)))
        self.shape_decoder = decoder(w, classes, pixels)

    def inference(self, iterations: int, slices: int) -> dict[str, float]:
        """Both networks over a volume, or the fast-thinking one alone."""
        parts = [self.image_encoder, self.segmentation_decoder]
        parts += [self.shape_encoder, self.shape_decoder] * iterations
        return {"flops": slices * sum(part.flops for part in parts), "bytes": slices * sum(p.bytes for p in parts)}

    def training(self, cooperative: bool, slices: int) -> dict[str, float]:
        """One step: forward, gradients of the weights and gradients of the inputs, each as many operations as the
        forward pass; inputs that are data need no gradient."""
        ftn = (self.image_encoder, self.segmentation_decoder, self.image_decoder)
        stn = (self.shape_encoder, self.shape_decoder)
        passes = [*ftn, *stn, *stn]  # L_std; the slow-thinking network sees labels and predictions
        flops = 3 * sum(part.flops for part in passes) - self.image_encoder.first - self.shape_encoder.first
        moved = 3 * sum(part.bytes for part in passes)
        if cooperative:
            hard = [*ftn, *stn, *stn]  # L_hard has the same passes, from x̂ and p̂
            flops += 3 * sum(part.flops for part in hard) - self.image_encoder.first - self.shape_encoder.first
            moved += 3 * sum(part.bytes for part in hard)
            for part in (self.image_decoder, self.segmentation_decoder):
                # The targeted mask: forward and gradient of the code; then the masked code is decoded.
                flops += 3 * part.flops
                moved += 3 * part.bytes
        return {"flops": slices * flops, "bytes": slices * moved}
