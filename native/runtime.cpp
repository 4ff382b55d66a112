// The process: version, threads, allocator, determinism.
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <malloc.h>
#include <cstdlib>
#include "compat.h"
#include "errors.h"
#include "values.h"

RT_API const char* rt_version() { return TORCH_VERSION; }

// glibc gives large blocks back to the kernel as soon as they are freed, and a training step frees and asks for
// the same ones again: page faults made a step 19 to 40 % slower. Where the operator set MALLOC_* variables, theirs hold.
// Returns 1 where the thresholds were raised.
RT_API int rt_tune_allocator() {
#if defined(__GLIBC__)
  for (const char* name : {"MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_TOP_PAD_"})
    if (std::getenv(name)) return 0;
  static const bool raised = [] {
    constexpr int mib = 1024 * 1024;
    // glibc refuses an mmap threshold above 32 MiB on 64 bit.
    return mallopt(M_MMAP_THRESHOLD, 32 * mib) & mallopt(M_TRIM_THRESHOLD, 1024 * mib) & mallopt(M_TOP_PAD, 64 * mib);
  }();
  return raised;
#else
  return 0;
#endif
}

RT_API int rt_threads() RT_TRY return at::get_num_threads(); RT_CATCH
RT_API int rt_set_threads(int count) RT_TRY
  at::set_num_threads(count);
  return 0;
RT_CATCH
RT_API int rt_interop_threads() RT_TRY return at::get_num_interop_threads(); RT_CATCH
RT_API int rt_set_interop_threads(int count) RT_TRY
  at::set_num_interop_threads(count);
  return 0;
RT_CATCH

RT_API int rt_deterministic() { return at::globalContext().deterministicAlgorithms(); }
RT_API int rt_deterministic_warn_only() { return at::globalContext().deterministicAlgorithmsWarnOnly(); }
RT_API int rt_set_deterministic(int on, int warn_only) RT_TRY
  at::globalContext().setDeterministicAlgorithms(on != 0, warn_only != 0);
  return 0;
RT_CATCH
RT_API int rt_cudnn_benchmark() { return at::globalContext().benchmarkCuDNN(); }
RT_API void rt_set_cudnn_benchmark(int on) { at::globalContext().setBenchmarkCuDNN(on != 0); }
RT_API int rt_cudnn_deterministic() { return at::globalContext().deterministicCuDNN(); }
RT_API void rt_set_cudnn_deterministic(int on) { at::globalContext().setDeterministicCuDNN(on != 0); }
