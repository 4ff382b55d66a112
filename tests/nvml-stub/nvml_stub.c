// NVML's entry points, played from a scene instead of a driver.
//
// The scene is the file named as this library with ".scene" appended; it is read again whenever it changes. One line a fact:
//   gpus N                number of GPUs (8 where there is no scene)
//   init CODE             what nvmlInit returns
//   lost I                GPU I has fallen off the bus
//   unsupported I         GPU I supports next to nothing
//   mig I                 GPU I is divided into two MIG instances
//   xid I CODE            an XID event of GPU I, told once for each change of the scene
//   hang FUNCTION         calls of FUNCTION do not return while the scene says so
//   process I PID BYTES   a compute process on GPU I
//   temperature I C       GPU I's temperature
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUCCESS = 0, UNINITIALIZED = 1, INVALID = 2, NOT_SUPPORTED = 3, INSUFFICIENT = 7, TIMEOUT = 10, LOST = 15, VERSION = 25 };
enum { MOST = 64, MIG_BASE = 1000 };
#define GIB (1024ull * 1024 * 1024)

typedef struct { int index; int mig; } device;

static struct {
  int gpus, init, hang_any;
  char hang[64];
  unsigned char lost[MOST], unsupported[MOST], mig[MOST];
  int temperature[MOST];
  int xid_gpu, xid_code, xid_pending;
  int processes, process_gpu[MOST];
  unsigned process_pid[MOST];
  unsigned long long process_bytes[MOST];
} scene;

static device devices[MOST];
#ifndef OLD_DRIVER
static device migs[MOST * 2];
#endif
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static struct timespec read_at;
static int scene_known, initialised;

static const char* scene_path(void) {
  static char path[4096];
  if (path[0] == 0) {
    Dl_info info;
    if (dladdr((void*)&scene_path, &info) && info.dli_fname) snprintf(path, sizeof path, "%s.scene", info.dli_fname);
  }
  return path;
}

static void read_scene(void) {
  struct stat now;
  if (stat(scene_path(), &now) != 0) {
    if (!scene_known) {
      memset(&scene, 0, sizeof scene);
      scene.gpus = 8;
      scene_known = 1;
    }
    return;
  }
  if (scene_known && now.st_mtim.tv_sec == read_at.tv_sec && now.st_mtim.tv_nsec == read_at.tv_nsec) return;
  FILE* file = fopen(scene_path(), "r");
  if (!file) return;
  read_at = now.st_mtim;
  scene_known = 1;
  memset(&scene, 0, sizeof scene);
  scene.gpus = 8;
  char line[256], word[64];
  while (fgets(line, sizeof line, file)) {
    int one = 0, two = 0;
    unsigned long long bytes = 0;
    if (sscanf(line, "gpus %d", &one) == 1) scene.gpus = one < MOST ? one : MOST;
    else if (sscanf(line, "init %d", &one) == 1) scene.init = one;
    else if (sscanf(line, "lost %d", &one) == 1) scene.lost[one] = 1;
    else if (sscanf(line, "unsupported %d", &one) == 1) scene.unsupported[one] = 1;
    else if (sscanf(line, "mig %d", &one) == 1) scene.mig[one] = 1;
    else if (sscanf(line, "temperature %d %d", &one, &two) == 2) scene.temperature[one] = two;
    else if (sscanf(line, "xid %d %d", &one, &two) == 2) { scene.xid_gpu = one; scene.xid_code = two; scene.xid_pending = 1; }
    else if (sscanf(line, "process %d %d %llu", &one, &two, &bytes) == 3 && scene.processes < MOST) {
      scene.process_gpu[scene.processes] = one;
      scene.process_pid[scene.processes] = (unsigned)two;
      scene.process_bytes[scene.processes++] = bytes;
    } else if (sscanf(line, "hang %63s", word) == 1) { strcpy(scene.hang, word); scene.hang_any = 1; }
  }
  fclose(file);
}

// Reads the scene; does not return while the scene says that this call hangs, and says so by its process id in the file ".hanging" beside the library.
static void enter(const char* function) {
  for (int told = 0;;) {
    pthread_mutex_lock(&gate);
    read_scene();
    int hangs = scene.hang_any && strcmp(scene.hang, function) == 0;
    pthread_mutex_unlock(&gate);
    if (!hangs) return;
    if (!told) {
      char path[4200];
      snprintf(path, sizeof path, "%.*s.hanging", (int)strlen(scene_path()) - 6, scene_path());
      FILE* file = fopen(path, "a");
      if (file) {
        fprintf(file, "%d\n", (int)getpid());
        fclose(file);
      }
      told = 1;
    }
    usleep(20000);
  }
}

