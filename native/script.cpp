// TorchScript modules.
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/serialization/import.h>
#include <algorithm>
#include <stdexcept>
#include "errors.h"
#include "values.h"

using torch::jit::Module;
using Visit = void (*)(void* context, const char* name, void* handle);

namespace {
Module& module(void* handle) { return *static_cast<Module*>(handle); }
}

// device_type -1: where the file's tensors were
RT_API int rt_script_load(const char* path, int device_type, int device_index, void** loaded) {
  try {
    rt::optional<c10::Device> device = rt::nullopt;
    if (device_type >= 0) device = c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index));
    *loaded = new Module(torch::jit::load(path, device));
    return 0;
  } catch (...) {
    return rt::fail(std::string("jit.load('") + path + "')");
  }
}
RT_API int rt_script_save(void* handle, const char* path) RT_TRY
  module(handle).save(path);
  return 0;
RT_CATCH
RT_API void rt_script_free(void* handle) { delete static_cast<Module*>(handle); }
RT_API int rt_script_train(void* handle, int on) RT_TRY
  module(handle).train(on != 0);
  return 0;
RT_CATCH
RT_API int rt_script_is_training(void* handle) RT_TRY return module(handle).is_training(); RT_CATCH

// device_type -1 or dtype -1: unchanged
RT_API int rt_script_to(void* handle, int device_type, int device_index, int dtype, int non_blocking) RT_TRY
  auto& target = module(handle);
  if (device_type >= 0 && dtype >= 0)
    target.to(c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index)),
              static_cast<at::ScalarType>(dtype), non_blocking != 0);
  else if (device_type >= 0)
    target.to(c10::Device(static_cast<c10::DeviceType>(device_type), static_cast<c10::DeviceIndex>(device_index)), non_blocking != 0);
  else if (dtype >= 0)
    target.to(static_cast<at::ScalarType>(dtype), non_blocking != 0);
  return 0;
RT_CATCH

// Returns the number of results. is_tuple tells one result from a tuple of one.
RT_API int rt_script_invoke(void* handle, const char* method, const rt_value* arguments, int count, rt_value* results, int capacity, int* is_tuple) {
  try {
    auto found = module(handle).find_method(method);
    if (!found.has_value()) throw std::invalid_argument("the scripted module has no such method");
    std::vector<c10::IValue> inputs;
    inputs.reserve(count);
    for (int i = 0; i < count; i++) inputs.push_back(rt::to_ivalue(arguments[i]));
    c10::IValue result = (*found)(std::move(inputs));
    *is_tuple = result.isTuple();
    if (!result.isTuple()) {
      rt::from_ivalue(std::move(result), results[0]);
      return 1;
    }
    auto elements = result.toTupleRef().elements().vec();
    if (elements.size() > static_cast<size_t>(capacity)) throw std::length_error(c10::str("a tuple of ", elements.size(), " results is more than ", capacity));
    for (size_t i = 0; i < elements.size(); i++) rt::from_ivalue(std::move(elements[i]), results[i]);
    return static_cast<int>(elements.size());
  } catch (...) {
    std::string call = std::string(method) + "(";
    for (int i = 0; i < count; i++) call += (i ? ", " : "") + rt::describe(arguments[i]);
    return rt::fail(call + ")");
  }
}

// Visits name and handle (the visitor owns it) of each parameter, or each buffer.
RT_API int rt_script_parameters(void* handle, Visit visit, void* context) RT_TRY
  for (const auto& item : module(handle).named_parameters()) visit(context, item.name.c_str(), rt::give(at::Tensor(item.value)));
  return 0;
RT_CATCH
RT_API int rt_script_buffers(void* handle, Visit visit, void* context) RT_TRY
  for (const auto& item : module(handle).named_buffers()) visit(context, item.name.c_str(), rt::give(at::Tensor(item.value)));
  return 0;
RT_CATCH
RT_API int rt_script_parameter_count(void* handle, const char* method) RT_TRY
  auto found = module(handle).find_method(method);
  if (!found.has_value()) throw std::invalid_argument(std::string("the scripted module has no method '") + method + "'");
  return static_cast<int>(found->function().getSchema().arguments().size()) - 1;
RT_CATCH
