"""A training step of the method (docs/METHOD.md §2 and §3) in PyTorch, in the ways that one would write it."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F

from networks import Cooperative


@dataclass
class Settings:
    """What a step does; the same settings go to coopseg."""

    cooperative: bool
    input_noise: float
    largest_fraction: float  # of channels that a targeted mask hits: drawn between 0 and this


def one_hot(labels, classes):
    return F.one_hot(labels, classes).permute(0, 3, 1, 2).float()


def as_map(logits):
    return torch.softmax(logits / 2.0, dim=1)


def image_loss(reconstruction, image):
    return 0.5 * F.mse_loss(reconstruction, image)


def norms(module):
    return [layer for layer in module.modules() if isinstance(layer, torch.nn.BatchNorm2d)]


class frozen_statistics:
    """Batch statistics that leave no trace in the running ones; scale and shift shut off where asked for."""

    def __init__(self, layers, affine_frozen):
        self.layers, self.affine_frozen = layers, affine_frozen

    def __enter__(self):
        self.kept = [(layer.running_mean, layer.running_var) for layer in self.layers]
        for layer in self.layers:
            layer.track_running_stats = False
            layer.running_mean = layer.running_var = None
            if self.affine_frozen:
                layer.weight.requires_grad_(False)
                layer.bias.requires_grad_(False)

    def __exit__(self, *_):
        for layer, (mean, var) in zip(self.layers, self.kept):
            layer.running_mean, layer.running_var = mean, var
            layer.track_running_stats = True
            if self.affine_frozen:
                layer.weight.requires_grad_(True)
                layer.bias.requires_grad_(True)


def masked(code, decode, loss, largest_fraction):
    """The code with the channels of the highest mean gradient scaled down (targeted channel mask, soft)."""
    code = code.detach()
    leaf = code.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(loss(decode(leaf)), leaf)
    score = gradient.mean(dim=(2, 3))
    hits = int(score.shape[1] * (largest_fraction * torch.rand(()).item()))
    threshold = torch.sort(score, dim=1, descending=True)[0][:, hits : hits + 1]
    factor = torch.where(score > threshold, 0.5 * torch.rand_like(score), torch.ones_like(score))
    return code * factor[:, :, None, None]


class PublishedStep:
    """As the published code does it: five optimisers, one loss over both graphs, one backward pass."""

    def __init__(self, networks: Cooperative, settings: Settings):
        self.networks, self.settings = networks.train(), settings
        self.optimizers = self.make_optimizers()

    def make_optimizers(self):
        parts = self.networks.children()
        return [torch.optim.Adam(part.parameters(), lr=1e-4, foreach=False) for part in parts]

    def standard_loss(self, images, labels):
        """L_std, and the codes."""
        net = self.networks
        noisy = images
        if self.settings.input_noise > 0:
            noisy = torch.clamp(images + self.settings.input_noise * torch.randn_like(images), 0, 1)
        image_code, shape_code = net.image_encoder(noisy)
        restored = net.reconstruct(image_code)
        logits = net.segmentation_decoder(shape_code)
        remembered = net.correct(one_hot(labels, logits.shape[1]))
        corrected = net.correct(as_map(logits))
        loss = (
            F.cross_entropy(logits, labels)
            + image_loss(restored, images)
            + F.cross_entropy(corrected, labels)
            + F.cross_entropy(remembered, labels)
        )
        return loss, image_code, shape_code

    def hard_loss(self, images, labels, image_code, shape_code):
        """L_hard, from hard examples that carry no gradient."""
        net, largest = self.networks, self.settings.largest_fraction
        image_layers = norms(net.image_decoder)
        other_layers = [layer for part in net.children() if part is not net.image_decoder for layer in norms(part)]
        with frozen_statistics(image_layers, False), frozen_statistics(other_layers, True):
            hard_code = masked(image_code, net.reconstruct, lambda out: image_loss(out, images), largest)
            hard_shape = masked(
                shape_code, net.segmentation_decoder, lambda out: F.cross_entropy(out, labels), largest
            )
            with torch.no_grad():
                hard_images = net.reconstruct(hard_code)
                hard_logits = net.segmentation_decoder(hard_shape)
            code, decoupled = net.image_encoder(hard_images)
            predicted = net.segmentation_decoder(decoupled)
            return (
                image_loss(net.reconstruct(code), images)
                + F.cross_entropy(predicted, labels)
                + F.cross_entropy(net.correct(as_map(hard_logits)), labels)
                + F.cross_entropy(net.correct(as_map(predicted)), labels)
            )

    def run(self, images, labels):
        """One update; returns the loss as a number."""
        for optimizer in self.optimizers:
            optimizer.zero_grad()
        loss, image_code, shape_code = self.standard_loss(images, labels)
        if self.settings.cooperative:
            loss = loss + self.hard_loss(images, labels, image_code, shape_code)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
        return loss.item()


class EagerStep(PublishedStep):
    """The same with what PyTorch's own guides advise: one fused optimiser and channels-last memory."""

    def __init__(self, networks: Cooperative, settings: Settings):
        super().__init__(networks.to(memory_format=torch.channels_last), settings)

    def make_optimizers(self):
        return [torch.optim.Adam(self.networks.parameters(), lr=1e-4, fused=True)]

    def run(self, images, labels):
        return super().run(images.contiguous(memory_format=torch.channels_last), labels)


class CompiledStep(PublishedStep):
    """The published step with each network compiled. The switches of batch normalisation make several graphs of
    each, and all networks share the code of their blocks: the default limit of graphs would end in eager mode."""

    def __init__(self, networks: Cooperative, settings: Settings):
        torch._dynamo.config.recompile_limit = 64
        super().__init__(networks, settings)
        for part in self.networks.children():
            part.compile()


STEPS = {"published": PublishedStep, "eager": EagerStep, "compiled": CompiledStep}