#define ENTER enter(__func__)
#define DEVICE(d)                                                       \
  ENTER;                                                                \
  if (!initialised) return UNINITIALIZED;                               \
  if (!(d)) return INVALID;                                             \
  int g = (d)->mig ? (d)->index : (int)((d) - devices);                 \
  (void)g;                                                              \
  if (scene.lost[g]) return LOST
#define SUPPORTED if (scene.unsupported[g]) return NOT_SUPPORTED
#define API __attribute__((visibility("default")))

static int text(char* out, unsigned size, const char* value) {
  if (strlen(value) + 1 > size) return INSUFFICIENT;
  strcpy(out, value);
  return SUCCESS;
}

#ifdef OLD_DRIVER
#define nvmlInit_v2 nvmlInit
#define nvmlDeviceGetCount_v2 nvmlDeviceGetCount
#define nvmlDeviceGetHandleByIndex_v2 nvmlDeviceGetHandleByIndex
#define nvmlDeviceGetPciInfo_v3 nvmlDeviceGetPciInfo
#define nvmlDeviceGetCurrentClocksEventReasons nvmlDeviceGetCurrentClocksThrottleReasons
#define nvmlEventSetWait_v2 nvmlEventSetWait
#endif

API int nvmlInit_v2(void) {
  ENTER;
  if (scene.init) return scene.init;
  __atomic_add_fetch(&initialised, 1, __ATOMIC_SEQ_CST);
  return SUCCESS;
}

API int nvmlShutdown(void) {
  ENTER;
  if (!initialised) return UNINITIALIZED;
  __atomic_sub_fetch(&initialised, 1, __ATOMIC_SEQ_CST);
  return SUCCESS;
}

// For the tests: how often NVML is initialised now.
API int stub_initialised(void) { return initialised; }

API const char* nvmlErrorString(int code) { return code == LOST ? "GPU is lost" : code == NOT_SUPPORTED ? "Not Supported" : "Stub error"; }
API int nvmlSystemGetDriverVersion(char* out, unsigned size) {
  ENTER;
#ifdef OLD_DRIVER
  return text(out, size, "384.183");
#else
  return text(out, size, "550.54.15");
#endif
}
API int nvmlSystemGetCudaDriverVersion(int* version) { ENTER; *version = 12040; return SUCCESS; }
API int nvmlDeviceGetCount_v2(unsigned* count) { ENTER; *count = (unsigned)scene.gpus; return SUCCESS; }

API int nvmlDeviceGetHandleByIndex_v2(unsigned index, device** out) {
  ENTER;
  if ((int)index >= scene.gpus) return INVALID;
  if (scene.lost[index]) return LOST;
  devices[index].index = (int)index;
  *out = &devices[index];
  return SUCCESS;
}

API int nvmlDeviceGetUUID(device* d, char* out, unsigned size) {
  DEVICE(d);
  char value[64];
  if (d->mig) snprintf(value, sizeof value, "MIG-%08d-0000-0000-0000-%012d", g, d->mig);
  else snprintf(value, sizeof value, "GPU-%08d-aaaa-bbbb-cccc-0123456789ab", g);
  return text(out, size, value);
}
API int nvmlDeviceGetName(device* d, char* out, unsigned size) {
  DEVICE(d);
  return text(out, size, d->mig ? "NVIDIA A100-SXM4-40GB MIG 3g.20gb" : "NVIDIA A100-SXM4-40GB");
}

typedef struct { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; } pci_info;
API int nvmlDeviceGetPciInfo_v3(device* d, pci_info* out) {
  DEVICE(d);
  out->domain = 0;
  out->bus = (unsigned)(0x10 + g);
  out->device = 0;
  return SUCCESS;
}

typedef struct { unsigned long long total, free, used; } memory_v1;
API int nvmlDeviceGetMemoryInfo(device* d, memory_v1* out) {
  DEVICE(d);
  out->total = (d->mig ? 20 : 40) * GIB;
  out->used = (unsigned long long)(g + 1) * GIB;
  out->free = out->total - out->used;
  return SUCCESS;
}

