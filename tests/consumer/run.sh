#!/bin/sh
# Installs coopseg into a prefix with a space in its name, moves that, and builds programs against it: with CMake
# and with pkg-config, in C and in C++. Usage: tests/consumer/run.sh BUILD_FOLDER
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

! configure "$work/later" 0.2 || fail "a request for version 0.2 was served"
grep -q 'compatible with requested version "0.2"' "$work/log" || fail "version 0.2 is refused otherwise: $(cat "$work/log")"
pass "a request for version 0.2 is refused"

PKG_CONFIG_PATH=$(dirname "$library")/pkgconfig
export PKG_CONFIG_PATH
[ "$(pkgconf --modversion coopseg)" = "$version" ] || fail "pkg-config gives another version"
flags=$(pkgconf --cflags --libs coopseg)
eval "gcc -std=c99 -Wall -Werror -o \"$work/pc_c\" \"$here/consumer.c\" $flags -Wl,-rpath,\"$(dirname "$library")\"" ||
    fail "gcc with pkg-config does not build"
eval "g++ -std=c++17 -Wall -Werror -o \"$work/pc_cpp\" \"$here/consumer.cpp\" $flags -Wl,-rpath,\"$(dirname "$library")\"" ||
    fail "g++ with pkg-config does not build"
says_version "C with pkg-config" "$work/pc_c"
says_version "C++ with pkg-config" "$work/pc_cpp"

echo "consumer: $passed passed, 0 failed"
