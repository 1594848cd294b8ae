#!/bin/sh
# Builds and tests the filters against an installed coopseg and the system's ITK, installs them, and builds and runs the
# example and the README's code against that. Usage: bindings/itk/test/run.sh PREFIX BUILD_FOLDER
# PREFIX is where coopseg was installed. Exit code: 0 passed, 1 failed, 77 skipped, since there is no ITK.
# Uses cmake, ctest and ninja of PATH.
set -eu
prefix=$(cd -- "$1" && pwd)
mkdir -p "$2"
build=$(cd -- "$2" && pwd)
module=$(cd -- "$(dirname -- "$0")/.." && pwd)
log="$build/log"

fail() {
    echo "itk: $1" >&2
    exit 1
}

# run WHAT COMMAND [ARGUMENT...]: the command succeeds.
run() {
    what=$1
    shift
    "$@" >"$log" 2>&1 || fail "$what: $(tail -n 60 "$log")"
    echo "itk: $what: ok"
}

# build_project FOLDER BUILD_FOLDER [OPTION...]
build_project() {
    source=$1
    target=$2
    shift 2
    cmake -S "$source" -B "$target" -G Ninja "$@" && cmake --build "$target"
}

# block LANGUAGE NUMBER: one of the README's code blocks.
block() {
    awk -v language="$1" -v wanted="$2" '
        { line = $0; sub(/^ */, "", line) }
        line == "```" language { number++; inside = number == wanted; next }
        line ~ /^```/ { inside = 0 }
        inside' "$module/README.md"
}

mkdir -p "$build/probe"
cat >"$build/probe/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(probe LANGUAGES C CXX)
find_package(ITK QUIET COMPONENTS ITKCommon)
file(WRITE "${CMAKE_BINARY_DIR}/found" "${ITK_FOUND}")
END
rm -rf "$build/probe/build"
cmake -S "$build/probe" -B "$build/probe/build" -G Ninja >"$log" 2>&1 || fail "ITK is installed in part: $(cat "$log")"
if [ "$(cat "$build/probe/build/found")" != 1 ]; then
    echo "itk: skipped: there is no ITK (on Debian: libinsighttoolkit5-dev libfftw3-dev libgdcm-tools)"
    exit 77
fi

run "the filters compile" build_project "$module" "$build/module" "-DCMAKE_PREFIX_PATH=$prefix"
run "the filters' tests" ctest --test-dir "$build/module" --output-on-failure --no-tests=error
grep '^[0-9].* tests passed' "$log"

# With the README's commands, into a copy of the prefix that is moved afterwards, to see that nothing names its place.
installed="$build/installed"
moved="$build/moved to here"
rm -rf "$installed" "$moved" "$build/checkout"
mkdir "$build/checkout"
ln -s "$module/.." "$build/checkout/bindings"
cp -R "$prefix" "$installed"
block sh 1 >"$build/checkout/install.sh"
cd "$build/checkout"
run "the filters are installed" env "PREFIX=$installed" sh -e install.sh
mv "$installed" "$moved"
! grep -rIl -e "$installed" -e "$build/checkout" "$moved" || fail "these files name the folder of the build"
paths="-DCMAKE_PREFIX_PATH=$moved"

model="$build/module/test/model.coopseg"
image="$build/module/test/image.nii.gz"
work="$build/work"
rm -rf "$work"
mkdir -p "$work"
cp "$model" "$image" "$work"

run "the example compiles" build_project "$module/../../examples/itk" "$build/example" "$paths" \
    -DCMAKE_CXX_FLAGS=-Werror
run "the example runs" "$build/example/segment" "$model" "$image" "$work/example.nrrd" "$work/probabilities.mha"
grep -q '100 %' "$log" || fail "the example shows no progress: $(cat "$log")"
[ -s "$work/example.nrrd" ] && [ -s "$work/probabilities.mha" ] || fail "the example writes no files"
! "$build/example/segment" "$work/none" "$image" "$work/none.nrrd" >"$log" 2>&1 || fail "a missing model is no error"
grep -q 'none: no such file' "$log" || fail "the example does not name the missing model: $(cat "$log")"

# The first block is a program, the others are parts of one.
mkdir -p "$work/program"
block cpp 1 >"$work/program/main.cxx"
block cmake 1 >"$work/program/CMakeLists.txt"
{
    printf '#include "itkCoopSegImageFilter.h"\n#include "itkImageFileReader.h"\nint main() {\n'
    printf 'auto image = itk::ReadImage<itk::Image<float, 3>>("image.nii.gz");\n'
    block cpp 2
    printf 'return perClass.GetSize() == 4 ? 0 : 1;\n}\n'
} >"$work/program/part.cxx"
{
    printf '#include "itkImageFileReader.h"\n#include <cstring>\n'
    block cpp 3 | grep '^#include'
    printf 'int main() {\nauto image = itk::ReadImage<itk::Image<float, 3>>("image.nii.gz");\n'
    block cpp 3 | grep -v '^#include'
    printf 'const auto bytes = image->GetPixelContainer()->Size() * sizeof(float);\n'
    printf 'const float *first = spoil->GetOutput()->GetBufferPointer();\n'
    printf 'const bool repeated = std::memcmp(first, again->GetOutput()->GetBufferPointer(), bytes) == 0;\n'
    printf 'const bool changed = std::memcmp(first, image->GetBufferPointer(), bytes) != 0;\n'
    printf 'return repeated && changed ? 0 : 1;\n}\n'
} >"$work/program/artefact.cxx"
cat >>"$work/program/CMakeLists.txt" <<'END'
add_executable(part part.cxx)
add_executable(artefact artefact.cxx)
target_link_libraries(part PRIVATE coopseg::itk ${ITK_LIBRARIES})
target_link_libraries(artefact PRIVATE coopseg::itk ${ITK_LIBRARIES})
END
run "the README's programs compile" build_project "$work/program" "$work/program/build" "$paths"
cd "$work"
run "the README's program runs" program/build/your_program
[ -s labels.nii.gz ] || fail "the README's program writes no labels"
run "the README's second program runs" program/build/part
grep -q '^100 %' "$log" || fail "the README's second program shows no progress: $(cat "$log")"
run "the README's third program runs" program/build/artefact
grep -q '"ghosting"' "$log" || fail "the README's third program does not tell what was applied: $(cat "$log")"