typedef struct { unsigned gpu, memory; } utilization;
API int nvmlDeviceGetUtilizationRates(device* d, utilization* out) {
  DEVICE(d);
  SUPPORTED;
  if (scene.mig[g]) return NOT_SUPPORTED;
  out->gpu = (unsigned)(10 * g);
  out->memory = (unsigned)(5 * g);
  return SUCCESS;
}
API int nvmlDeviceGetEncoderUtilization(device* d, unsigned* out, unsigned* period) { DEVICE(d); SUPPORTED; *out = 3; *period = 100; return SUCCESS; }
API int nvmlDeviceGetDecoderUtilization(device* d, unsigned* out, unsigned* period) { DEVICE(d); SUPPORTED; *out = 4; *period = 100; return SUCCESS; }
API int nvmlDeviceGetTemperature(device* d, unsigned sensor, unsigned* out) { DEVICE(d); (void)sensor; *out = (unsigned)(scene.temperature[g] ? scene.temperature[g] : 40 + g); return SUCCESS; }
API int nvmlDeviceGetTemperatureThreshold(device* d, unsigned type, unsigned* out) { DEVICE(d); SUPPORTED; *out = type == 0 ? 92 : 89; return SUCCESS; }
API int nvmlDeviceGetFanSpeed(device* d, unsigned* out) { DEVICE(d); (void)out; return NOT_SUPPORTED; }
API int nvmlDeviceGetPowerUsage(device* d, unsigned* out) { DEVICE(d); SUPPORTED; *out = (unsigned)(100500 + 1000 * g); return SUCCESS; }
API int nvmlDeviceGetEnforcedPowerLimit(device* d, unsigned* out) { DEVICE(d); SUPPORTED; *out = 400000; return SUCCESS; }
API int nvmlDeviceGetClockInfo(device* d, unsigned type, unsigned* out) { DEVICE(d); SUPPORTED; *out = type == 2 ? 1215 : 1410; return SUCCESS; }
API int nvmlDeviceGetMaxClockInfo(device* d, unsigned type, unsigned* out) { DEVICE(d); SUPPORTED; (void)type; *out = 1980; return SUCCESS; }
API int nvmlDeviceGetCurrentClocksEventReasons(device* d, unsigned long long* out) { DEVICE(d); SUPPORTED; *out = g == 1 ? 0x48 : 0; return SUCCESS; }
API int nvmlDeviceGetPerformanceState(device* d, unsigned* out) { DEVICE(d); SUPPORTED; *out = 0; return SUCCESS; }
API int nvmlDeviceGetEccMode(device* d, unsigned* now, unsigned* pending) { DEVICE(d); SUPPORTED; *now = *pending = 1; return SUCCESS; }
API int nvmlDeviceGetTotalEccErrors(device* d, unsigned type, unsigned counter, unsigned long long* out) { DEVICE(d); SUPPORTED; *out = (unsigned long long)g * 100 + type * 10 + counter; return SUCCESS; }
API int nvmlDeviceGetRetiredPages(device* d, unsigned cause, unsigned* count, unsigned long long* pages) { DEVICE(d); SUPPORTED; (void)pages; *count = cause ? 0 : 2; return *count ? INSUFFICIENT : SUCCESS; }
API int nvmlDeviceGetRetiredPagesPendingStatus(device* d, unsigned* out) { DEVICE(d); SUPPORTED; *out = 0; return SUCCESS; }
API int nvmlDeviceGetCurrPcieLinkGeneration(device* d, unsigned* out) { DEVICE(d); SUPPORTED; *out = 4; return SUCCESS; }
API int nvmlDeviceGetCurrPcieLinkWidth(device* d, unsigned* out) { DEVICE(d); SUPPORTED; *out = 16; return SUCCESS; }

// As the driver does, measures for 20 ms.
API int nvmlDeviceGetPcieThroughput(device* d, unsigned counter, unsigned* out) { DEVICE(d); SUPPORTED; usleep(20000); *out = counter ? 2000 : 1000; return SUCCESS; }

typedef struct { unsigned pid; unsigned long long used; } process_v1;
typedef struct { unsigned pid; unsigned long long used; unsigned gpu_instance, compute_instance; } process_v2;

