"""Makes training steps of SE-ResNeXt50-32x4d in PyTorch. Each line of standard input is a
number of steps; the script makes them and prints the seconds."""
import sys
import time

try:
    import torch
    from torch import nn
except ImportError:
    print("none", flush=True)
    sys.exit()


class Conv(nn.Module):
    def __init__(self, i, o, k, stride=1, pad=0, groups=1, relu=True):
        super().__init__()
        self.conv = nn.Conv2d(i, o, k, stride, pad, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(o)
        self.relu = relu

    def forward(self, x):
        x = self.bn(self.conv(x))
        return torch.relu_(x) if self.relu else x


class Unit(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        m = o // 2
        self.body = nn.Sequential(Conv(i, m, 1), Conv(m, m, 3, stride, 1, 32), Conv(m, o, 1, relu=False))
        self.squeeze, self.excite = nn.Conv2d(o, o // 16, 1), nn.Conv2d(o // 16, o, 1)
        self.identity = Conv(i, o, 1, stride, relu=False) if i != o or stride != 1 else None

    def forward(self, x):
        y = self.body(x)
        s = torch.relu_(self.squeeze(y.mean((2, 3), keepdim=True)))
        y = y * torch.sigmoid(self.excite(s))
        return torch.relu_(y + (self.identity(x) if self.identity else x))


def network(classes):
    layers, i = [Conv(3, 64, 7, 2, 3), nn.MaxPool2d(3, 2, 1)], 64
    for stage, blocks in enumerate([3, 4, 6, 3]):
        for b in range(blocks):
            o = 256 << stage
            layers.append(Unit(i, o, 2 if stage and not b else 1))
            i = o
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(i, classes))


def main():
    size, batch, threads = map(int, sys.argv[1:4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = network(1103).train()
    optimizer = torch.optim.Adam(net.parameters(), 1e-4)
    x, y = torch.randn(batch, 3, size, size), (torch.rand(batch, 1103) < 0.01).float()
    print(f"PyTorch {torch.__version__}", flush=True)
    for line in sys.stdin:
        start = time.monotonic()
        for _ in range(int(line)):
            optimizer.zero_grad()
            nn.functional.binary_cross_entropy_with_logits(net(x), y).backward()
            optimizer.step()
        print(time.monotonic() - start, flush=True)


main()
