/* A stand-in for the part of the NVIDIA driver's API that copies batches beside a step. Device memory is host memory, and a copy is made
 * only when its stream is waited for, so that a reader who doesn't wait sees it missing. It refuses what the driver would: calls without a
 * context, copies that did not first wait for torch's stream, sources that are not locked.
 */
#include <stddef.h>
#include <string.h>

enum { OK = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201, NOT_READY = 600 };

static int version = 12080, devices = 2;
static int contexts, depth, streams, events, locks, copies;
static const char *failing;
static char *locked;
static size_t locked_bytes;
static int recorded, awaited;
static struct { void *to; const void *from; size_t bytes; } queue[64];
static int queued;

/* The test's side: what is alive, what fails next, what the driver supports. */
int stub_alive(void) { return contexts + depth + streams + events + locks; }
int stub_copies(void) { return copies; }
void stub_fail(const char *function) { failing = function; }
void stub_set_version(int value) { version = value; }

static int fails(const char *function) { return failing != NULL && strcmp(failing, function) == 0; }

int cuInit(unsigned flags) { return flags == 0 && !fails("cuInit") ? OK : NO_DEVICE; }
int cuDriverGetVersion(int *result) { *result = version; return OK; }
int cuDeviceGet(int *device, int ordinal) { *device = ordinal; return ordinal < devices ? OK : NO_DEVICE; }
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = &contexts; contexts++; return device < devices ? OK : NO_DEVICE; }
int cuDevicePrimaryCtxRelease_v2(int device) { (void)device; contexts--; return OK; }
int cuCtxPushCurrent_v2(void *context) { if (context != &contexts) return INVALID_CONTEXT; depth++; return OK; }
int cuCtxPopCurrent_v2(void **context) { if (depth == 0) return INVALID_CONTEXT; *context = &contexts; depth--; return OK; }

int cuGetErrorName(int error, const char **name)
{
    *name = error == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : error == NO_DEVICE ? "CUDA_ERROR_NO_DEVICE" : error == INVALID_CONTEXT ? "CUDA_ERROR_INVALID_CONTEXT" : "CUDA_ERROR_INVALID_VALUE";
    return OK;
}

int cuStreamCreate(void **stream, unsigned flags) { if (depth == 0) return INVALID_CONTEXT; if (flags != 1) return INVALID_VALUE; *stream = &streams; streams++; return OK; }
int cuStreamQuery(void *stream) { return stream != &streams ? INVALID_VALUE : queued > 0 ? NOT_READY : OK; }
int cuStreamDestroy_v2(void *stream) { if (stream != &streams) return INVALID_VALUE; queued = 0; streams--; return OK; }
int cuEventCreate(void **event, unsigned flags) { if (depth == 0 || flags != 2) return INVALID_CONTEXT; *event = &events; events++; return OK; }
int cuEventDestroy_v2(void *event) { if (event != &events) return INVALID_VALUE; events--; return OK; }
int cuEventRecord(void *event, void *stream) { if (event != &events || stream != NULL) return INVALID_VALUE; recorded = 1; return OK; }
int cuStreamWaitEvent(void *stream, void *event, unsigned flags) { if (stream != &streams || event != &events || flags != 0 || !recorded) return INVALID_VALUE; recorded = 0; awaited = 1; return OK; }

int cuMemHostRegister_v2(void *memory, size_t bytes, unsigned flags)
{
    if (fails("cuMemHostRegister")) return OUT_OF_MEMORY;
    if (depth == 0 || flags != 0 || locked != NULL) return INVALID_VALUE;
    locked = memory;
    locked_bytes = bytes;
    locks++;
    return OK;
}

int cuMemHostUnregister(void *memory) { if (memory != locked) return INVALID_VALUE; locked = NULL; locks--; return OK; }

int cuMemcpyHtoDAsync_v2(void *to, const void *from, size_t bytes, void *stream)
{
    const char *begin = from;
    if (depth == 0) return INVALID_CONTEXT;
    if (stream != &streams || !awaited || queued == 64) return INVALID_VALUE;
    if (begin < locked || begin + bytes > locked + locked_bytes) return INVALID_VALUE;
    queue[queued].to = to;
    queue[queued].from = from;
    queue[queued].bytes = bytes;
    queued++;
    return OK;
}

int cuStreamSynchronize(void *stream)
{
    if (depth == 0) return INVALID_CONTEXT;
    if (stream != &streams) return INVALID_VALUE;
    if (fails("cuStreamSynchronize")) return NO_DEVICE;
    for (int i = 0; i < queued; i++) memcpy(queue[i].to, queue[i].from, queue[i].bytes);
    copies += queued;
    queued = 0;
    awaited = 0;
    return OK;
}
