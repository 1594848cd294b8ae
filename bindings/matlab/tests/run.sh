#!/bin/sh
# Builds the MEX function against an installed coopseg and tests it in Octave, as README.md says.
# Usage: bindings/matlab/tests/run.sh PREFIX BUILD_FOLDER
# Exit status 77: Octave is not installed.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: $0 PREFIX BUILD_FOLDER" >&2
    exit 2
fi
for tool in octave-cli mkoctfile; do
    if ! command -v "$tool" >/dev/null; then
        echo "matlab: skipped: $tool is not installed (Debian's packages octave and octave-dev)" >&2
        exit 77
    fi
done
prefix=$(cd -- "$1" && pwd)
mkdir -p "$2"
build=$(cd -- "$2" && pwd)
here=$(cd -- "$(dirname -- "$0")/.." && pwd)
log="$build/log"

fail() {
    echo "matlab: $1" >&2
    exit 1
}

# octave ARGUMENT...: Octave without the user's settings, with the copy of this folder on its path.
octave() {
    octave-cli --no-init-file --no-history --quiet --path "$build/checkout/bindings/matlab" \
        --path "$build/checkout/bindings/matlab/tests" "$@"
}

# A checkout of its own, so that README.md's commands can be run as they are and this folder stays clean.
rm -rf "$build/checkout" "$build/material" "$build/work" "$build/other place" "$build/moved prefix"
mkdir -p "$build/checkout/bindings" "$build/checkout/build" "$build/material" "$build/other place" "$build/work"
cp -R "$here" "$build/checkout/bindings/matlab"
ln -s "$prefix" "$build/checkout/build/prefix"
cd "$build/checkout"
sed -n '/^```sh$/,/^```$/p' bindings/matlab/README.md | grep '^octave-cli ' >"$build/readme.sh" ||
    fail "README.md has no octave-cli command"
sh -e "$build/readme.sh" >"$log" 2>&1 || fail "README.md's command fails: $(cat "$log")"
[ -s bindings/matlab/coopseg_mex.mex ] || fail "README.md's command builds no coopseg_mex.mex"
echo "matlab: README.md's installation: ok"

# Another compiler than the one of the interpreter, strictly.
for source in bindings/matlab/mex/*.c; do
    ${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Werror -c -o "$build/object.o" -I "$prefix/include" \
        -isystem "$(mkoctfile -p OCTINCLUDEDIR)" "$source"
done
${CC:-cc} -std=c99 -pedantic -Wall -Wextra -Werror -o "$build/material_program" bindings/matlab/tests/material.c \
    -I "$prefix/include" -L "$prefix/lib" -lcoopseg -lm -Wl,-rpath,"$prefix/lib"
"$build/material_program" "$build/material"
cp "$build/material/model.coopseg" .

octave --eval "run_tests('$build/material', '$build/work', '$prefix')" || fail "tests failed"

# Ctrl-C at Octave's prompt: it stops the segmentation, and the session goes on.
octave --interactive <bindings/matlab/tests/interrupt.txt >"$log" 2>&1 || fail "Octave ended at Ctrl-C: $(cat "$log")"
for words in 'heard 2' 'no result' '0 runs' 'same labels'; do
    grep -q "$words" "$log" || fail "Ctrl-C: \"$words\" is missing in: $(cat "$log")"
done
! grep -q 'heard 3' "$log" || fail "Ctrl-C did not stop the segmentation"
echo "matlab: Ctrl-C: ok"

# The interpreter may end while a segmentation is on its way.
status=0
octave --eval "segmenter = coopseg.Segmenter('model.coopseg');
    segmenter.segment(rand(40, 36, 5), [1 1 1], 'progress', @(done, slices) exit(3))" >"$log" 2>&1 || status=$?
[ "$status" = 3 ] || fail "exit(3) in a progress function gave the status $status: $(cat "$log")"
echo "matlab: exit: ok"

# Folders with a space in their names; a prefix that is gone.
cp -R "$prefix" "$build/moved prefix"
octave --eval "coopseg.build('$build/moved prefix', '$build/other place')" || fail "build fails with spaces"
rm bindings/matlab/coopseg_mex.mex
octave --path "$build/other place" --eval "info = coopseg.buildInfo(); disp(info.version)" >"$log" 2>&1 ||
    fail "a MEX file in a folder of its own does not run: $(cat "$log")"
rm -rf "$build/moved prefix"
! octave --path "$build/other place" --eval "coopseg.buildInfo()" >"$log" 2>&1 || fail "a moved prefix is found"
grep -q 'libcoopseg.so.0: cannot open shared object file' "$log" || fail "a moved prefix: $(cat "$log")"
for folder in lib64 lib/x86_64-linux-gnu; do
    rm -rf "$build/another prefix"
    mkdir -p "$build/another prefix/$folder"
    cp -R "$prefix/include" "$build/another prefix"
    cp -R "$prefix/lib/." "$build/another prefix/$folder"
    octave --eval "coopseg.build('$build/another prefix', '$build/other place')" || fail "build fails with $folder"
    octave --path "$build/other place" --eval "info = coopseg.buildInfo();" >"$log" 2>&1 ||
        fail "with $folder the MEX file does not run: $(cat "$log")"
done
rm -rf "$build/another prefix"
! octave --eval "coopseg.build('$build/work')" >"$log" 2>&1 || fail "a prefix without coopseg is no error"
grep -q "$build/work: no include/coopseg/coopseg.h" "$log" || fail "a prefix without coopseg: $(cat "$log")"
echo "matlab: folders: ok"
