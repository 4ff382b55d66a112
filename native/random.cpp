#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <mutex>
#include <stdexcept>
#include "errors.h"
#include "values.h"

namespace {
const at::Generator& generator(const void* handle) { return *static_cast<const at::Generator*>(handle); }
}

// Seeds the default generators of every device.
RT_API int rt_manual_seed(uint64_t seed) RT_TRY
  at::manual_seed(seed);
  return 0;
RT_CATCH

RT_API int rt_generator_default(int device_type, int device_index, void** result) RT_TRY
  *result = new at::Generator(at::globalContext().defaultGenerator(
      c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index))));
  return 0;
RT_CATCH
RT_API int rt_generator_new(uint64_t seed, void** result) RT_TRY
  *result = new at::Generator(at::detail::createCPUGenerator(seed));
  return 0;
RT_CATCH
RT_API void rt_generator_free(void* handle) { delete static_cast<at::Generator*>(handle); }
RT_API int rt_generator_set_seed(void* handle, uint64_t seed) RT_TRY
  auto target = generator(handle);
  std::lock_guard<std::mutex> lock(target.mutex());
  target.set_current_seed(seed);
  return 0;
RT_CATCH
// A seed from the system's entropy; it becomes the generator's.
RT_API int rt_generator_seed(void* handle, uint64_t* seed) RT_TRY
  auto target = generator(handle);
  std::lock_guard<std::mutex> lock(target.mutex());
  *seed = target.seed();
  return 0;
RT_CATCH
RT_API int rt_generator_initial_seed(void* handle, uint64_t* seed) RT_TRY
  auto target = generator(handle);
  std::lock_guard<std::mutex> lock(target.mutex());
  *seed = target.current_seed();
  return 0;
RT_CATCH
// A tensor of bytes.
RT_API int rt_generator_state(void* handle, void** state) RT_TRY
  auto target = generator(handle);
  std::lock_guard<std::mutex> lock(target.mutex());
  *state = rt::give(target.get_state());
  return 0;
RT_CATCH
RT_API int rt_generator_set_state(void* handle, void* state) RT_TRY
  auto target = generator(handle);
  std::lock_guard<std::mutex> lock(target.mutex());
  target.set_state(rt::tensor(static_cast<const void*>(state)));
  return 0;
RT_CATCH
