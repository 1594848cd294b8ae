#!/bin/sh
# Builds and installs the Slicer modules as README.md says, and tests them.
# Usage: bindings/slicer/tests/run.sh PREFIX BUILD_FOLDER
#   PREFIX        where coopseg is installed
#   BUILD_FOLDER  is made; everything is written there
#   PYTHON        the Python with the packages of requirements.txt (that of tests/setup otherwise)
# Uses cmake and ninja of PATH. Exit code 77: ITK or the Python packages are missing.
set -eu
[ $# = 2 ] || { echo "usage: $0 PREFIX BUILD_FOLDER" >&2; exit 2; }
COOPSEG=$(cd -- "$1" && pwd)
mkdir -p "$2"
BUILD=$(cd -- "$2" && pwd)
cd -- "$(dirname -- "$0")/../../.."
tests=bindings/slicer/tests
python=${PYTHON:-.deps/slicer/bin/python}
INSTALLED="$BUILD/installed here"
export COOPSEG BUILD INSTALLED CMAKE_GENERATOR=Ninja

skip() {
    echo "slicer: skipped: $1" >&2
    exit 77
}

"$python" -c 'import ctk_cli, mypy, nibabel, nrrd, pytest, slicerio' 2>/dev/null ||
    skip "$python lacks packages of $tests/requirements.txt; $tests/setup fetches them"

# The first block of README.md.
sed -n '/^```sh$/,/^```$/p' bindings/slicer/README.md | sed '1d;/^```$/,$d' >"$BUILD/install.sh"
if ! sh -eu "$BUILD/install.sh" >"$BUILD/log" 2>&1; then
    ! grep -q 'FindITK.cmake' "$BUILD/log" ||
        skip "ITK is not installed (Debian: libinsighttoolkit5-dev libfftw3-dev libgdcm-tools)"
    cat "$BUILD/log" >&2
    exit 1
fi
! grep 'warning:' "$BUILD/log" || { echo "slicer: the compiler warns" >&2; exit 1; }

COOPSEG_LIBRARY=$(find "$COOPSEG" -name libcoopseg.so)
COOPSEG_SLICER_MODULES=$(dirname "$(find "$INSTALLED" -name CoopSegSegment)")
export COOPSEG_LIBRARY COOPSEG_SLICER_MODULES
"$python" -B -m mypy --strict --cache-dir "$BUILD/mypy" bindings/slicer/CoopSeg/CoopSegLib
"$python" -B -m pytest -q --strict-markers -p no:cacheprovider "$tests"