#ifdef OLD_DRIVER
API int nvmlDeviceGetComputeRunningProcesses(device* d, unsigned* count, process_v1* out) {
#else
API int nvmlDeviceGetComputeRunningProcesses_v3(device* d, unsigned* count, process_v2* out) {
#endif
  DEVICE(d);
  unsigned capacity = *count, found = 0;
  for (int i = 0; i < scene.processes; i++) {
    if (scene.process_gpu[i] != g) continue;
    if (found < capacity) {
      out[found].pid = scene.process_pid[i];
      out[found].used = scene.process_bytes[i] ? scene.process_bytes[i] : ~0ull;
#ifndef OLD_DRIVER
      out[found].gpu_instance = out[found].compute_instance = ~0u;
#endif
    }
    found++;
  }
  *count = found;
  return found > capacity ? INSUFFICIENT : SUCCESS;
}

static int event_set;
API int nvmlEventSetCreate(void** out) { ENTER; *out = &event_set; return SUCCESS; }
API int nvmlEventSetFree(void* set) { ENTER; (void)set; return SUCCESS; }
API int nvmlDeviceRegisterEvents(device* d, unsigned long long types, void* set) { DEVICE(d); SUPPORTED; (void)types; (void)set; return SUCCESS; }

typedef struct { device* device; unsigned long long type, data; unsigned gpu_instance, compute_instance; } event_data;
API int nvmlEventSetWait_v2(void* set, event_data* out, unsigned milliseconds) {
  ENTER;
  (void)set;
  (void)milliseconds;
  pthread_mutex_lock(&gate);
  int pending = scene.xid_pending;
  scene.xid_pending = 0;
  pthread_mutex_unlock(&gate);
  if (!pending) return TIMEOUT;
  out->device = &devices[scene.xid_gpu];
  out->type = 8;
  out->data = (unsigned long long)scene.xid_code;
  return SUCCESS;
}

#ifndef OLD_DRIVER
typedef struct { unsigned version; unsigned long long total, reserved, free, used; } memory_v2;
API int nvmlDeviceGetMemoryInfo_v2(device* d, memory_v2* out) {
  DEVICE(d);
  if (out->version != (sizeof(memory_v2) | (2u << 24))) return VERSION;
  out->total = (d->mig ? 20 : 40) * GIB;
  out->reserved = GIB / 2;
  out->used = (unsigned long long)(g + 1) * GIB;
  out->free = out->total - out->used - out->reserved;
  return SUCCESS;
}
API int nvmlDeviceGetTotalEnergyConsumption(device* d, unsigned long long* out) { DEVICE(d); SUPPORTED; *out = 123456; return SUCCESS; }
API int nvmlDeviceGetRemappedRows(device* d, unsigned* corrected, unsigned* uncorrected, unsigned* pending, unsigned* failed) {
  DEVICE(d);
  SUPPORTED;
  *corrected = 1;
  *uncorrected = 0;
  *pending = 1;
  *failed = 0;
  return SUCCESS;
}
API int nvmlDeviceGetMigMode(device* d, unsigned* now, unsigned* pending) { DEVICE(d); SUPPORTED; *now = *pending = scene.mig[g]; return SUCCESS; }
API int nvmlDeviceGetMaxMigDeviceCount(device* d, unsigned* out) { DEVICE(d); *out = 7; return SUCCESS; }
API int nvmlDeviceGetMigDeviceHandleByIndex(device* d, unsigned index, device** out) {
  DEVICE(d);
  if (index >= 2) return 6;
  device* mig = &migs[g * 2 + (int)index];
  mig->index = g;
  mig->mig = (int)index + 1;
  *out = mig;
  return SUCCESS;
}
API int nvmlDeviceGetGpuInstanceId(device* d, unsigned* out) { DEVICE(d); *out = (unsigned)d->mig; return SUCCESS; }
API int nvmlDeviceGetComputeInstanceId(device* d, unsigned* out) { DEVICE(d); *out = 0; return SUCCESS; }

typedef struct { unsigned field, scope; long long timestamp, latency; unsigned type; int code; unsigned long long value; } field_value;
API int nvmlDeviceGetFieldValues(device* d, int count, field_value* values) {
  DEVICE(d);
  static unsigned long long traffic;
  for (int i = 0; i < count; i++) {
    values[i].code = scene.unsupported[g] ? NOT_SUPPORTED : SUCCESS;
    values[i].type = 3;
    if (values[i].field == 82) { values[i].type = 1; values[i].value = 0xdead00000000ull | 55; }
    else if (values[i].field == 138 || values[i].field == 139) values[i].value = traffic += 1024;
    else values[i].code = NOT_SUPPORTED;
  }
  return SUCCESS;
}
#endif
