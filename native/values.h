// Between the ABI's values and the dispatcher's IValues.
#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/function_schema.h>
#include <ATen/core/ivalue.h>
#include <ATen/core/jit_type.h>
#include <cstdint>
#include <string>
#include <vector>
#include "abi.h"
#include "compat.h"

namespace rt {

// What a parameter of an operator takes, derived once from its schema.
enum class Kind : uint8_t {
  Tensor, Number, Float, Int, Bool, String, Device, Generator,
  TensorList, OptionalTensorList, IntList, FloatList, BoolList, NumberList, Other
};

struct Parameter {
  std::string name;
  Kind kind = Kind::Other;
  bool optional = false;
  bool has_default = false;
  c10::IValue default_value;
};

Parameter describe(const c10::Argument& argument);

// Throws std::invalid_argument where the value does not fit the parameter.
c10::IValue to_ivalue(const rt_value& value, const Parameter& parameter);

// For scripted modules, whose methods take what they take.
c10::IValue to_ivalue(const rt_value& value);

// Gives ownership of tensors and of lists (rt_free_memory) to the caller.
void from_ivalue(c10::IValue&& value, rt_value& result);

// "input: float32[2,3,8,8]" for messages.
std::string describe(const rt_value& value);

inline const at::Tensor& tensor(const void* handle) {
  static const at::Tensor undefined;
  return handle ? *static_cast<const at::Tensor*>(handle) : undefined;
}
inline at::Tensor& tensor(void* handle) { return *static_cast<at::Tensor*>(handle); }
inline void* give(at::Tensor&& value) { return value.defined() ? new at::Tensor(std::move(value)) : nullptr; }

}
