#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the float16 model costs in accuracy: both models on the golden frames, on the CPU, compared.

Prints the figures, writes them as JSON when asked, and ends with 1 when one is outside its bound. With --raw also writes
the float32 network's output for each frame, [rows, columns] as little-endian float32: what tests/gpu compares a GPU with.
"""

import argparse
import json
import os
import sys

import numpy as np
import onnxruntime

from prepare import Refused, write_if_different
from reference import analyse_output, decode, letterbox, read_planes

GOOD = 0.3  # weaker detections may come and go
# Largest values allowed; what was measured stands in docs/model-manifest.md.
BOUNDS = {"score_difference": 0.02, "unmatched": 0, "detection_score_difference": 0.015, "worst_overlap_loss": 0.01}


def open_model(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def overlap(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    common = np.prod(np.clip(high - low, 0, None))
    return common / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - common)


def match(wanted, found, figures):
    """Each good detection of `wanted` with the best overlapping one of the same class in `found`."""
    for item in (item for item in wanted if item["score"] >= GOOD):
        box = np.array(item["box"])
        others = [other for other in found if other["class"] == item["class"]]
        best = max(others, key=lambda other: overlap(box, np.array(other["box"])), default=None)
        loss = 1 - overlap(box, np.array(best["box"])) if best else 1
        if loss > 0.5:
            figures["unmatched"] += 1
            continue
        figures["detections"] += 1
        figures["worst_overlap_loss"] = max(figures["worst_overlap_loss"], float(loss))
        difference = abs(item["score"] - best["score"])
        figures["detection_score_difference"] = max(figures["detection_score_difference"], difference)


def compare(full, half, arguments):
    figures = {"frames": len(arguments.frames), "detections": 0, "unmatched": 0, "score_difference": 0.0,
               "detection_score_difference": 0.0, "worst_overlap_loss": 0.0}
    for path in arguments.frames:
        planes = read_planes(path, arguments.width, arguments.height)
        tensor, factors = letterbox(planes, arguments.width, arguments.height, arguments.matrix)
        outputs = [full.run(["output"], {"images": tensor})[0][0],
                   half.run(["output"], {"images": tensor.astype(np.float16)})[0][0].astype(np.float32)]
        if arguments.raw:
            name = os.path.splitext(os.path.basename(path))[0] + ".f32"
            write_if_different(os.path.join(arguments.raw, name), outputs[0].astype("<f4").tobytes())
        scores = [decode(output.astype(np.float64))[1] for output in outputs]
        figures["score_difference"] = max(figures["score_difference"], float(np.abs(scores[0] - scores[1]).max()))
        found = [analyse_output(output, factors, arguments) for output in outputs]
        match(found[0], found[1], figures)
        match(found[1], found[0], figures)
    return figures


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("frames", nargs="+", metavar="FRAME", help="raw planes Y, U, V of one picture, 4:2:0, 8 bit")
    parser.add_argument("--models", required=True, help="folder of yolox_nano.onnx and yolox_nano_fp16.onnx")
    parser.add_argument("--out", help="JSON file to write")
    parser.add_argument("--raw", help="folder for the float32 network's outputs")
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--height", type=int, default=576)
    parser.add_argument("--matrix", choices=["bt601", "bt709"], default="bt601")
    parser.add_argument("--score", type=float, default=0.25)
    parser.add_argument("--iou", type=float, default=0.45)
    return parser.parse_args()


def main():
    arguments = parse_arguments()
    if arguments.raw:
        os.makedirs(arguments.raw, exist_ok=True)
    full, half = (open_model(os.path.join(arguments.models, name))
                  for name in ("yolox_nano.onnx", "yolox_nano_fp16.onnx"))
    figures = compare(full, half, arguments)
    figures["bounds"] = BOUNDS
    text = json.dumps(figures, indent=1) + "\n"
    print(text, end="")
    if arguments.out:
        write_if_different(arguments.out, text.encode())
    outside = [name for name, bound in BOUNDS.items() if not figures[name] <= bound]
    if outside or figures["detections"] == 0:
        raise Refused(f"outside the bound: {', '.join(outside) or 'no detection was compared'}")


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError) as problem:
        sys.exit(f"precision.py: {problem}")
