/* Memory too small for large tensors. Preloaded into a process (LD_PRELOAD), it refuses each aligned allocation, which are those of tensors,
 * of more than MEMORY_STUB_LIMIT bytes.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    static int (*real)(void **, size_t, size_t);
    static size_t limit;
    if (real == NULL) {
        const char *text = getenv("MEMORY_STUB_LIMIT");
        limit = text == NULL ? (size_t)-1 : strtoull(text, NULL, 10);
        *(void **)&real = dlsym(RTLD_NEXT, "posix_memalign");
    }
    return size > limit ? ENOMEM : real(memory, alignment, size);
}
