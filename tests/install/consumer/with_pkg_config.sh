#!/bin/sh
# with_pkg_config.sh STAGE LIBDIR CXX DIR: builds ../example.cpp in DIR against the tree installed at STAGE, and runs it.
set -eu
stage=$1 libdir=$2 cxx=$3 dir=$4
here=$(dirname "$0")
export PKG_CONFIG_PATH="$stage/$libdir/pkgconfig"

mkdir -p "$dir"
package=furrow-engine
flags=$(pkg-config --cflags "$package")
libs=$(pkg-config --libs "$package")
echo "flags: $flags; libraries: $libs"
# shellcheck disable=SC2086  # both are lists
"$cxx" -std=c++20 $flags "$here/../example.cpp" -o "$dir/example" $libs
LD_LIBRARY_PATH="$stage/$libdir" "$dir/example"
