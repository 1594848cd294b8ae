"""The networks in plain PyTorch, with the layer names of published checkpoints (docs/METHOD.md §1)."""

import torch
from torch import nn

SLOPE = 0.2


def conv3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


def double(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        conv3(inputs, outputs),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(SLOPE),
        conv3(outputs, outputs),
        nn.BatchNorm2d(outputs),
    )


class Residual(nn.Module):
    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = double(inputs, outputs)
        self.conv_input = nn.Conv2d(inputs, outputs, 1)
        self.last = nn.LeakyReLU(SLOPE)

    def forward(self, x):
        return self.last(self.conv_input(x) + self.conv(x))


class Down(Residual):
    def __init__(self, inputs: int, outputs: int):
        super().__init__(inputs, outputs)
        self.down = conv3(inputs, inputs, stride=2)

    def forward(self, x):
        return super().forward(self.down(x))


class Up(Residual):
    def __init__(self, inputs: int, outputs: int, learned: bool):
        super().__init__(inputs, outputs)
        self.up = (
            nn.ConvTranspose2d(inputs, inputs, 2, stride=2) if learned else nn.Upsample(scale_factor=2)
        )

    def forward(self, x):
        return super().forward(self.up(x))


class Encoder(nn.Module):
    def __init__(self, inputs: int, w: int):
        super().__init__()
        self.inc = double(inputs, w)
        self.act = nn.LeakyReLU(SLOPE)
        self.down1 = Down(w, 2 * w)
        self.down2 = Down(2 * w, 4 * w)
        self.down3 = Down(4 * w, 8 * w)
        self.down4 = Down(8 * w, 8 * w)
        self.final_conv = nn.Sequential(nn.Conv2d(8 * w, 8 * w, 1), nn.BatchNorm2d(8 * w), nn.ReLU())

    def forward(self, x):
        x = self.act(self.inc(x))
        return self.final_conv(self.down4(self.down3(self.down2(self.down1(x)))))


class ImageEncoder(nn.Module):
    def __init__(self, channels: int, w: int):
        super().__init__()
        self.general_encoder = Encoder(channels, w)
        self.code_decoupler = nn.Sequential(*double(8 * w, 8 * w), nn.ReLU())

    def forward(self, x):
        image_code = self.general_encoder(x)
        return image_code, self.code_decoupler(image_code)


class Decoder(nn.Module):
    def __init__(self, w: int, outputs: int, learned: bool = False):
        super().__init__()
        self.up1 = Up(8 * w, 4 * w, learned)
        self.up2 = Up(4 * w, 2 * w, learned)
        self.up3 = Up(2 * w, w, learned)
        self.up4 = Up(w, w, learned)
        self.final_conv = nn.Conv2d(w, outputs, 1)

    def forward(self, code):
        return self.final_conv(self.up4(self.up3(self.up2(self.up1(code)))))


class Cooperative(nn.Module):
    """FTN (image encoder, segmentation and image decoder) and STN (shape encoder and decoder)."""

    def __init__(self, channels: int = 1, classes: int = 4, w: int = 16):
        super().__init__()
        self.image_encoder = ImageEncoder(channels, w)
        self.segmentation_decoder = Decoder(w, classes)
        self.image_decoder = Decoder(w, channels, learned=True)
        self.shape_encoder = Encoder(classes, w)
        self.shape_decoder = Decoder(w, classes)

    def segment(self, x):
        return self.segmentation_decoder(self.image_encoder(x)[1])

    def correct(self, shape_map):
        return self.shape_decoder(self.shape_encoder(shape_map))

    def reconstruct(self, code):
        return torch.sigmoid(self.image_decoder(code))


class FastSegmentation(nn.Module):
    """Image to logits of the fast-thinking network."""

    def __init__(self, networks: Cooperative):
        super().__init__()
        self.encoder, self.decoder = networks.image_encoder, networks.segmentation_decoder

    def forward(self, x):
        return self.decoder(self.encoder(x)[1])


class TwoStageSegmentation(FastSegmentation):
    """Image to logits that the slow-thinking network has corrected."""

    def __init__(self, networks: Cooperative):
        super().__init__(networks)
        self.shape_encoder, self.shape_decoder = networks.shape_encoder, networks.shape_decoder

    def forward(self, x):
        logits = super().forward(x)
        return self.shape_decoder(self.shape_encoder(torch.softmax(logits / 2.0, dim=1)))
