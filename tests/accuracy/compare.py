#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fovea's numbers against independent ones. Started by tests/accuracy/run; speaks TAP.

Counts must be equal; quotients may differ by 1e-6.
"""

import argparse
import contextlib
import io
import json
import math
import pathlib
import random
import subprocess
import sys
import tempfile
import traceback
import warnings

import motmetrics
import numpy
import shapely
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval
from scipy.optimize import linear_sum_assignment

CLOSE = 1e-6
FPS = 25  # of both sequences
SEQUENCES = ["TUD-Campus", "TUD-Stadtmitte"]
DATA = pathlib.Path(motmetrics.__file__).parent / "data"
REQUIRED = ["mota", "motp", "idf1", "idp", "idr", "num_switches", "num_fragmentations", "mostly_tracked", "mostly_lost",
            "num_false_positives", "num_misses"]
MORE = ["num_matches", "num_objects", "num_predictions", "num_frames", "num_unique_objects", "partially_tracked",
        "precision", "recall"]


class Tools:
    def __init__(self, build, folder):
        self.fovea = build / "fovea"
        self.numbers = build / "tests" / "accuracy" / "track-numbers"
        self.folder = folder

    def validate(self, *arguments):
        run = subprocess.run([self.fovea, "validate", "accuracy", "--json", *arguments], capture_output=True, text=True,
                             check=True)
        return json.loads(run.stdout)

    def run(self, text, *arguments):
        return subprocess.run([self.numbers, *arguments], input=text, capture_output=True, text=True, check=True).stdout

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text)
        return path


def compare(ours, reference):
    """Both are dictionaries; what is not a number there is null here."""
    for name, expected in reference.items():
        got = ours[name]
        if expected is None or not math.isfinite(expected):
            assert got is None, f"{name}: {got}, the reference has {expected}"
        elif isinstance(got, int):
            assert got == expected, f"{name}: {got}, the reference has {expected}"
        else:
            assert got is not None and abs(got - expected) <= CLOSE, f"{name}: {got}, the reference has {expected}"


# --- MOT metrics ---------------------------------------------------------------------------------------------------------


def motmetrics_scores(truth, tracks):
    gt = motmetrics.io.loadtxt(truth, fmt="mot15-2D", min_confidence=1)
    found = motmetrics.io.loadtxt(tracks, fmt="mot15-2D")
    accumulator = motmetrics.utils.compare_to_groundtruth(gt, found, "iou", distth=0.5)
    return motmetrics.metrics.create().compute(accumulator, metrics=REQUIRED + MORE).iloc[0].to_dict()


def compare_mot(tools, truth, tracks):
    ours = tools.validate("--gt", truth, "--tracks", tracks, "--format", "mot")
    assert set(REQUIRED) <= set(ours), ours
    compare(ours, motmetrics_scores(truth, tracks))


def rows_of(path):
    return [[float(field) for field in line.split(",")] for line in path.read_text().split()]


def text_of(rows):
    return "".join(",".join(f"{field:.10g}" for field in row) + "\n" for row in rows)


def disturbed(rows, rand, switches):
    """Tracks made of the truth: shaken, with gaps, false boxes and ids that are swapped now and then."""
    ids = {row[1]: row[1] for row in rows}
    out = []
    for frame in sorted({row[0] for row in rows}):
        for one in list(ids):
            if rand.random() < switches:
                other = rand.choice(list(ids))
                ids[one], ids[other] = ids[other], ids[one]
        for row in (r for r in rows if r[0] == frame):
            if rand.random() < 0.85:
                width, height = row[4], row[5]
                out.append([frame, ids[row[1]], row[2] + rand.gauss(0, width / 7), row[3] + rand.gauss(0, height / 9),
                            width * rand.uniform(0.8, 1.2), height, 1])
        if rand.random() < 0.3:
            out.append([frame, 1000 + rand.randrange(5), rand.uniform(0, 600), rand.uniform(0, 300), 60, 150, 1])
    return out


def test_mot_disturbed(tools):
    for seed in range(12):
        rand = random.Random(seed)
        truth = [row[:7] for row in rows_of(DATA / SEQUENCES[seed % 2] / "gt.txt")]
        tracks = disturbed(truth, rand, [0, 0.02, 0.2][seed % 3])
        for row in truth:  # of these, no one is to be found
            row[6] = 0 if rand.random() < 0.1 else 1
        missing = set(rand.sample(range(1, 70), 5))
        compare_mot(tools, tools.write("gt.txt", text_of(truth)),
                    tools.write("tracks.txt", text_of(row for row in tracks if row[0] not in missing)))


def test_mot_perfect(tools):
    truth = DATA / "TUD-Campus" / "gt.txt"
    compare_mot(tools, truth, truth)


def test_mot_apart(tools):
    truth = tools.write("gt.txt", "1,1,10,10,20,40,1\n2,1,10,10,20,40,1\n")
    compare_mot(tools, truth, tools.write("tracks.txt", "1,1,300,10,20,40,1\n3,2,300,10,20,40,1\n"))


# --- COCO metrics --------------------------------------------------------------------------------------------------------


def random_coco(seed):
    """A small set with all that is hard: crowds, equal scores, empty pictures, a category without objects, many boxes."""
    rand = random.Random(seed)
    images = [{"id": 10 + 3 * i, "width": 640, "height": 480} for i in range(rand.randrange(3, 30))]
    categories = [{"id": i} for i in (1, 2, 7, 9)]
    annotations, detections = [], []
    for image in images:
        for _ in range(rand.choice([0, 1, 3, 10])):
            box = [rand.uniform(0, 500), rand.uniform(0, 400), rand.uniform(5, 140), rand.uniform(5, 80)]
            category = rand.choice([1, 2, 7])
            annotations.append({"id": len(annotations) + 1, "image_id": image["id"], "category_id": category, "bbox": box,
                                "area": box[2] * box[3], "iscrowd": int(rand.random() < 0.15)})
            for _ in range(rand.choice([0, 1, 1, 1, 2])):
                shift = rand.choice([0, 0.02, 0.1, 0.3])
                shaken = [box[0] + rand.gauss(0, shift * box[2]), box[1] + rand.gauss(0, shift * box[3]),
                          box[2] * rand.uniform(1 - shift, 1 + shift), box[3] * rand.uniform(1 - shift, 1 + shift)]
                detections.append({"image_id": image["id"], "bbox": shaken, "score": round(rand.random(), 1),
                                   "category_id": category if rand.random() < 0.9 else rand.choice([1, 2, 7, 9])})
        for _ in range(130 if rand.random() < 0.1 else rand.randrange(4)):
            detections.append({"image_id": image["id"], "category_id": rand.choice([2, 2, 2, 9]), "score": rand.random(),
                               "bbox": [rand.uniform(0, 500), rand.uniform(0, 400), 50, 50]})
    rand.shuffle(detections)
    return {"images": images, "categories": categories, "annotations": annotations}, detections


def counts_at_half(evaluation, min_score):
    """True positives, false positives and objects at IoU 0.5 over all sizes, out of the evaluation's own matches."""
    area = evaluation.params.areaRng[0]
    hits = wrong = objects = 0
    for cell in evaluation.evalImgs:
        if cell is None or cell["aRng"] != area:
            continue
        objects += int((~cell["gtIgnore"].astype(bool)).sum())
        for match, ignored, score in zip(cell["dtMatches"][0], cell["dtIgnore"][0], cell["dtScores"]):
            if not ignored and score >= min_score:
                hits += match > 0
                wrong += match == 0
    return int(hits), int(wrong), objects


