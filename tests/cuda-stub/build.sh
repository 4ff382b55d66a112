#!/bin/sh
# Builds the stand-in for the NVIDIA driver: build.sh FOLDER makes FOLDER/libcuda-stub.so; see cuda_stub.c.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?folder}
mkdir -p "$out"
${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror -fPIC -shared -Wl,-soname,libcuda.so.1 -o "$out/libcuda-stub.so" "$here/cuda_stub.c"
