#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include "errors.h"
#include "values.h"

using rt::give;
using rt::tensor;

namespace {
at::TensorOptions of(int dtype) { return at::TensorOptions().dtype(static_cast<at::ScalarType>(dtype)); }
}

RT_API void rt_tensor_free(void* handle) { delete static_cast<at::Tensor*>(handle); }
RT_API void rt_free_memory(void* memory) { std::free(memory); }

// Another handle to the same tensor.
RT_API int rt_tensor_retain(void* handle, void** result) RT_TRY
  *result = give(at::Tensor(tensor(handle)));
  return 0;
RT_CATCH

// Whether two handles mean the same tensor (not: equal values).
RT_API int rt_tensor_is_same(void* left, void* right) { return tensor(left).is_same(tensor(right)); }

// The values are copied.
RT_API int rt_tensor_from_memory(const void* data, const int64_t* sizes, int dimensions, int dtype, void** result) RT_TRY
  auto made = at::empty(at::IntArrayRef(sizes, dimensions), of(dtype));
  if (made.nbytes()) std::memcpy(made.data_ptr(), data, made.nbytes());
  *result = give(std::move(made));
  return 0;
RT_CATCH

// The caller's memory, not copied; release (may be null) is called once, on any thread, when no tensor uses it any more.
RT_API int rt_tensor_wrap(void* data, const int64_t* sizes, int dimensions, int dtype, void (*release)(void*), void* context, void** result) RT_TRY
  auto free = [release, context](void*) { if (release) release(context); };
  *result = give(at::from_blob(data, at::IntArrayRef(sizes, dimensions), free, of(dtype)));
  return 0;
RT_CATCH

RT_API int rt_tensor_dim(void* handle) RT_TRY return static_cast<int>(tensor(handle).dim()); RT_CATCH
RT_API int64_t rt_tensor_numel(void* handle) RT_TRY return tensor(handle).numel(); RT_CATCH
RT_API int rt_tensor_sizes(void* handle, int64_t* sizes) RT_TRY
  auto values = tensor(handle).sizes();
  std::copy(values.begin(), values.end(), sizes);
  return 0;
RT_CATCH
RT_API int rt_tensor_strides(void* handle, int64_t* strides) RT_TRY
  auto values = tensor(handle).strides();
  std::copy(values.begin(), values.end(), strides);
  return 0;
RT_CATCH
RT_API int rt_tensor_storage_offset(void* handle, int64_t* offset) RT_TRY
  *offset = tensor(handle).storage_offset();
  return 0;
RT_CATCH
RT_API int rt_tensor_dtype(void* handle) RT_TRY return static_cast<int>(tensor(handle).scalar_type()); RT_CATCH
RT_API int rt_tensor_element_size(void* handle) RT_TRY return static_cast<int>(tensor(handle).element_size()); RT_CATCH
RT_API int rt_tensor_device(void* handle, int* type, int* index) RT_TRY
  auto device = tensor(handle).device();
  *type = static_cast<int>(device.type());
  *index = device.index();
  return 0;
RT_CATCH
// layout: 0 is strided
RT_API int rt_tensor_layout(void* handle) RT_TRY return static_cast<int>(tensor(handle).layout()); RT_CATCH
RT_API int rt_tensor_is_contiguous(void* handle) RT_TRY return tensor(handle).is_contiguous(); RT_CATCH
RT_API int rt_tensor_is_pinned(void* handle) RT_TRY return tensor(handle).is_pinned(); RT_CATCH
RT_API int rt_tensor_data(void* handle, void** data) RT_TRY
  *data = tensor(handle).data_ptr();
  return 0;
RT_CATCH

// The one element of a tensor, as an RT_INT, RT_BOOL or RT_DOUBLE.
RT_API int rt_tensor_item(void* handle, rt_value* result) RT_TRY
  auto value = tensor(handle).item();
  result->count = 0;
  if (value.isBoolean()) { result->tag = RT_BOOL; result->integer = value.toBool(); }
  else if (value.isIntegral(false)) { result->tag = RT_INT; result->integer = value.toLong(); }
  else if (value.isFloatingPoint()) { result->tag = RT_DOUBLE; result->real = value.toDouble(); }
  else throw std::invalid_argument("item() of a complex tensor is not supported");
  return 0;
RT_CATCH
