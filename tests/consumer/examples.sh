#!/bin/sh
# The C++ examples, built against an installed coopseg and run. Usage: tests/consumer/examples.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"
prefix="$work/moved here"
examples="$work/examples"

install_moved "$prefix"
must "configuring" configure_consumer "$work/consumer" "$prefix"
must "building" cmake --build "$work/consumer" --target consumer_hpp
must "configuring the examples" cmake -S "$source/examples/cpp" -B "$examples" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" \
    -DCMAKE_CXX_FLAGS=-Werror
must "building the examples" cmake --build "$examples"

cat >"$work/small.json" <<'END'
{"network": {"width": 2}, "slices_per_step": 2, "epochs": 1, "seed": 1,
 "preprocess": {"spacing": null, "pad": [48, 48], "crop": [32, 32]}}
END
must "writing subjects" env -i "$work/consumer/consumer_hpp" "$work/subjects"
must "examples/cpp/train" env -i "$examples/train" "$work/subjects" "$work/model.coopseg" "$work/small.json"
[ -s "$work/model.csv" ] || fail "examples/cpp/train writes no evaluation"
pass "examples/cpp/train"
image=$(find "$work/subjects" -name image.nii.gz | head -n 1)
must "examples/cpp/segment" env -i "$examples/segment" "$work/model.coopseg" "$image" "$work/labels.nii.gz"
grep -q "^class 0: .* ml" "$log" && [ -s "$work/labels.nii.gz" ] || fail "examples/cpp/segment gives no labels"
pass "examples/cpp/segment"
refused "a missing model" "none: no such file" env -i "$examples/segment" "$work/none" "$image" "$work/labels.nii.gz"
