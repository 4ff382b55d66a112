#!/bin/sh
# Builds the NVML stub: build.sh FOLDER makes FOLDER/libnvml-stub.so and, without the newer entry points, FOLDER/libnvml-stub-old.so.
# Each plays the scene in the file beside it that is named as it is with ".scene" appended; see nvml_stub.c.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?folder}
mkdir -p "$out"
${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror -fPIC -shared -o "$out/libnvml-stub.so" "$here/nvml_stub.c" -ldl -lpthread
${CC:-cc} -std=c11 -O1 -Wall -Wextra -Werror -fPIC -shared -DOLD_DRIVER -o "$out/libnvml-stub-old.so" "$here/nvml_stub.c" -ldl -lpthread
