#!/bin/sh
# check_format.sh CLANG_FORMAT ROOT: fails, naming the places, where a source is not as .clang-format would have it.
set -eu
cd "$2"
find zoned engine apps tests -name '*.?pp' -print0 | xargs -0 "$1" --dry-run --Werror
