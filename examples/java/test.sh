#!/bin/sh
# Runs Segment.java and Artefact.java against an installed coopseg and compares their images with those of a C program.
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

if ! command -v java >/dev/null || ! command -v javac >/dev/null; then
    echo "java: skipped: no JDK is installed (Debian's package default-jdk-headless)" >&2
    exit 77
fi
if [ ! -f "$jna" ]; then
    echo "java: skipped: $jna is not there (Debian's package libjna-java; or set JNA to the jar)" >&2
    exit 77
fi

# program CLASS ARGUMENT...: one of the programs, as its comment says.
program() {
    java -cp "$jna:$build/classes" -Djna.library.path="$prefix/lib" "$@"
}

# voxels TYPE BYTES FILE: of a NIfTI file, one a line.
voxels() {
    od -An -v -j352 -t"$1" -w"$2" "$3" | awk '{print $1 + 0}'
}

rm -rf "$build/material" "$build/classes" "$build/labels.nii" "$build"/spoiled*.nii
mkdir -p "$build/material"
for name in Segment Artefact; do
    javac -Xlint:all -Werror -cp "$jna" -d "$build/classes" "$here/Coopseg.java" "$here/$name.java" >"$log" 2>&1 ||
        fail "$name.java does not compile: $(cat "$log")"
done
${CC:-cc} -std=c99 -o "$build/material_program" "$here/../../bindings/matlab/tests/material.c" -I "$prefix/include" \
    -L "$prefix/lib" -lcoopseg -lm -Wl,-rpath,"$prefix/lib"
"$build/material_program" "$build/material"

program Segment "$build/material/model.coopseg" "$build/material/image.nii" "$build/labels.nii" \
    >"$build/said" 2>"$log" || fail "Segment.java fails: $(cat "$log")"
grep -q '^class 0: [0-9]*\.[0-9] ml$' "$build/said" || fail "Segment.java says: $(cat "$build/said")"
grep -q '5 of 5 slices' "$log" || fail "Segment.java tells no progress: $(cat "$log")"
voxels u1 1 "$build/material/labels.nii" >"$build/expected.txt"
voxels f4 4 "$build/labels.nii" >"$build/given.txt"
[ "$(sort -u "$build/expected.txt" | wc -l)" -gt 2 ] || fail "the labels to compare with are too few"
cmp "$build/expected.txt" "$build/given.txt" || fail "Segment.java gives other labels than the file-to-file function"
echo "java: labels: ok"

# spoil ARTEFACT SEED FILE: what Artefact.java makes of the image, and what it says.
spoil() {
    program Artefact "$build/material/image.nii" "$1" "$2" "$3" >"$build/said" 2>"$log" ||
        fail "Artefact.java fails: $(cat "$log")"
}

for artefact in motion noise; do
    spoil "{\"$artefact\": {\"severity\": 4}}" 9 "$build/spoiled.nii"
    [ "$(cat "$build/said")" = "$(cat "$build/material/artefact_$artefact.json")" ] ||
        fail "Artefact.java says: $(cat "$build/said")"
    voxels f4 4 "$build/material/artefact_$artefact.nii" >"$build/expected.txt"
    voxels f4 4 "$build/spoiled.nii" >"$build/given.txt"
    [ "$(sort -u "$build/expected.txt" | wc -l)" -gt 100 ] || fail "the voxels to compare with are too few"
    cmp "$build/expected.txt" "$build/given.txt" || fail "Artefact.java gives other voxels than the C function"
    spoil "$(cat "$build/said")" 18446744073709551615 "$build/spoiled_again.nii"
    cmp "$build/spoiled.nii" "$build/spoiled_again.nii" || fail "Artefact.java does not repeat $artefact"
done
echo "java: artefacts: ok"

status=0
program Artefact "$build/material/image.nii" '{"goasting": {}}' 1 "$build/spoiled_x.nii" >"$log" 2>&1 || status=$?
[ "$status" = 1 ] && grep -q 'Artefact: .*goasting' "$log" || fail "an unknown artefact: $status, $(cat "$log")"
status=0
program Artefact "$build/material/image.nii" '{"noise": {}}' -1 "$build/spoiled_x.nii" >"$log" 2>&1 || status=$?
[ "$status" = 1 ] && grep -q 'the seed is -1' "$log" || fail "a negative seed: $status, $(cat "$log")"
[ ! -e "$build/spoiled_x.nii" ] || fail "Artefact.java writes an image that it could not make"

status=0
program Segment "$build/none.coopseg" "$build/material/image.nii" "$build/x.nii" >"$log" 2>&1 || status=$?
[ "$status" = 1 ] && grep -q 'none.coopseg: no such file' "$log" || fail "a missing model: $status, $(cat "$log")"
echo "java: errors: ok"
