#!/bin/sh
# Runs Segment.java against an installed coopseg and compares its labels with the library's own file-to-file result.
# Usage: examples/java/test.sh PREFIX BUILD_FOLDER
# JNA is the file that the environment variable JNA names, or Debian's (package libjna-java).
# Exit status 77: Java 11 or newer, or JNA, is not installed.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: $0 PREFIX BUILD_FOLDER" >&2
    exit 2
fi
prefix=$(cd -- "$1" && pwd)
mkdir -p "$2"
build=$(cd -- "$2" && pwd)
here=$(cd -- "$(dirname -- "$0")" && pwd)
jna=${JNA:-/usr/share/java/jna.jar}
log="$build/log"

fail() {
    echo "java: $1" >&2
    exit 1
}

if ! command -v java >/dev/null || ! java --list-modules 2>/dev/null | grep -q '^jdk.compiler@'; then
    echo "java: skipped: no JDK is installed (Debian's package default-jdk-headless)" >&2
    exit 77
fi
if [ ! -f "$jna" ]; then
    echo "java: skipped: $jna is not there (Debian's package libjna-java; or set JNA to the jar)" >&2
    exit 77
fi

# segment ARGUMENT...: the program, as its comment says.
segment() {
    java -cp "$jna" -Djna.library.path="$prefix/lib" "$here/Segment.java" "$@"
}

# voxels TYPE BYTES FILE: of a NIfTI file, one a line.
voxels() {
    od -An -v -j352 -t"$1" -w"$2" "$3" | awk '{print $1 + 0}'
}

rm -rf "$build/material" "$build/labels.nii"
mkdir -p "$build/material"
${CC:-cc} -std=c99 -o "$build/material_program" "$here/../../bindings/matlab/tests/material.c" -I "$prefix/include" \
    -L "$prefix/lib" -lcoopseg -lm -Wl,-rpath,"$prefix/lib"
"$build/material_program" "$build/material"

segment "$build/material/model.coopseg" "$build/material/image.nii" "$build/labels.nii" >"$build/said" 2>"$log" ||
    fail "Segment.java fails: $(cat "$log")"
grep -q '^class 0: [0-9]*\.[0-9] ml$' "$build/said" || fail "Segment.java says: $(cat "$build/said")"
grep -q '5 of 5 slices' "$log" || fail "Segment.java tells no progress: $(cat "$log")"
voxels u1 1 "$build/material/labels.nii" >"$build/expected.txt"
voxels f4 4 "$build/labels.nii" >"$build/given.txt"
[ "$(sort -u "$build/expected.txt" | wc -l)" -gt 2 ] || fail "the labels to compare with are too few"
cmp "$build/expected.txt" "$build/given.txt" || fail "Segment.java gives other labels than the file-to-file function"
echo "java: labels: ok"

status=0
segment "$build/none.coopseg" "$build/material/image.nii" "$build/x.nii" >"$log" 2>&1 || status=$?
[ "$status" = 1 ] && grep -q 'none.coopseg: no such file' "$log" || fail "a missing model: $status, $(cat "$log")"
echo "java: errors: ok"
