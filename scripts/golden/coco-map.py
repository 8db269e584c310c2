"""Golden figures of COCO mean average precision, computed by pycocotools.

    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install pycocotools==2.0.11 numpy
    /tmp/golden/bin/python scripts/golden/coco-map.py > test/golden/coco-map.json

Rows are flat, [image, class, x, y, width, height, crowd] and [image, class, x, y, width, height, score]; every number is
exact in float32, so that a reader that keeps float32 boxes judges the very same boxes.
"""

import contextlib
import io
import json
import sys

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def exact(value, grid):
    """A multiple of 1/grid: exact in float32, short in JSON."""
    return float(round(float(value) * grid) / grid)


def make_case(seed, images, classes, truths, clutter, *, miss=0.1, jitter=0.12, grid=4, sizes=(8, 160),
              score_grid=1024, crowd=0.0, used_classes=None, negatives=0.0):
    rng = np.random.default_rng(seed)
    ground, found = [], []
    labels = list(range(classes)) if used_classes is None else used_classes
    for image in range(images):
        if rng.random() < negatives:
            count = 0
        else:
            count = int(rng.integers(0, 2 * truths + 1))
        for _ in range(count):
            cls = int(rng.choice(labels))
            w, h = np.exp(rng.uniform(np.log(sizes[0]), np.log(sizes[1]), 2))
            x, y = rng.uniform(0, 640 - w), rng.uniform(0, 640 - h)
            is_crowd = int(rng.random() < crowd)
            if is_crowd:
                w, h = 3 * w, 3 * h
            box = [max(1 / grid, exact(v, grid)) if k > 1 else exact(v, grid) for k, v in enumerate((x, y, w, h))]
            ground.append([image, cls, *box, is_crowd])
            for _ in range(int(rng.integers(1, 4))):
                if rng.random() < miss:
                    continue
                noise = rng.normal(0, jitter, 4) * [w, h, w, h]
                moved = [x + noise[0], y + noise[1], max(1, w + noise[2]), max(1, h + noise[3])]
                label = cls if rng.random() < 0.9 else int(rng.integers(classes))
                quality = np.exp(-np.abs(noise).sum() / (w + h)) * rng.uniform(0.4, 1)
                found.append([image, label, *[exact(v, grid) for v in moved], exact(quality, score_grid)])
        for _ in range(int(rng.poisson(clutter))):
            w, h = np.exp(rng.uniform(np.log(sizes[0]), np.log(sizes[1]), 2))
            x, y = rng.uniform(0, 640 - w), rng.uniform(0, 640 - h)
            found.append([image, int(rng.integers(classes)),
                          *[exact(v, grid) for v in (x, y, w, h)], exact(rng.uniform(0, 0.8), score_grid)])
    return {"images": images, "classes": classes, "truths": ground, "detections": found}


def evaluate(case, iou_thresholds=None, max_detections=100):
    """pycocotools on one case; -1 (nothing to ask for) becomes null."""
    annotations = [
        {"id": i + 1, "image_id": row[0] + 1, "category_id": row[1] + 1, "bbox": row[2:6],
         "area": row[4] * row[5], "iscrowd": row[6]}
        for i, row in enumerate(case["truths"])
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "info": {}, "images": [{"id": i + 1} for i in range(case["images"])],
            "categories": [{"id": i + 1} for i in range(case["classes"])], "annotations": annotations,
        }
        truth.createIndex()
        results = [
            {"image_id": row[0] + 1, "category_id": row[1] + 1, "bbox": row[2:6], "score": row[6]}
            for row in case["detections"]
        ]
        detected = truth.loadRes(results) if results else COCO()
        if not results:
            detected.dataset = {**truth.dataset, "annotations": []}
            detected.createIndex()
        run = COCOeval(truth, detected, "bbox")
        if iou_thresholds is not None:
            run.params.iouThrs = np.array(iou_thresholds)
        run.params.maxDets = [1, 10, max_detections]
        run.evaluate()
        run.accumulate()
    precision, recall = run.eval["precision"], run.eval["recall"]  # [T, R, K, A, M], [T, K, A, M]

    def mean(values):
        known = values[values > -1]
        return None if known.size == 0 else float(known.mean())

    areas = ["all", "small", "medium", "large"]
    return {
        "map": mean(precision[:, :, :, 0, 2]),
        "mapAt": [mean(precision[t, :, :, 0, 2]) for t in range(precision.shape[0])],
        "classAp": [[mean(precision[t, :, k, 0, 2]) for t in range(precision.shape[0])]
                    for k in range(case["classes"])],
        "curve": [float(v) for v in precision[0, :, 0, 0, 2]],
        "areas": {name: {"map": mean(precision[:, :, :, a, 2]), "averageRecall": mean(recall[:, :, a, 2])}
                  for a, name in enumerate(areas) if a > 0},
        "averageRecall": {"at1": mean(recall[:, :, 0, 0]), "at10": mean(recall[:, :, 0, 1]),
                          "atMax": mean(recall[:, :, 0, 2])},
    }


def hundred():
    """One class, exactly 100 objects: every recall is a hundredth, where rounding decides which point is read."""
    case = make_case(11, 100, 1, 1, 1)
    rng = np.random.default_rng(12)
    case["truths"] = [[i, 0, 32.0, 32.0, 64.0, 64.0, 0] for i in range(100)]
    case["detections"] = [[i, 0, 32.0, 32.0, 64.0, 64.0 - float(rng.integers(0, 40)), exact(rng.random(), 1024)]
                          for i in range(100) for _ in range(2)]
    return case


CASES = [
    ("plain", make_case(1, 12, 4, 4, 3), {}),
    ("crowded: many overlapping objects, and crowds",
     make_case(2, 4, 2, 26, 40, sizes=(20, 120), crowd=0.1), {}),
    ("ties: integer boxes and ten scores", make_case(3, 15, 3, 5, 4, grid=1, jitter=0.08, sizes=(10, 40), score_grid=10), {}),
    ("classes that no image has", make_case(4, 10, 6, 3, 2, used_classes=[1, 4]), {}),
    ("no ground truth at all", {"images": 3, "classes": 2, "truths": [], "detections": [[0, 1, 5.0, 5.0, 20.0, 20.0, 0.5]]}, {}),
    ("no detections", {"images": 2, "classes": 2, "truths": [[0, 1, 5.0, 5.0, 20.0, 20.0, 0]], "detections": []}, {}),
    ("images without objects", make_case(5, 20, 2, 3, 2, negatives=0.6), {}),
    ("one threshold of 0.33", make_case(6, 12, 6, 4, 2, jitter=0.2, sizes=(12, 60)), {"iou_thresholds": [0.33]}),
    ("ten detections an image", make_case(7, 6, 2, 10, 12), {"max_detections": 10}),
    ("exactly a hundred objects", hundred(), {}),
    ("tiny and huge", make_case(8, 10, 2, 5, 4, sizes=(2, 500), jitter=0.05), {}),
]

out = []
for name, case, options in CASES:
    out.append({"name": name, **case, "options": options, "expected": evaluate(case, **options)})
json.dump({"source": f"pycocotools 2.0.11, numpy {np.__version__}", "cases": out}, sys.stdout, separators=(",", ":"))
sys.stdout.write("\n")
