"""Exports networks of timm with random weights, and records what ONNX Runtime computes.

    pip install torch timm onnxscript onnx onnxruntime
    python3 export.py FOLDER resnet50d densenet121 ...          # TorchScript exporter, opset 17
    python3 export.py --dynamo FOLDER resnet50d densenet121 ... # torch.export, opset 20

Made with torch 2.15.0, timm 1.0.31 and onnxruntime 1.32.0. Batch norms get statistics
from two batches of noise; scales and biases are random.
"""
import pathlib, sys
import numpy as np, onnxruntime, timm, torch


def randomize(model, size):
    g = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim < 2 or p.abs().max() == 0:
                p.copy_(torch.rand(p.shape, generator=g) * 0.6 + 0.7)
        for name, p in model.named_parameters():
            if name.endswith("bias"):
                p.copy_(torch.randn(p.shape, generator=g) * 0.1)
        for m in model.modules():
            if isinstance(m, torch.nn.modules.batchnorm._BatchNorm):
                m.momentum = None
                m.reset_running_stats()
        model.train()
        for _ in range(2):
            model(torch.randn(4, 3, size, size, generator=g))
    return model.eval()


def export(folder, name, dynamo):
    torch.manual_seed(0)
    model = timm.create_model(name, pretrained=False, num_classes=17)
    size = model.default_cfg["input_size"][1]
    model = randomize(model, size)
    x = torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(9))
    out = folder / f"{name}.{'dy' if dynamo else 'ts'}"
    file = f"{out}.onnx"
    if dynamo:
        torch.onnx.export(model, (x,), file, dynamo=True, dynamic_shapes=({0: "batch"},))
    else:
        torch.onnx.export(model, (x,), file, dynamo=False, opset_version=17, input_names=["input"],
                          output_names=["logits"], dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    y = session.run(None, {session.get_inputs()[0].name: x.numpy()})[0]
    np.save(f"{out}.in.npy", x.numpy())
    np.save(f"{out}.out.npy", y)


if __name__ == "__main__":
    names = [a for a in sys.argv[1:] if a != "--dynamo"]
    for name in names[1:]:
        export(pathlib.Path(names[0]), name, "--dynamo" in sys.argv)
