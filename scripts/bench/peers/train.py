"""One network of `bench -- train` in PyTorch: `train.py CASE THREADS nchw|channels_last`.

A line {"steps": n} in, {"seconds": s, "peakMiB": m} out. The networks, losses and optimizers are those of
scripts/bench/train; the number of parameters is printed first and compared.
"""
import json
import resource
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

case, threads, layout = sys.argv[1], int(sys.argv[2]), sys.argv[3]
torch.set_num_threads(threads)
torch.manual_seed(1)


class ConvBn(nn.Sequential):
    def __init__(self, inputs, outputs, kernel=3, stride=1, groups=1):
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
        )


class BasicBlock(nn.Module):
    def __init__(self, inputs, channels, stride):
        super().__init__()
        self.a = ConvBn(inputs, channels, 3, stride)
        self.b = ConvBn(channels, channels)
        self.down = ConvBn(inputs, channels, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x):
        return F.relu(self.b(F.relu(self.a(x))) + self.down(x))


def resnet18():
    layers, inputs = [ConvBn(3, 64), nn.ReLU()], 64
    for stage, channels in enumerate((64, 128, 256, 512)):
        for block in range(2):
            layers.append(BasicBlock(inputs, channels, 2 if stage and not block else 1))
            inputs = channels
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class Inverted(nn.Module):
    def __init__(self, inputs, expansion, channels, stride):
        super().__init__()
        wide = inputs * expansion
        self.layers = nn.Sequential(
            *([] if expansion == 1 else [ConvBn(inputs, wide, 1), nn.ReLU6()]),
            ConvBn(wide, wide, 3, stride, wide),
            nn.ReLU6(),
            ConvBn(wide, channels, 1),
        )
        self.shortcut = stride == 1 and inputs == channels

    def forward(self, x):
        y = self.layers(x)
        return x + y if self.shortcut else y


def mobilenetv2():
    layers, inputs = [ConvBn(3, 32, 3, 2), nn.ReLU6()], 32
    for expansion, channels, blocks, stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):
        for block in range(blocks):
            layers.append(Inverted(inputs, expansion, channels, stride if block == 0 else 1))
            inputs = channels
    layers += [ConvBn(320, 1280, 1), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10)]
    return nn.Sequential(*layers)


