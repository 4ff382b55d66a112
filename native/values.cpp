#include "values.h"
#include <ATen/core/Generator.h>
#include <ATen/core/List.h>
#include <c10/util/StringUtil.h>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

using c10::IValue;
using c10::TypeKind;

namespace rt {
namespace {

Kind kind_of(const c10::TypePtr& type, bool& optional) {
  switch (type->kind()) {
    case TypeKind::OptionalType:
      optional = true;
      { bool inner; return kind_of(type->castRaw<c10::OptionalType>()->getElementType(), inner); }
    case TypeKind::TensorType: return Kind::Tensor;
    case TypeKind::NumberType: return Kind::Number;
    case TypeKind::FloatType: return Kind::Float;
    case TypeKind::IntType:
    case TypeKind::SymIntType: return Kind::Int;
    case TypeKind::BoolType: return Kind::Bool;
    case TypeKind::StringType: return Kind::String;
    case TypeKind::DeviceObjType: return Kind::Device;
    case TypeKind::GeneratorType: return Kind::Generator;
    case TypeKind::ListType: {
      bool optional_element = false;
      switch (kind_of(type->castRaw<c10::ListType>()->getElementType(), optional_element)) {
        case Kind::Tensor: return optional_element ? Kind::OptionalTensorList : Kind::TensorList;
        case Kind::Int: return Kind::IntList;
        case Kind::Float: return Kind::FloatList;
        case Kind::Bool: return Kind::BoolList;
        case Kind::Number: return Kind::NumberList;
        default: return Kind::Other;
      }
    }
    default: return Kind::Other;
  }
}

[[noreturn]] void mismatch(const Parameter& parameter, const rt_value& value) {
  throw std::invalid_argument(c10::str("argument '", parameter.name, "' does not take ", describe(value)));
}

bool is_integral(const rt_value& value) { return value.tag == RT_INT || value.tag == RT_BOOL; }

at::Scalar scalar(const rt_value& value) {
  if (value.tag == RT_DOUBLE) return value.real;
  if (value.tag == RT_BOOL) return value.integer != 0;
  return value.integer;
}

c10::List<at::Tensor> tensor_list(const rt_value& value) {
  c10::List<at::Tensor> list;
  list.reserve(value.count);
  auto handles = static_cast<void* const*>(value.pointer);
  for (int i = 0; i < value.count; i++) list.push_back(tensor(static_cast<const void*>(handles[i])));
  return list;
}

c10::List<int64_t> int_list(const rt_value& value) {
  c10::List<int64_t> list;
  list.reserve(value.count);
  auto items = static_cast<const int64_t*>(value.pointer);
  for (int i = 0; i < value.count; i++) list.push_back(items[i]);
  return list;
}

c10::List<double> double_list(const rt_value& value) {
  c10::List<double> list;
  list.reserve(value.count);
  auto items = static_cast<const double*>(value.pointer);
  for (int i = 0; i < value.count; i++) list.push_back(items[i]);
  return list;
}

std::string text(const rt_value& value) { return {static_cast<const char*>(value.pointer), static_cast<size_t>(value.count)}; }

c10::Device device(const rt_value& value) {
  return {static_cast<c10::DeviceType>(value.count), static_cast<c10::DeviceIndex>(value.integer)};
}

}

Parameter describe(const c10::Argument& argument) {
  Parameter parameter;
  parameter.name = argument.name();
  parameter.kind = kind_of(argument.type(), parameter.optional);
  if (argument.default_value().has_value()) {
    parameter.has_default = true;
    parameter.default_value = *argument.default_value();
  }
  return parameter;
}

IValue to_ivalue(const rt_value& value, const Parameter& parameter) {
  if (value.tag == RT_DEFAULT) {
    if (!parameter.has_default) throw std::invalid_argument(c10::str("argument '", parameter.name, "' has no default"));
    return parameter.default_value;
  }
  if (value.tag == RT_NONE) {
    // An operator that takes an undefined tensor says Tensor?, and its kernel reads None as one.
    if (parameter.optional) return IValue();
    mismatch(parameter, value);
  }
  switch (parameter.kind) {
    case Kind::Tensor:
      if (value.tag == RT_TENSOR) return IValue(tensor(static_cast<const void*>(value.pointer)));
      break;
    case Kind::Number:
      if (value.tag == RT_DOUBLE || is_integral(value)) return IValue(scalar(value));
      break;
    case Kind::Float:
      if (value.tag == RT_DOUBLE) return IValue(value.real);
      if (is_integral(value)) return IValue(static_cast<double>(value.integer));
      break;
    case Kind::Int:
      if (is_integral(value)) return IValue(value.integer);
      break;
    case Kind::Bool:
      if (is_integral(value)) return IValue(value.integer != 0);
      break;
    case Kind::String:
      if (value.tag == RT_STRING) return IValue(text(value));
      break;
    case Kind::Device:
      if (value.tag == RT_DEVICE) return IValue(device(value));
      break;
    case Kind::Generator:
      if (value.tag == RT_GENERATOR) return IValue(*static_cast<const at::Generator*>(value.pointer));
      break;
    case Kind::TensorList:
      if (value.tag == RT_TENSOR_LIST) return IValue(tensor_list(value));
      break;
    case Kind::OptionalTensorList:
      if (value.tag == RT_TENSOR_LIST) {
        c10::List<rt::optional<at::Tensor>> list;
        list.reserve(value.count);
        auto handles = static_cast<void* const*>(value.pointer);
        for (int i = 0; i < value.count; i++) {
          if (handles[i]) list.push_back(tensor(handles[i]));
          else list.push_back(rt::nullopt);
        }
        return IValue(std::move(list));
      }
      break;
    case Kind::IntList:
      if (value.tag == RT_INT_LIST) return IValue(int_list(value));
      if (is_integral(value)) return IValue(c10::List<int64_t>({value.integer}));
      break;
    case Kind::FloatList:
      if (value.tag == RT_DOUBLE_LIST) return IValue(double_list(value));
      break;
    case Kind::BoolList:
      if (value.tag == RT_INT_LIST) {
        c10::List<bool> list;
        list.reserve(value.count);
        auto items = static_cast<const int64_t*>(value.pointer);
        for (int i = 0; i < value.count; i++) list.push_back(items[i] != 0);
        return IValue(std::move(list));
      }
      break;
    case Kind::NumberList: {
      c10::List<at::Scalar> list;
      list.reserve(value.count);
      if (value.tag == RT_DOUBLE_LIST)
        for (int i = 0; i < value.count; i++) list.push_back(at::Scalar(static_cast<const double*>(value.pointer)[i]));
      else if (value.tag == RT_INT_LIST)
        for (int i = 0; i < value.count; i++) list.push_back(at::Scalar(static_cast<const int64_t*>(value.pointer)[i]));
      else break;
      return IValue(std::move(list));
    }
    case Kind::Other: break;
  }
  mismatch(parameter, value);
}

IValue to_ivalue(const rt_value& value) {
  switch (value.tag) {
    case RT_NONE: return IValue();
    case RT_TENSOR: return IValue(tensor(static_cast<const void*>(value.pointer)));
    case RT_INT: return IValue(value.integer);
    case RT_DOUBLE: return IValue(value.real);
    case RT_BOOL: return IValue(value.integer != 0);
    case RT_STRING: return IValue(text(value));
    case RT_INT_LIST: return IValue(int_list(value));
    case RT_DOUBLE_LIST: return IValue(double_list(value));
    case RT_TENSOR_LIST: return IValue(tensor_list(value));
    case RT_DEVICE: return IValue(device(value));
    default: throw std::invalid_argument("a scripted method does not take " + describe(value));
  }
}

void from_ivalue(IValue&& value, rt_value& result) {
  result.count = 0;
  result.integer = 0;
  if (value.isTensor()) {
    result.tag = RT_TENSOR;
    result.pointer = give(std::move(value).toTensor());
  } else if (value.isNone()) {
    result.tag = RT_NONE;
  } else if (value.isDouble()) {
    result.tag = RT_DOUBLE;
    result.real = value.toDouble();
  } else if (value.isInt() || value.isSymInt()) {
    result.tag = RT_INT;
    result.integer = value.toInt();
  } else if (value.isBool()) {
    result.tag = RT_BOOL;
    result.integer = value.toBool();
  } else if (value.isTensorList()) {
    auto items = value.toTensorVector();
    auto handles = static_cast<void**>(std::malloc(sizeof(void*) * (items.size() + 1)));
    if (!handles) throw std::bad_alloc();
    for (size_t i = 0; i < items.size(); i++) handles[i] = give(std::move(items[i]));
    result.tag = RT_TENSOR_LIST;
    result.count = static_cast<int32_t>(items.size());
    result.pointer = handles;
  } else if (value.isIntList()) {
    auto items = value.toIntVector();
    auto copy = static_cast<int64_t*>(std::malloc(sizeof(int64_t) * (items.size() + 1)));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, items.data(), sizeof(int64_t) * items.size());
    result.tag = RT_INT_LIST;
    result.count = static_cast<int32_t>(items.size());
    result.pointer = copy;
  } else if (value.isString()) {
    const std::string& source = value.toStringRef();
    auto copy = static_cast<char*>(std::malloc(source.size() + 1));
    if (!copy) throw std::bad_alloc();
    std::memcpy(copy, source.c_str(), source.size() + 1);
    result.tag = RT_STRING;
    result.count = static_cast<int32_t>(source.size());
    result.pointer = copy;
  } else {
    throw std::runtime_error("a result of type " + value.tagKind() + " cannot be handed over");
  }
}

}
