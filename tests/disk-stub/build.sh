#!/bin/sh
# Builds the disk that refuses on demand: build.sh FOLDER makes FOLDER/libdisk-stub.so; see disk_stub.c.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?folder}
mkdir -p "$out"
${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror -fPIC -shared -o "$out/libdisk-stub.so" "$here/disk_stub.c" -ldl -lpthread
