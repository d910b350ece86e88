# SPDX-License-Identifier: Apache-2.0
"""Writes networks with their manifests: a detector that always finds the same boxes, a classifier that tells which of red, green and blue
there is most of, one that fails now and then, and one that says nothing. Run by the Python of .cache/venv, which has onnx.

tiny_models.py FOLDER WIDTH HEIGHT BOX...    BOX: class,left,top,right,bottom in pixels of WIDTH x HEIGHT
"""

import hashlib
import json
import pathlib
import sys

import numpy
import onnx
from onnx import TensorProto, helper, numpy_helper


def constant(name, values, kind):
    return numpy_helper.from_array(numpy.array(values, kind), name)


def write(path, nodes, constants, size, output, manifest):
    width, height = size
    graph = helper.make_graph(
        nodes, "tiny", [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, height, width])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["N", *output])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    whole = {
        "manifest": 1, "name": path.stem, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {"name": "images", "type": "float32", "width": width, "height": height, "dynamic_batch": True, "order": "rgb",
                  "range": 1, "mean": [0, 0, 0], "std": [1, 1, 1], "pad": "centre", "pad_value": 0.5}, **manifest}
    path.with_suffix(".json").write_text(json.dumps(whole))


def average(extra):
    """Of each plane: [N, 3]."""
    return [helper.make_node("GlobalAveragePool", ["images"], ["pool"]),
            helper.make_node("Flatten", ["pool"], ["average"], axis=1), *extra]


def detector(path, size, boxes):
    rows = numpy.zeros((6, len(boxes)))
    for i, (kind, left, top, right, bottom) in enumerate(boxes):
        rows[:4, i] = (left + right) / 2, (top + bottom) / 2, right - left, bottom - top
        rows[4 + int(kind), i] = 0.9
    nodes = average([helper.make_node("MatMul", ["average", "zeros"], ["nothing"]),
                     helper.make_node("Add", ["nothing", "boxes"], ["flat"]),
                     helper.make_node("Reshape", ["flat", "shape"], ["out"])])
    constants = [constant("zeros", numpy.zeros((3, rows.size)), "float32"), constant("boxes", rows.reshape(1, -1), "float32"),
                 constant("shape", [0, *rows.shape], "int64")]
    write(path, nodes, constants, size, rows.shape,
          {"output": {"name": "out", "type": "float32", "layout": "yolov8", "rows": len(boxes), "columns": 6},
           "labels": ["patch", "other"]})


def classifier(path):
    nodes = average([helper.make_node("Mul", ["average", "ten"], ["out"])])
    write(path, nodes, [constant("ten", 10, "float32")], (32, 32), [3],
          {"kind": "classifier", "output": {"name": "out", "type": "float32", "activation": "softmax", "threshold": 0.6},
           "labels": ["red", "green", "blue"]})


def brittle(path):
    """A classifier that fails on a picture that is nearly of one colour, and not on the empty one of the start."""
    nodes = average([helper.make_node("Mul", ["average", "four"], ["times"]),
                     helper.make_node("Cast", ["times"], ["index"], to=TensorProto.INT64),
                     helper.make_node("Gather", ["table", "index"], ["out"], axis=0)])
    write(path, nodes, [constant("four", 4, "float32"), constant("table", [0.1, 0.2, 0.7], "float32")], (32, 32), [3],
          {"kind": "classifier", "output": {"name": "out", "type": "float32", "activation": "none", "threshold": 0},
           "labels": ["red", "green", "blue"]})


def nonsense(path):
    """A classifier whose values are no numbers."""
    write(path, average([helper.make_node("Mul", ["average", "nan"], ["out"])]), [constant("nan", float("nan"), "float32")], (32, 32), [3],
          {"kind": "classifier", "output": {"name": "out", "type": "float32", "activation": "sigmoid", "threshold": 0},
           "labels": ["red", "green", "blue"]})


def main():
    folder, width, height = pathlib.Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    detector(folder / "boxes.onnx", (width, height), [tuple(map(float, box.split(","))) for box in sys.argv[4:]])
    classifier(folder / "colours.onnx")
    brittle(folder / "brittle.onnx")
    nonsense(folder / "nonsense.onnx")


main()
