#!/bin/sh
# find_package in a prefix that was moved, in every build type. Usage: tests/consumer/installed.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"
prefix="$work/moved here"

# builds WHAT FOLDER PROGRAM_FOLDER CMAKE_BUILD_OPTION...
builds() {
    local what="$1" folder="$2" programs="$3" program
    shift 3
    must "building with $what" cmake --build "$folder" "$@"
    for program in consumer_c consumer_cpp consumer_hpp; do
        says_version "$program, $what" "$programs/$program"
    done
}

install_moved "$prefix"
! grep -rIl -e "$work/first prefix" -e "$build" "$prefix" || fail "these files name the folder of the build"
pass "no file names the first prefix"

for type in '' Debug Release; do
    folder="$work/type $type"
    must "configuring" configure_consumer "$folder" "$prefix" -DCMAKE_BUILD_TYPE="$type"
    builds "build type \"$type\"" "$folder" "$folder"
done
folder="$work/multi"
must "configuring" configure_consumer "$folder" "$prefix" -G "Ninja Multi-Config" \
    -DCMAKE_CONFIGURATION_TYPES="Debug;Release" -DCMAKE_MAP_IMPORTED_CONFIG_DEBUG=Release
builds "Ninja Multi-Config" "$folder" "$folder/Release" --config Release
builds "Ninja Multi-Config, Debug mapped to Release" "$folder" "$folder/Debug" --config Debug

! LC_ALL=C readelf -dW "$folder/Release/consumer_hpp" | grep NEEDED | grep -E 'torch|c10' ||
    fail "the program links libtorch itself"
pass "programs do not link libtorch"

for request in 0.0 0.2 1.0; do
    refused "a request for version $request" "compatible with requested version \"$request\"" \
        configure_consumer "$work/refused" "$prefix" -DCOOPSEG_REQUEST="$request"
done
