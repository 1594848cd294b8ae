#!/bin/sh
# The .tar.gz and the .deb, unpacked and used. Usage: tests/consumer/packages.sh BUILD_FOLDER
set -eu
. "$(dirname -- "$0")/consumer_checks.sh"
command -v dpkg-deb >/dev/null || {
    echo "consumer: $name: skipped, for dpkg-deb is missing (Debian: dpkg)"
    exit 77
}
libtorch=$(libtorch_dir)

# control FIELD: of the Debian package.
control() {
    dpkg-deb --field "$deb" "$1"
}

# serves WHAT PREFIX
serves() {
    [ "$(readlink "$2/lib/libcoopseg.so.0")" = "libcoopseg.so.$version" ] || fail "$1 has no libcoopseg.so.0"
    must "configuring with $1" configure_consumer "$work/$1" "$2"
    must "building with $1" cmake --build "$work/$1" --target consumer_cpp
    says_version "a program of $1" "$work/$1/consumer_cpp" LD_LIBRARY_PATH="$libtorch"
}

build_coopseg "$work/build" -DCOOPSEG_LIBTORCH_DIR=
must "cpack" cpack --config "$work/build/CPackConfig.cmake" -B "$work/packages"
deb=$(find "$work/packages" -maxdepth 1 -name "coopseg_${version}_*.deb")
archive=$(find "$work/packages" -maxdepth 1 -name '*.tar.gz')
[ -n "$deb" ] && [ -n "$archive" ] || fail "cpack makes no .deb or no .tar.gz: $(ls "$work/packages")"

mkdir "$work/archive" "$work/root"
tar -xzf "$archive" -C "$work/archive" --strip-components 1
serves "the archive" "$work/archive"
dpkg-deb -x "$deb" "$work/root"
serves "the Debian package" "$work/root/usr"

[ "$(control Package) $(control Version)" = "coopseg $version" ] ||
    fail "the package is called otherwise: $(control Package)"
# What the library asks of the C library is what the package asks of the system.
wanted=$(LC_ALL=C readelf --version-info "$work/root/usr/lib"/libcoopseg*.so.* | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
case $(control Depends) in
    *"libc6 (>= ${wanted#GLIBC_})"*) ;;
    *) fail "the library needs $wanted, but the package depends on: $(control Depends)" ;;
esac
case $(control Description) in
    *"$(printf '\n')"*libtorch*) ;;
    *) fail "the description does not speak of libtorch" ;;
esac
dpkg-deb -e "$deb" "$work/control"
grep -qx "libcoopseg 0 coopseg (>= $version)" "$work/control/shlibs" || fail "the package has no shlibs"
grep -qx "activate-noawait ldconfig" "$work/control/triggers" || fail "the package does not ask for ldconfig"
[ -s "$work/root/usr/share/doc/coopseg/copyright" ] || fail "the package has no copyright file"
grep -q "^ndarray " "$work/root/usr/share/doc/coopseg/THIRD-PARTY.txt" || fail "the package does not name what is in the library"
pass "the Debian package's description of itself"
