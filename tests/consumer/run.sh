#!/bin/sh
# Installs coopseg into a prefix with a space in its name, moves that, and builds programs against it: with CMake
# and with pkg-config, in C and in C++, and the C++ examples. Usage: tests/consumer/run.sh BUILD_FOLDER
# Uses cmake, ninja and pkgconf of PATH.
set -eu
build=$(cd -- "$1" && pwd)
here=$(cd -- "$(dirname -- "$0")" && pwd)
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$here/../../Cargo.toml")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix="$work/moved to here"
passed=0

fail() {
    echo "consumer: $1" >&2
    exit 1
}

# says_version WHAT PROGRAM: the program starts in an empty environment and gives the library's version.
says_version() {
    said=$(env -i "$2") || fail "$1 does not run"
    [ "$said" = "$version" ] || fail "$1 says version $said instead of $version"
    pass "$1"
}

pass() {
    passed=$((passed + 1))
    echo "consumer: $1: ok"
}

# compile COMPILER STANDARD SOURCE PROGRAM: with the flags of pkg-config.
compile() {
    eval "$1 -std=$2 -Wall -Wextra -Werror -o \"$4\" \"$here/$3\" $flags -Wl,-rpath,\"$(dirname "$library")\"" ||
        fail "$1 with pkg-config does not build $3"
}

# runs WHAT PROGRAM [ARGUMENT...]: the program succeeds in an empty environment.
runs() {
    what=$1
    shift
    env -i "$@" >"$work/log" 2>&1 || fail "$what does not run: $(cat "$work/log")"
}

# configure FOLDER VERSION
configure() {
    cmake -S "$here" -B "$1" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" -DCOOPSEG_REQUEST="$2" >"$work/log" 2>&1
}

cmake --install "$build" --prefix "$work/installed" >"$work/log" || fail "the installation failed: $(cat "$work/log")"
mv "$work/installed" "$prefix"
library=$(find "$prefix" -name libcoopseg.so)

! grep -rIl -e "$work/installed" -e "$build" "$prefix" || fail "these files name the folder of the build"
pass "no file names the first prefix"

configure "$work/cmake" 0.1 || fail "CMake does not configure: $(cat "$work/log")"
cmake --build "$work/cmake" >"$work/log" 2>&1 || fail "CMake does not build: $(cat "$work/log")"
says_version "C with CMake" "$work/cmake/consumer_c"
says_version "C++ with CMake" "$work/cmake/consumer_cpp"
says_version "coopseg.hpp with CMake" "$work/cmake/consumer_hpp"

! configure "$work/later" 0.2 || fail "a request for version 0.2 was served"
grep -q 'compatible with requested version "0.2"' "$work/log" || fail "version 0.2 is refused otherwise: $(cat "$work/log")"
pass "a request for version 0.2 is refused"

PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
export PKG_CONFIG_PATH
[ "$(pkgconf --modversion coopseg)" = "$version" ] || fail "pkg-config gives another version"
flags=$(pkgconf --cflags --libs coopseg)
compile gcc c99 consumer.c "$work/pc_c"
compile g++ c++17 consumer.cpp "$work/pc_cpp"
compile g++ c++17 consumer_hpp.cpp "$work/pc_hpp"
says_version "C with pkg-config" "$work/pc_c"
says_version "C++ with pkg-config" "$work/pc_cpp"
says_version "coopseg.hpp with pkg-config" "$work/pc_hpp"

examples="$work/examples"
cmake -S "$here/../../examples/cpp" -B "$examples" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_FLAGS=-Werror >"$work/log" 2>&1 && cmake --build "$examples" >"$work/log" 2>&1 ||
    fail "the C++ examples do not build: $(cat "$work/log")"
cat >"$work/small.json" <<'END'
{"network": {"width": 2}, "slices_per_step": 2, "epochs": 1, "seed": 1,
 "preprocess": {"spacing": null, "pad": [48, 48], "crop": [32, 32]}}
END
runs "writing subjects" "$work/pc_hpp" "$work/subjects"
runs "examples/cpp/train" "$examples/train" "$work/subjects" "$work/model.coopseg" "$work/small.json"
[ -s "$work/model.csv" ] || fail "examples/cpp/train writes no evaluation"
image=$(find "$work/subjects" -name image.nii.gz | head -n 1)
runs "examples/cpp/segment" "$examples/segment" "$work/model.coopseg" "$image" "$work/labels.nii.gz"
grep -q "^class 0: .* ml" "$work/log" && [ -s "$work/labels.nii.gz" ] || fail "examples/cpp/segment gives no labels"
! env -i "$examples/segment" "$work/none" "$image" "$work/labels.nii.gz" 2>"$work/log" ||
    fail "a missing model is no error"
grep -q "none: no such file" "$work/log" || fail "examples/cpp/segment does not name the missing model"
pass "the C++ examples"

echo "consumer: $passed passed, 0 failed"
