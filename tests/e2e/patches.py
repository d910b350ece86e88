# SPDX-License-Identifier: Apache-2.0
"""A clip of coloured patches on grey, 10 pictures/s for 3 s, and what the tiny networks (tiny_models.py) say of it: the detector always
finds the patches, the classifier tells their colours.

patches.py make FOLDER              writes patches.h264, boxes.onnx and colours.onnx with their manifests; needs ffmpeg
patches.py check EVENTS LATEST      whether the labels of the events of an analysis are right; from picture LATEST on (1 is the
                                    first) each patch has one
"""

import collections
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = HERE.parents[1] / ".cache/venv/bin/python"
SIZE = 320, 192
# Class of the detector, box, colour in the first two seconds and in the third. 1 is "other".
PATCHES = [(0, (20, 20, 80, 160), "red", "red"), (0, (100, 30, 160, 90), "green", "blue"), (0, (180, 40, 240, 180), "blue", "blue"),
           (1, (260, 20, 310, 80), "red", "red"), (0, (260, 120, 290, 150), "green", "green")]
SMALL = 4  # the patch of 30 x 30
CLASSIFIER = {"CLASSES": ["patch"], "INTERVAL_S": 0.5, "MIN_SIZE": 40}  # the first three patches have labels


def draw():
    boxes = []
    for _, (left, top, right, bottom), early, late in PATCHES:
        for colour, when in ((early, "lt(t,2)"), (late, "gte(t,2)")):
            code = {"red": "red", "green": "0x00ff00", "blue": "blue"}[colour]
            boxes.append(f"drawbox={left}:{top}:{right - left}:{bottom - top}:{code}:fill:enable='{when}'")
    return ",".join(boxes)


def make(folder):
    width, height = SIZE
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", f"color=gray:s={width}x{height}:r=10:d=3",
                    "-vf", draw(), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-g", "10", "-bf", "0", "-f", "h264",
                    pathlib.Path(folder) / "patches.h264"], check=True)
    boxes = [",".join(map(str, (kind, *box))) for kind, box, *_ in PATCHES]
    subprocess.run([PYTHON, HERE / "tiny_models.py", folder, str(width), str(height), *boxes], check=True)


def labels(events):
    """{patch: {picture: label}}"""
    found = collections.defaultdict(dict)
    for line in pathlib.Path(events).read_text().splitlines():
        event = json.loads(line)
        for detection in event.get("detections", []):
            x, y = (sum(detection["box"][i::2]) / 2 for i in (0, 1))
            patch = next(i for i, (_, b, *_) in enumerate(PATCHES) if b[0] < x < b[2] and b[1] < y < b[3])
            for attribute in detection.get("attributes", []):
                if attribute["classifier"] != "colours" or not 0.6 <= attribute["score"] <= 1:
                    raise AssertionError(attribute)
                found[patch][event["frame"]] = attribute["label"]
    return found


def faults(found, latest=1):
    """What is wrong with the labels of the clip, analysed with CLASSIFIER."""
    told = [] if sorted(found) == [0, 1, 2] else [f"labels on patches {sorted(found)}, not [0, 1, 2]"]
    for patch, of_pictures in found.items():
        missing = set(range(latest, 31)) - set(of_pictures)
        early, late = PATCHES[patch][2:]
        before = {label for picture, label in of_pictures.items() if picture <= 20} - {early}
        after = {label for picture, label in of_pictures.items() if picture >= 26} - {late}
        if missing or before or after:
            told.append(f"patch {patch}: no label in {sorted(missing)}, wrong ones {sorted(before)} and later {sorted(after)}")
    return told


def main():
    if sys.argv[1:2] == ["make"] and len(sys.argv) == 3:
        return make(sys.argv[2])
    if sys.argv[1:2] != ["check"] or len(sys.argv) != 4:
        return __doc__
    found = labels(sys.argv[2])
    print(json.dumps({"check": "labels", "ok": not faults(found, int(sys.argv[3])), "faults": faults(found, int(sys.argv[3])),
                      "labels": {patch: len(of_pictures) for patch, of_pictures in found.items()}}))
    return bool(faults(found, int(sys.argv[3])))


if __name__ == "__main__":
    sys.exit(main())
