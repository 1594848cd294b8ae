#!/bin/sh
# Projects that build coopseg as a part of themselves, from a checkout.
# Usage: tests/consumer/subproject.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"

# configure FOLDER WAY CMAKE_OPTION...
configure() {
    local folder="$1" way="$2"
    shift 2
    cmake -S "$here/subproject" -B "$folder" -DCMAKE_INSTALL_LIBDIR=lib \
        -DCOOPSEG_WAY="$way" -DCOOPSEG_SOURCE="$source" "$@"
}

# builds WAY GENERATOR PROGRAM_FOLDER CMAKE_OPTION...
builds() {
    local way="$1" generator="$2" folder="$work/$1" programs="$3" program
    shift 3
    must "configuring by $way" with_build_settings configure "$folder" "$way" -G "$generator" "$@"
    must "building by $way" cmake --build "$folder"
    for program in program_c program_cpp; do
        says_version "$program by $way with $generator" "$folder/$programs/$program"
    done
    must "ctest" ctest --test-dir "$folder" -C Debug
    grep -q "100% tests passed, 0 tests failed out of 1" "$log" ||
        fail "the project has other tests than its own: $(cat "$log")"
    pass "the project by $way has its own tests only"
}

builds add_subdirectory "Unix Makefiles" . -DCMAKE_BUILD_TYPE=Release
builds FetchContent "Ninja Multi-Config" Debug
builds find_package Ninja . -DCMAKE_BUILD_TYPE=Debug

for way in add_subdirectory find_package; do
    program="$work/$way/program_c"
    folder="$work/$way/coopseg/lib"
    [ -e "$folder" ] || folder="$work/$way/_deps/coopseg-build/lib"
    touch "$work/before"
    must "building again" cmake --build "$work/$way"
    [ ! "$program" -nt "$work/before" ] || fail "the program is linked again though nothing changed"
    # As if cargo had built another core since.
    printf x >>"$folder/libcoopseg-core.so.$version"
    must "building again" cmake --build "$work/$way"
    cmp -s "$folder/libcoopseg-core.so.$version" "$(cached COOPSEG_CARGO_TARGET_DIR)/release/libcoopseg.so" ||
        fail "the core is not that of cargo"
    rm "$folder/libcoopseg.so.$version"
    touch "$work/before"
    must "building again" cmake --build "$work/$way"
    [ "$program" -nt "$work/before" ] || fail "the program is not linked again though the library changed"
    pass "the program by $way is linked again when the library changes, and only then"
done

must "installing the project" cmake --install "$work/add_subdirectory" --prefix "$work/alone"
[ -z "$(find "$work/alone" -name '*coopseg.*')" ] || fail "the project installs coopseg unasked"
pass "the project installs without coopseg"
must "configuring" with_build_settings configure "$work/add_subdirectory" add_subdirectory -DCOOPSEG_INSTALL=ON
must "building" cmake --build "$work/add_subdirectory"
install_moved "$work/together" "$work/add_subdirectory"
# The loader takes the first library that fits, so the one of the build folder must be gone.
mv "$work/add_subdirectory" "$work/gone"
says_version "the project installed with coopseg" "$work/together/bin/program_cpp"

refused "a folder without libtorch" "coopseg needs libtorch $libtorch_version, but /nowhere has no lib/libtorch_cpu.so" \
    configure "$work/none" add_subdirectory -DCOOPSEG_LIBTORCH=/nowhere
mkdir -p "$work/old/lib" "$work/old/include/torch" "$work/checkout"
touch "$work/old/lib/libtorch_cpu.so" "$work/old/lib/libc10.so"
echo 2.10.0 >"$work/old/build-version"
refused "another libtorch" "$work/old holds version \"2.10.0\"" \
    configure "$work/none" add_subdirectory -DCOOPSEG_LIBTORCH="$work/old"
(cd "$source" && cp -r CMakeLists.txt Cargo.toml build.rs cmake loader scripts "$work/checkout")
refused "a checkout that is not set up" \
    "run \`make setup\` in $work/checkout, or name one with -DCOOPSEG_LIBTORCH=/path." \
    configure "$work/none" FetchContent -DCOOPSEG_SOURCE="$work/checkout" -DCOOPSEG_LIBTORCH=
