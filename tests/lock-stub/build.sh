#!/bin/sh
# Builds the memory that refuses large tensors: build.sh FOLDER makes FOLDER/liblock-stub.so; see lock_stub.c.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?folder}
mkdir -p "$out"
${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror -fPIC -shared -o "$out/liblock-stub.so" "$here/lock_stub.c"
