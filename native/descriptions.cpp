// Arguments in words, for messages.
#include <c10/util/StringUtil.h>
#include "values.h"

namespace rt {
namespace {

const char* dtype_name(at::ScalarType type) {
  switch (type) {
    case at::kByte: return "uint8";
    case at::kChar: return "int8";
    case at::kShort: return "int16";
    case at::kInt: return "int32";
    case at::kLong: return "int64";
    case at::kHalf: return "float16";
    case at::kFloat: return "float32";
    case at::kDouble: return "float64";
    case at::kBool: return "bool";
    case at::kBFloat16: return "bfloat16";
    default: return c10::toString(type);
  }
}

std::string describe(const at::Tensor& value) {
  if (!value.defined()) return "none";
  std::string out = dtype_name(value.scalar_type());
  out += '[';
  if (value.layout() == at::kStrided) {
    bool first = true;
    for (auto size : value.sizes()) {
      if (!first) out += ',';
      first = false;
      out += std::to_string(size);
    }
  } else {
    out += "not strided";
  }
  out += ']';
  if (!value.device().is_cpu()) out += "@" + value.device().str();
  return out;
}

template <class T, class F> std::string list(const rt_value& value, F each) {
  constexpr int shown = 8;
  std::string out = "[";
  auto items = static_cast<const T*>(value.pointer);
  for (int i = 0; i < value.count && i < shown; i++) {
    if (i) out += ", ";
    out += each(items[i]);
  }
  if (value.count > shown) out += ", ... " + std::to_string(value.count) + " in all";
  return out + "]";
}

}

std::string describe(const rt_value& value) {
  switch (value.tag) {
    case RT_NONE: return "none";
    case RT_TENSOR: return describe(tensor(static_cast<const void*>(value.pointer)));
    case RT_INT: return std::to_string(value.integer);
    case RT_DOUBLE: return c10::str(value.real);
    case RT_BOOL: return value.integer ? "true" : "false";
    case RT_STRING: return "'" + std::string(static_cast<const char*>(value.pointer), static_cast<size_t>(value.count)) + "'";
    case RT_INT_LIST: return list<int64_t>(value, [](int64_t v) { return std::to_string(v); });
    case RT_DOUBLE_LIST: return list<double>(value, [](double v) { return c10::str(v); });
    case RT_TENSOR_LIST: return list<void*>(value, [](void* v) { return describe(tensor(static_cast<const void*>(v))); });
    case RT_DEVICE: return c10::Device(static_cast<c10::DeviceType>(value.count), static_cast<c10::DeviceIndex>(value.integer)).str();
    case RT_DEFAULT: return "its default";
    case RT_GENERATOR: return "a generator";
    default: return "a value of tag " + std::to_string(value.tag);
  }
}

}
