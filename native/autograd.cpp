#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/autograd/anomaly_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/variable.h>
#include <cstdlib>
#include "errors.h"
#include "values.h"

using rt::give;
using rt::tensor;

namespace {
torch::autograd::variable_list list(void* const* handles, int count) {
  torch::autograd::variable_list out;
  out.reserve(count);
  for (int i = 0; i < count; i++) out.push_back(tensor(static_cast<const void*>(handles[i])));
  return out;
}
}

// The grad mode is a state of the calling thread.
RT_API int rt_grad_enabled() { return c10::GradMode::is_enabled(); }
RT_API void rt_set_grad_enabled(int enabled) { c10::GradMode::set_enabled(enabled != 0); }
RT_API int rt_inference_enabled() { return c10::InferenceMode::is_enabled(); }
RT_API int rt_inference_begin(int enabled, void** guard) RT_TRY
  *guard = new c10::InferenceMode(enabled != 0);
  return 0;
RT_CATCH
// On the thread that began it, the latest first.
RT_API void rt_inference_end(void* guard) { delete static_cast<c10::InferenceMode*>(guard); }

// The anomaly mode is a state of the process.
RT_API int rt_anomaly_enabled() { return torch::autograd::AnomalyMode::is_enabled(); }
RT_API int rt_anomaly_checks_nan() { return torch::autograd::AnomalyMode::should_check_nan(); }
RT_API void rt_set_anomaly(int on, int check_nan) { torch::autograd::AnomalyMode::set_enabled(on != 0, check_nan != 0); }

RT_API int rt_tensor_requires_grad(void* handle) RT_TRY return tensor(handle).requires_grad(); RT_CATCH
RT_API int rt_tensor_set_requires_grad(void* handle, int required) RT_TRY
  tensor(handle).set_requires_grad(required != 0);
  return 0;
RT_CATCH
RT_API int rt_tensor_is_leaf(void* handle) RT_TRY return tensor(handle).is_leaf(); RT_CATCH
RT_API int rt_tensor_retain_grad(void* handle) RT_TRY
  tensor(handle).retain_grad();
  return 0;
RT_CATCH
// null where there is none
RT_API int rt_tensor_grad(void* handle, void** grad) RT_TRY
  *grad = give(at::Tensor(tensor(handle).grad()));
  return 0;
RT_CATCH
RT_API int rt_tensor_set_grad(void* handle, void* grad) RT_TRY
  tensor(handle).mutable_grad() = tensor(static_cast<const void*>(grad));
  return 0;
RT_CATCH
// `handle` becomes a variable of the same values as `source`, keeping what refers to it (an optimiser, a module).
RT_API int rt_tensor_set_data(void* handle, void* source) RT_TRY
  tensor(handle).set_data(tensor(source));
  return 0;
RT_CATCH

// gradients: null, or one for each root (null where its root is a scalar). inputs: none means all leaves.
RT_API int rt_backward(void* const* roots, void* const* gradients, int count, int retain_graph, int create_graph, void* const* inputs, int input_count) RT_TRY
  torch::autograd::backward(list(roots, count), gradients ? list(gradients, count) : torch::autograd::variable_list(),
                            retain_graph != 0, create_graph != 0, list(inputs, input_count));
  return 0;
RT_CATCH

// results: one handle for each input, null where allow_unused and the input was not used.
RT_API int rt_grad(void* const* outputs, void* const* gradients, int count, void* const* inputs, int input_count, int retain_graph, int create_graph, int allow_unused, void** results) RT_TRY
  auto found = torch::autograd::grad(list(outputs, count), list(inputs, input_count),
                                     gradients ? list(gradients, count) : torch::autograd::variable_list(),
                                     retain_graph != 0, create_graph != 0, allow_unused != 0);
  for (size_t i = 0; i < found.size(); i++) results[i] = give(std::move(found[i]));
  return static_cast<int>(found.size());
RT_CATCH
