"""Golden figures of DeepPCB's own metric, computed by the data set's evaluation script.

    git clone https://github.com/tangsanli5201/DeepPCB
    python3 -m venv /tmp/golden && /tmp/golden/bin/pip install numpy
    /tmp/golden/bin/python scripts/golden/deeppcb-metric.py DeepPCB/evaluation > test/golden/deeppcb-metric.json

The script is Python 2 and wants the Polygon package; here its text is read, the few Python 2 forms are replaced, and
polygons are axis-aligned rectangles, which is all that its data holds. Scores differ from each other: its sort is not stable.
"""

import io
import json
import pathlib
import re
import sys
import types
import zipfile

import numpy as np

NAMES = ["open", "short", "mousebite", "spur", "copper", "pin-hole"]


class Rectangle:
    """The part of Polygon's interface that the script uses."""

    def __init__(self, points=None, edges=None):
        if edges is None:
            points = np.asarray(points)
            edges = (*points.min(axis=0), *points.max(axis=0))
        self.edges = edges

    def area(self):
        x1, y1, x2, y2 = self.edges
        return float(max(0, x2 - x1) * max(0, y2 - y1))

    def __and__(self, other):
        a, b = self.edges, other.edges
        return Rectangle(edges=(max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))

    def __len__(self):
        return int(self.area() > 0)


def load(folder):
    sys.modules["Polygon"] = types.SimpleNamespace(Polygon=Rectangle)
    sys.modules["StringIO"] = io
    functions = (folder / "rrc_evaluation_funcs.py").read_text(encoding="utf-8")
    functions = functions.replace("except Exception, e:", "except Exception as e:").replace("\t", "    ")
    functions = re.sub(r"^(\s*)print (.*)$", r"\1pass", functions, flags=re.M)
    module = types.ModuleType("rrc_evaluation_funcs")
    sys.modules["rrc_evaluation_funcs"] = module
    exec(compile(functions, "rrc_evaluation_funcs.py", "exec"), module.__dict__)
    script = (folder / "script.py").read_text(encoding="utf-8").replace("\t", "    ").replace("iteritems()", "items()")
    # Two commas of the published text are inside comments.
    script = re.sub(r"('\(\[0-9\]\+\)\.txt')( ?#)", r"\1,\2", script)
    main = types.ModuleType("script")
    main.unicode = lambda text, _encoding: text
    exec(compile(script, "script.py", "exec"), main.__dict__)
    return main


def archive(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as out:
        for name, lines in files.items():
            out.writestr(name, "\n".join(lines) + "\n")
    data.seek(0)
    return data


def make_case(seed, images, truths, clutter, jitter, miss=0.05, wrong=0.1):
    rng = np.random.default_rng(seed)
    ground, found = [], []
    for image in range(images):
        for _ in range(int(rng.integers(1, 2 * truths))):
            cls = int(rng.integers(6))
            w, h = rng.integers(12, 60, 2)
            x, y = rng.integers(0, 560, 2)
            ground.append([image, cls, *map(int, (x, y, x + w, y + h))])
            for _ in range(int(rng.integers(1, 4))):
                if rng.random() < miss:
                    continue
                dx, dy, dw, dh = np.round(rng.normal(0, jitter, 4) * [w, h, w, h])
                x1, y1 = max(0, x + dx), max(0, y + dy)
                label = cls if rng.random() > wrong else int(rng.integers(6))
                found.append([image, label, *map(int, (x1, y1, x1 + max(4, w + dw), y1 + max(4, h + dh)))])
        for _ in range(int(rng.poisson(clutter))):
            x, y, w, h = (int(v) for v in (*rng.integers(0, 560, 2), *rng.integers(10, 50, 2)))
            found.append([image, int(rng.integers(6)), x, y, x + w, y + h])
    scores = rng.permutation(len(found))
    found = [[*row, float((1 + s) / 1024)] for row, s in zip(found, scores)]
    return {"images": images, "truths": ground, "detections": found}


def evaluate(main, case):
    params = {**main.default_evaluation_params(), "LTRB": True}
    ground = {f"{i:05d}.txt": [] for i in range(case["images"])}
    found = {f"{i:05d}.txt": [] for i in range(case["images"])}
    for image, cls, *box in case["truths"]:
        ground[f"{image:05d}.txt"].append(",".join(map(str, box)) + "," + NAMES[cls])
    for image, cls, *box, score in case["detections"]:
        found[f"{image:05d}.txt"].append(",".join(map(str, box)) + f",{score:.10f},{NAMES[cls]}")
    method = main.evaluate_method(archive(ground), archive(found), params)["method"]
    return {"ap": method["AP"], "precision": method["precision"], "recall": method["recall"], "fScore": method["hmean"]}


script = load(pathlib.Path(sys.argv[1]))
cases = [make_case(1, 8, 4, 1, 0.1), make_case(2, 6, 6, 6, 0.25), make_case(3, 4, 3, 0, 0.02, miss=0, wrong=0)]
json.dump({"source": "DeepPCB/evaluation/script.py, commit 08e98c4", "classes": NAMES,
           "cases": [{**c, "expected": evaluate(script, c)} for c in cases]}, sys.stdout, separators=(",", ":"))
sys.stdout.write("\n")