def pycocotools_scores(truth_path, detections_path, min_score):
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(truth_path))
        evaluation = COCOeval(truth, truth.loadRes(str(detections_path)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    hits, wrong, objects = counts_at_half(evaluation, min_score)
    return {"ap50_95": evaluation.stats[0], "ap50": evaluation.stats[1], "num_true_positives": hits,
            "num_false_positives": wrong, "num_objects": objects, "num_misses": objects - hits,
            "num_detections": hits + wrong, "precision": hits / (hits + wrong) if hits + wrong else None,
            "recall": hits / objects, "f1": 2 * hits / (hits + wrong + objects)}


def test_coco(tools):
    for seed in range(40):
        truth, detections = random_coco(seed)
        if not detections or not truth["annotations"]:
            continue
        truth_path = tools.write("truth.json", json.dumps(truth))
        detections_path = tools.write("detections.json", json.dumps(detections))
        min_score = [0, 0.3, 0.5][seed % 3]
        ours = tools.validate("--gt", truth_path, "--detections", detections_path, "--format", "coco", "--min-score",
                              str(min_score))
        compare(ours, pycocotools_scores(truth_path, detections_path, min_score))


# --- parts of the tracker ------------------------------------------------------------------------------------------------


def test_assignment(tools):
    rand = numpy.random.default_rng(1)
    problems = []
    for i in range(300):
        rows, columns = rand.integers(1, 60 if i % 30 else 400, 2)
        cost = rand.random((rows, columns))
        if i % 3 == 1:
            cost = numpy.floor(cost * 4)  # ties
        if i % 3 == 2:
            cost[rand.random((rows, columns)) < 0.8] = 0
        problems.append(cost)
    text = "\n".join(f"{c.shape[0]} {c.shape[1]} " + " ".join(map(repr, c.ravel().tolist())) for c in problems)
    answers = tools.run(text, "assign").split("\n")
    for cost, line in zip(problems, answers):
        columns = [int(word) for word in line.split()]
        pairs = [(row, column) for row, column in enumerate(columns) if column >= 0]
        assert len(pairs) == min(cost.shape) and len({c for _, c in pairs}) == len(pairs)
        ours, best = sum(cost[p] for p in pairs), cost[linear_sum_assignment(cost)].sum()
        assert abs(ours - best) < 1e-9, f"{cost.shape}: {ours}, scipy has {best}"


class Kalman:
    """The textbook's filter with 8 x 8 matrices: state x, y, width, height and their rates."""

    def start(self, box):
        height = max(box[3] - box[1], 1)
        self.mean = numpy.concatenate([self.measure(box), numpy.zeros(4)])
        self.covariance = numpy.diag([(height / 10) ** 2] * 4 + [(height / 16) ** 2] * 4)

    @staticmethod
    def measure(box):
        return numpy.array([(box[0] + box[2]) / 2, (box[1] + box[3]) / 2, box[2] - box[0], box[3] - box[1]])

    def predict(self, t):
        height = max(self.mean[3], 1)
        walk, shake, one = (height / 20) ** 2, (height / 160) ** 2, numpy.eye(4)
        step = numpy.block([[one, t * one], [0 * one, one]])
        noise = numpy.block([[(walk * t + shake * t**3 / 3) * one, shake * t**2 / 2 * one],
                             [shake * t**2 / 2 * one, shake * t * one]])
        self.mean = step @ self.mean
        self.covariance = step @ self.covariance @ step.T + noise

    def correct(self, box, doubt):
        look = numpy.eye(4, 8)
        noise = (doubt * max(self.mean[3], 1) / 20) ** 2 * numpy.eye(4)
        gain = self.covariance @ look.T @ numpy.linalg.inv(look @ self.covariance @ look.T + noise)
        self.mean = self.mean + gain @ (self.measure(box) - look @ self.mean)
        self.covariance = (numpy.eye(8) - gain @ look) @ self.covariance

    def numbers(self):
        for i in range(4):
            yield from (self.mean[i], self.mean[i + 4], self.covariance[i, i], self.covariance[i, i + 4],
                        self.covariance[i + 4, i + 4])


def test_kalman(tools):
    rand = random.Random(2)
    filter_, commands, expected = Kalman(), [], []
    for i in range(2000):
        box = [100 + rand.gauss(i % 200, 3), 50 + rand.gauss(0, 3), 160 + rand.gauss(i % 200, 3), 200 + rand.gauss(0, 5)]
        units = rand.choice([0, 0.5, 1, 1, 3, 30])
        steps = [("predict", [units]), ("correct", [box, rand.uniform(0.5, 4)])]
        name, arguments = ("start", [box]) if i % 200 == 0 else rand.choice(steps)
        getattr(filter_, name)(*arguments)
        words = arguments if name == "predict" else box + arguments[1:]
        commands.append(f"{name} " + " ".join(map(repr, words)))
        expected.append(list(filter_.numbers()))
    got = [[float(word) for word in line.split()] for line in tools.run("\n".join(commands), "kalman").strip().split("\n")]
    numpy.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


# --- geometry ------------------------------------------------------------------------------------------------------------


def random_ring(rand, side):
    """Corners on whole numbers. On a small grid they repeat, lie on each other's sides and in line; every other ring is made to go
    round a middle, so that many are simple."""
    corners = [(rand.randint(0, side), rand.randint(0, side)) for _ in range(rand.randint(3, 12))]
    if rand.random() < 0.6:
        corners.sort(key=lambda p: (math.atan2(p[1] - side / 2, p[0] - side / 2), p))
    return corners


def ask(tools, questions):
    return [int(line) for line in tools.run("\n".join(questions), "geometry").split()]


def polygon_text(corners):
    return f"polygon {len(corners)} " + " ".join(f"{x} {y}" for x, y in corners)


def test_polygons(tools):
    """What is a sound polygon, its area, and what lies in it; borders belong to it."""
    rand = random.Random(4)
    questions, expected, sound = [], [], 0
    for i in range(3000):
        side = rand.choice([4, 10, 100, 1 << 20])
        corners = random_ring(rand, side)
        ring = shapely.LinearRing(corners)
        fine = len(set(corners)) == len(corners) and ring.is_simple and shapely.Polygon(corners).area > 0
        questions += [polygon_text(corners), "check"]
        expected += [0, fine]
        if not fine:
            continue
        sound += 1
        polygon = shapely.Polygon(corners)
        questions.append("area")
        expected.append(2 * polygon.area)
        places = [(rand.randint(-1, side + 1), rand.randint(-1, side + 1)) for _ in range(20)] + corners[:2]
        questions += [f"inside {x} {y}" for x, y in places]
        expected += [polygon.covers(shapely.Point(place)) for place in places]
    answers = ask(tools, questions)
    assert len(answers) == len(expected) and sound > 800, (len(answers), sound)
    for question, answer, wanted in zip(questions, answers, expected):
        if question == "check":
            assert (answer == 0) == wanted, question
        else:
            assert (abs(answer) if question == "area" else answer) == wanted, f"{question}: {answer}, shapely has {wanted}"


def test_lines(tools):
    """A move crosses a line when their insides meet in one point; from its left to its right is 1."""
    rand = random.Random(5)
    questions, expected = [], []
    for i in range(6000):
        side = rand.choice([3, 8, 1 << 20])
        a, b, p, q = ((rand.randint(0, side), rand.randint(0, side)) for _ in range(4))
        crosses = a != b and p != q and shapely.LineString([p, q]).crosses(shapely.LineString([a, b]))
        right = (b[0] - a[0]) * (q[1] - a[1]) - (b[1] - a[1]) * (q[0] - a[0])  # y goes down: above 0 is right
        questions.append(f"cross {a[0]} {a[1]} {b[0]} {b[1]} {p[0]} {p[1]} {q[0]} {q[1]}")
        expected.append((1 if right > 0 else -1) if crosses else 0)
    answers = ask(tools, questions)
    assert sum(map(abs, expected)) > 500
    for question, answer, wanted in zip(questions, answers, expected):
        assert answer == wanted, f"{question}: {answer}, shapely has {wanted}"


def test_distances(tools):
    rand = random.Random(6)
    questions, expected = [], []
    while len(questions) < 4000:
        side = rand.choice([10, 1 << 20])
        a, b, p = ((rand.randint(0, side), rand.randint(0, side)) for _ in range(3))
        line = shapely.Point(a) if a == b else shapely.LineString([a, b])
        distance, radius = line.distance(shapely.Point(p)), rand.randint(0, side)
        if abs(distance - radius) > 1e-6 * side:  # nearer than that shapely's own rounding decides
            questions.append(f"near {a[0]} {a[1]} {b[0]} {b[1]} {p[0]} {p[1]} {radius}")
            expected.append(distance <= radius)
    for question, answer, wanted in zip(questions, ask(tools, questions), expected):
        assert answer == wanted, f"{question}: {answer}, shapely has {wanted}"


def test_clipping(tools):
    """The part of a polygon inside the picture, by its area: new corners are rounded to 1/1048576 of a picture."""
    rand = random.Random(7)
    unit, questions, expected = 1 << 20, [], []
    picture = shapely.box(0, 0, unit, unit)
    while len(expected) < 400:
        corners = [(x * 3 - unit, y * 3 - unit) for x, y in random_ring(rand, unit)]
        if shapely.LinearRing(corners).is_simple and shapely.Polygon(corners).area > 0:
            questions += [polygon_text(corners), "clip"]
            expected.append(2 * shapely.Polygon(corners).intersection(picture).area)
    for answer, wanted in zip(ask(tools, questions)[1::2], expected):
        assert abs(abs(answer) - wanted) < 64 * unit, f"{answer}, shapely has {wanted}"


# --- the tracker as a whole ----------------------------------------------------------------------------------------------


def simulated_detector(rows, rand):
    """Boxes as a good detector gives them: shaken by a few percent, one in ten missing, low scores where people overlap."""
    out = []
    for row in rows:
        hidden = any(o is not row and o[0] == row[0] and abs(o[2] - row[2]) < row[4] / 2 and o[3] + o[5] > row[3] + row[5]
                     for o in rows)
        if rand.random() < 0.1:
            continue
        score = rand.uniform(0.1, 0.35) if hidden else rand.uniform(0.4, 0.95)
        out.append([row[0], -1, row[2] + rand.gauss(0, 0.04 * row[4]), row[3] + rand.gauss(0, 0.02 * row[5]),
                    row[4] * rand.uniform(0.94, 1.06), row[5] * rand.uniform(0.97, 1.03), score])
        if rand.random() < 0.03:
            out.append([row[0], -1, rand.uniform(0, 600), rand.uniform(0, 300), 60, 150, rand.uniform(0.1, 0.5)])
    return out


def tracked(tools, name, truth, detections, interval):
    keep = [row for row in detections if (row[0] - 1) % interval == 0]
    tracks = tools.run(text_of(keep), "track", str(FPS))
    scores = tools.validate("--gt", tools.write("gt.txt", text_of(r for r in truth if (r[0] - 1) % interval == 0)),
                            "--tracks", tools.write("tracks.txt", tracks))
    print(f"# {name}, every {interval}. picture: MOTA {scores['mota']:.3f}, IDF1 {scores['idf1']:.3f}, MOTP "
          f"{scores['motp']:.3f}, {scores['num_switches']} switches, {scores['num_fragmentations']} fragmentations, "
          f"{scores['mostly_tracked']} of {scores['num_unique_objects']} mostly tracked", flush=True)
    return scores


def test_tracker_on_shipped_boxes(tools):
    """The boxes of motmetrics' own example tracks, without their ids: ours must be as good as those."""
    for sequence in SEQUENCES:
        truth = rows_of(DATA / sequence / "gt.txt")
        boxes = [row[:6] + [0.9] for row in rows_of(DATA / sequence / "test.txt")]
        theirs = tools.validate("--gt", DATA / sequence / "gt.txt", "--tracks", DATA / sequence / "test.txt")
        ours = tracked(tools, f"{sequence}, shipped boxes", [row[:7] for row in truth], boxes, 1)
        print(f"# {sequence}, shipped ids: MOTA {theirs['mota']:.3f}, IDF1 {theirs['idf1']:.3f}, "
              f"{theirs['num_switches']} switches", flush=True)
        assert ours["mota"] > theirs["mota"] - 0.02, ours
        assert ours["idf1"] > theirs["idf1"] - 0.02, ours


def test_tracker_on_simulated_boxes(tools):
    for sequence in SEQUENCES:
        truth = [row[:7] for row in rows_of(DATA / sequence / "gt.txt")]
        for interval, least in ((1, 0.80), (3, 0.75), (5, 0.65)):
            scores = tracked(tools, f"{sequence}, simulated boxes", truth, simulated_detector(truth, random.Random(3)),
                             interval)
            assert scores["mota"] > least and scores["idf1"] > 0.6, scores


TESTS = [(f"motmetrics agrees on {sequence}", lambda tools, folder=DATA / sequence:
          compare_mot(tools, folder / "gt.txt", folder / "test.txt")) for sequence in SEQUENCES] + [
    ("motmetrics agrees on disturbed tracks", test_mot_disturbed),
    ("motmetrics agrees on perfect tracks", test_mot_perfect),
    ("motmetrics agrees when nothing matches", test_mot_apart),
    ("pycocotools agrees on random sets", test_coco),
    ("scipy agrees on the assignment", test_assignment),
    ("numpy agrees on the Kalman filter", test_kalman),
    ("shapely agrees on polygons", test_polygons),
    ("shapely agrees on crossings", test_lines),
    ("shapely agrees on distances", test_distances),
    ("shapely agrees on clipping", test_clipping),
    ("tracks from motmetrics' boxes are as good as its own", test_tracker_on_shipped_boxes),
    ("tracks from simulated boxes are good at all intervals", test_tracker_on_simulated_boxes),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, default="build")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    failed = 0
    print(f"1..{len(TESTS)}", flush=True)
    for number, (name, test) in enumerate(TESTS, 1):
        with tempfile.TemporaryDirectory() as folder:
            try:
                test(Tools(arguments.build.resolve(), pathlib.Path(folder)))
                print(f"ok {number} - {name}", flush=True)
            except Exception:  # whatever it is, the other tests go on
                failed += 1
                print("".join(f"# {line}\n" for line in traceback.format_exc().split("\n")[-12:]), end="")
                print(f"not ok {number} - {name}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
