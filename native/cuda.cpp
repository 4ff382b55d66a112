// CUDA behind the same entry points: libtorch says at run time whether there is a device;
// streams need the CUDA headers at build time.
#include <torch/cuda.h>
#include <stdexcept>
#include "errors.h"
#ifdef ROBUSTTRAIN_CUDA
#include <c10/cuda/CUDAStream.h>
#endif

RT_API int rt_cuda_device_count() {
  // A driver that is missing or too old reads as "no device", as in PyTorch.
  try {
    return static_cast<int>(torch::cuda::device_count());
  } catch (...) {
    return 0;
  }
}
RT_API int rt_cuda_has_cudnn() {
  try {
    return torch::cuda::cudnn_is_available();
  } catch (...) {
    return 0;
  }
}
RT_API int rt_cuda_synchronize(int device) RT_TRY
  if (rt_cuda_device_count() == 0) throw std::runtime_error("there is no CUDA device");
  torch::cuda::synchronize(device);
  return 0;
RT_CATCH
RT_API int rt_cuda_streams_built() {
#ifdef ROBUSTTRAIN_CUDA
  return 1;
#else
  return 0;
#endif
}

#ifdef ROBUSTTRAIN_CUDA
using c10::cuda::CUDAStream;
namespace {
CUDAStream& stream(void* handle) { return *static_cast<CUDAStream*>(handle); }
}
RT_API int rt_cuda_stream_new(int device, int high_priority, void** result) RT_TRY
  *result = new CUDAStream(c10::cuda::getStreamFromPool(high_priority != 0, static_cast<c10::DeviceIndex>(device)));
  return 0;
RT_CATCH
RT_API int rt_cuda_stream_current(int device, void** result) RT_TRY
  *result = new CUDAStream(c10::cuda::getCurrentCUDAStream(static_cast<c10::DeviceIndex>(device)));
  return 0;
RT_CATCH
RT_API int rt_cuda_stream_set_current(void* handle) RT_TRY
  c10::cuda::setCurrentCUDAStream(stream(handle));
  return 0;
RT_CATCH
RT_API int rt_cuda_stream_synchronize(void* handle) RT_TRY
  stream(handle).synchronize();
  return 0;
RT_CATCH
RT_API int rt_cuda_stream_query(void* handle) RT_TRY return stream(handle).query(); RT_CATCH
RT_API int rt_cuda_stream_id(void* handle, void** native) RT_TRY
  *native = static_cast<void*>(stream(handle).stream());
  return 0;
RT_CATCH
RT_API void rt_cuda_stream_free(void* handle) { delete static_cast<CUDAStream*>(handle); }
#else
namespace {
int absent() {
  try {
    throw std::runtime_error("native/ was built without CUDA: no streams");
  } catch (...) {
    return rt::fail();
  }
}
}
RT_API int rt_cuda_stream_new(int, int, void**) { return absent(); }
RT_API int rt_cuda_stream_current(int, void**) { return absent(); }
RT_API int rt_cuda_stream_set_current(void*) { return absent(); }
RT_API int rt_cuda_stream_synchronize(void*) { return absent(); }
RT_API int rt_cuda_stream_query(void*) { return absent(); }
RT_API int rt_cuda_stream_id(void*, void**) { return absent(); }
RT_API void rt_cuda_stream_free(void*) {}
#endif
