"""python3 -c SCRIPT ENGINE MODEL.onnx SIZE BATCH THREADS STREAMS

ENGINE is onnxruntime or openvino. Each line of standard input is a number of runs. The
script runs the model so often and prints the seconds of wall and CPU time. OpenVINO
computes in float32, and divides the batch over its streams, or into the batches of the
model.
"""
import sys
import time

import numpy as np


def onnxruntime(model, x, threads, streams):
    import onnxruntime as ort
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: x}
    return lambda: session.run(None, feed)


def openvino(model, x, threads, streams):
    import openvino as ov
    core = ov.Core()
    graph = core.read_model(model)
    # A model of a fixed batch can't be reshaped: constants of reshapes hold the batch.
    batch = graph.inputs[0].partial_shape[0]
    parts = np.split(x, streams if batch.is_dynamic else len(x) // batch.get_length())
    if batch.is_dynamic:
        graph.reshape(list(parts[0].shape))
    compiled = core.compile_model(graph, "CPU", {
        "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": streams})
    requests = [compiled.create_infer_request() for _ in parts]

    def run():
        for request, part in zip(requests, parts):
            request.start_async([part])
        for request in requests:
            request.wait()
    return run


def main(engine, model, *numbers):
    size, batch, threads, streams = map(int, numbers)
    x = np.sin(np.arange(batch * 3 * size * size, dtype=np.float32) * np.float32(0.37)).reshape(batch, 3, size, size)
    run = {"onnxruntime": onnxruntime, "openvino": openvino}[engine](model, x, threads, streams)
    run()
    print("ready", flush=True)
    for line in sys.stdin:
        start, cpu = time.perf_counter(), time.process_time()
        for _ in range(int(line)):
            run()
        print(time.perf_counter() - start, time.process_time() - cpu, flush=True)


main(*sys.argv[1:])
