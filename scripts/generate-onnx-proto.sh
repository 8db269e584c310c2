#!/bin/sh
# Regenerates src/onnx/proto/generated/onnx_pb.ts from the schema that the PyPI wheel `onnx` carries.
# Needs: npm ci, python3 with pip, and network for the one download.
set -eu
version=${1:-1.23.2}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

python3 -m pip download --quiet --no-deps --dest "$work" "onnx==$version"
python3 - "$work" <<'PY'
import glob, sys, zipfile
folder = sys.argv[1]
wheel = glob.glob(folder + "/*.whl")[0]
text = zipfile.ZipFile(wheel).read("onnx/onnx-ml.proto").decode()
open(folder + "/onnx.proto", "w").write(text)
PY

cat > "$work/buf.yaml" <<'YAML'
version: v2
YAML
cat > "$work/buf.gen.yaml" <<YAML
version: v2
plugins:
  - local: $root/node_modules/.bin/protoc-gen-es
    out: $root/src/onnx/proto/generated
    opt:
      - target=ts
      - import_extension=js
YAML
cd "$work"
"$root/node_modules/.bin/buf" generate "$work"
echo "src/onnx/proto/generated/onnx_pb.ts from onnx $version"
