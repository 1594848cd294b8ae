#!/bin/sh
# What a user sees whose machine has no libtorch where the library looks for it, and what mends it.
# Usage: tests/consumer/without_libtorch.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"
prefix="$work/moved here"
libtorch=$(libtorch_dir)

build_coopseg "$work/build" -DCOOPSEG_LIBTORCH_DIR=
install_moved "$prefix" "$work/build"
! grep -rIl -e "$libtorch" -e "$source/.deps" "$prefix" || fail "these files name the libtorch of the build"
pass "no file names the libtorch of the build"
libdir=$(dirname "$(find "$prefix" -name libcoopseg.so)")

must "configuring" configure_consumer "$work/consumer" "$prefix"
must "building" cmake --build "$work/consumer" --target consumer_c
program="$work/consumer/consumer_c"
must "building the program of many calls" gcc -std=c99 -Wall -Wextra -Werror -o "$work/many" "$here/without_libtorch.c" \
    -I"$prefix/include" -L"$libdir" -lcoopseg -pthread -Wl,-rpath,"$libdir"
pass "programs are built without libtorch"

must "a program that goes on without libtorch" env -i "$work/many"
pass "a program goes on without libtorch"
must "a program that names its libtorch" env -i "$work/many" "$libtorch"
pass "a program names its libtorch later"

mend="name its folder with the environment variable COOPSEG_LIBTORCH or coopseg_load_libtorch(), or make $libdir/coopseg a link"
refused "a program without libtorch" "libtorch $libtorch_version cannot be loaded (libtorch_cpu.so: cannot open" \
    env -i "$program"
grep -qF "COOPSEG_LIBTORCH_UNAVAILABLE: " "$log" && grep -qF -- "$mend" "$log" || fail "no mend is named: $(cat "$log")"
grep -qF 'libtorch 2.11.0 cannot be loaded' "$source/README.md" || fail "README.md does not explain it"
pass "what it says names the mend"
refused "a folder without libtorch" "COOPSEG_LIBTORCH is /nowhere, where neither lib/libtorch_cpu.so nor" \
    env -i COOPSEG_LIBTORCH=/nowhere "$program"

says_version "COOPSEG_LIBTORCH" "$program" COOPSEG_LIBTORCH="$(dirname "$libtorch")"
says_version "COOPSEG_LIBTORCH, its lib folder" "$program" COOPSEG_LIBTORCH="$libtorch"
mkdir "$work/links"
ln -s "$libtorch/libc10.so" "$libtorch/libtorch_cpu.so" "$work/links"
says_version "COOPSEG_LIBTORCH, a folder of links" "$program" COOPSEG_LIBTORCH="$work/links"
says_version "LD_LIBRARY_PATH" "$program" LD_LIBRARY_PATH="$libtorch"

# Another libtorch, which lacks what the core calls.
mkdir "$work/other"
for part in libc10.so libtorch_cpu.so; do
    echo 'int nothing;' | gcc -shared -fPIC -Wl,-soname,$part -x c - -o "$work/other/$part"
done
refused "another libtorch" "COOPSEG_LIBTORCH_MISMATCH: the libtorch of this process is not $libtorch_version" \
    env -i COOPSEG_LIBTORCH="$work/other" "$program"
printf '\177ELF' >"$work/other/libc10.so"
refused "a damaged libtorch" "COOPSEG_LIBTORCH_UNAVAILABLE: libtorch in $work/other cannot be loaded: " \
    env -i COOPSEG_LIBTORCH="$work/other" "$program"

ln -s "$libtorch" "$libdir/coopseg"
says_version "a link to libtorch beside the library" "$program"
mkdir "$work/elsewhere"
ln -s "$libdir/libcoopseg.so.0" "$work/elsewhere"
must "building a program for that folder" gcc -std=c99 -o "$work/linked" "$here/consumer.c" \
    -I"$prefix/include" -L"$libdir" -lcoopseg -Wl,-rpath,"$work/elsewhere"
says_version "a link to the library in another folder" "$work/linked"

mv "$libdir/libcoopseg-core.so.$version" "$work"
refused "an installation without core" "libcoopseg-core.so.$version and libcoopseg.so belong in one folder ($libdir)" \
    env -i "$program"
