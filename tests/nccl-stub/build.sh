#!/bin/sh
# Builds the stand-in for NCCL: build.sh FOLDER makes FOLDER/libnccl-stub.so; see nccl_stub.c.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?folder}
mkdir -p "$out"
${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror -fPIC -shared -o "$out/libnccl-stub.so" "$here/nccl_stub.c" -lpthread