class Block(nn.Module):
    def __init__(self, width=192, heads=3, mlp=768):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, mlp), nn.Linear(mlp, width)

    def forward(self, x):
        n, t, w = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(n, t, 3 * self.heads, -1).transpose(1, 2).split(self.heads, 1)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, t, w)
        x = x + self.out(mixed)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Vit(nn.Module):
    def __init__(self, width=192, patch=8, side=64, depth=6):
        super().__init__()
        self.embed = nn.Conv2d(3, width, patch, patch)
        self.position = nn.Parameter(0.02 * torch.randn(1, (side // patch) ** 2, width))
        self.blocks = nn.Sequential(*(Block(width) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.embed(x).flatten(2).transpose(1, 2) + self.position
        return self.head(self.norm(self.blocks(x)).mean(1))


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.a, self.b = ConvBn(channels, channels), ConvBn(channels, channels)

    def forward(self, x):
        return F.relu(self.b(F.relu(self.a(x))) + x)


class Student(nn.Module):
    def __init__(self, stem=(16, 32), widths=(64, 96, 128), depths=(1, 1, 1, 1), neck=64, classes=6):
        super().__init__()

        def stage(inputs, channels, depth):
            return nn.Sequential(ConvBn(inputs, channels, 3, 2), nn.ReLU(), *(Residual(channels) for _ in range(depth)))

        self.stem = nn.Sequential(ConvBn(3, stem[0], 3, 2), nn.ReLU(), stage(stem[0], stem[1], depths[0]))
        self.s8 = stage(stem[1], widths[0], depths[1])
        self.s16 = stage(widths[0], widths[1], depths[2])
        self.s32 = stage(widths[1], widths[2], depths[3])
        self.l5, self.l4, self.l3 = (ConvBn(c, neck, 1) for c in reversed(widths))
        self.p4, self.p3 = ConvBn(neck, neck), ConvBn(neck, neck)
        self.towers = nn.ModuleList(ConvBn(neck, neck) for _ in range(3))
        self.cls = nn.ModuleList(nn.Conv2d(neck, classes, 1) for _ in range(3))
        self.box = nn.ModuleList(nn.Conv2d(neck, 4, 1) for _ in range(3))

    def forward(self, x):
        c3 = self.s8(self.stem(x))
        c4 = self.s16(c3)
        c5 = self.s32(c4)
        p5 = F.relu(self.l5(c5))
        p4 = F.relu(self.p4(F.relu(self.l4(c4) + F.interpolate(p5, scale_factor=2))))
        p3 = F.relu(self.p3(F.relu(self.l3(c3) + F.interpolate(p4, scale_factor=2))))
        logits, distances = [], []
        for p, tower, cls, box in zip((p3, p4, p5), self.towers, self.cls, self.box):
            t = F.relu(tower(p))
            logits.append(cls(t).flatten(2).transpose(1, 2))
            distances.append(F.softplus(box(t)).flatten(2).transpose(1, 2))
        return torch.cat(logits, 1), torch.cat(distances, 1)


def area(low, high):
    size = low + high
    return size[..., :1] * size[..., 1:]


def detection_loss(logits, distances, classes, targets, weight):
    pl, ph, tl, th = distances[..., :2], distances[..., 2:], targets[..., :2], targets[..., 2:]
    intersection = area(torch.minimum(pl, tl), torch.minimum(ph, th))
    union = area(pl, ph) + area(tl, th) - intersection + 1e-6
    hull = area(torch.maximum(pl, tl), torch.maximum(ph, th)) + 1e-6
    iou = intersection / union
    giou = iou - (hull - union) / hull
    positives = weight.sum().clamp(min=1)
    box = (weight * (1 - giou)).sum() / positives
    q = classes * (0.35 + 0.65 * iou).detach()
    p = logits.sigmoid().detach()
    focus = q + (1 - classes) * 0.75 * p * p
    classification = (focus * (F.softplus(logits) - logits * q)).sum() / positives
    return classification + 1.5 * box


SHAPES = {"resnet18-64": (32, 64), "student-320": (8, 320), "vit-64": (32, 64), "mobilenetv2-96": (16, 96)}
BUILD = {"resnet18-64": resnet18, "student-320": Student, "vit-64": Vit, "mobilenetv2-96": mobilenetv2}
batch, side = SHAPES[case]
start = time.perf_counter()
net = BUILD[case]().train()
memory_format = torch.channels_last if layout == "channels_last" else torch.contiguous_format
net = net.to(memory_format=memory_format)
parameters = list(net.parameters())
average = [p.detach().clone() for p in parameters]

if case == "student-320":
    images = torch.randint(0, 256, (batch, side, side, 3), dtype=torch.uint8)
    cells = sum((side // s) ** 2 for s in (8, 16, 32))
    positive = (torch.rand(batch, cells, 1) < 0.05).float()
    classes = F.one_hot(torch.randint(0, 6, (batch, cells)), 6).float() * positive
    targets = (0.05 + 3 * torch.rand(batch, cells, 4)) * positive
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.02, fused=True)
else:
    images = torch.randn(batch, 3, side, side).to(memory_format=memory_format)
    labels = torch.arange(batch) % 10
    optimizer = torch.optim.SGD(parameters, lr=1e-3, momentum=0.9, nesterov=True, weight_decay=5e-4, fused=True)


def step():
    optimizer.zero_grad(set_to_none=True)
    if case == "student-320":
        x = (images.permute(0, 3, 1, 2).float() / 255).contiguous(memory_format=memory_format)
        loss = detection_loss(*net(x), classes, targets, positive)
    else:
        loss = F.cross_entropy(net(images), labels)
    loss.backward()
    if case == "student-320":
        torch.nn.utils.clip_grad_norm_(parameters, 5)
    optimizer.step()
    with torch.no_grad():
        torch._foreach_lerp_(average, parameters, 0.01)
    return loss.item()


first = step()
print(json.dumps({
    "firstStepSeconds": time.perf_counter() - start,
    "parameters": sum(p.numel() for p in parameters),
    "loss": first,
    "versions": {"torch": torch.__version__},
}), flush=True)
for line in sys.stdin:
    begin = time.perf_counter()
    for _ in range(json.loads(line)["steps"]):
        step()
    print(json.dumps({
        "seconds": time.perf_counter() - begin,
        "peakMiB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }), flush=True)
