// The C ABI of librobusttrain_torch. src/RobustTrain.LibTorch/Interop mirrors it.
//
// A tensor handle is an owning at::Tensor*, as in TorchSharp; null stands for "no tensor".
// Functions that can fail return a negative number; rt_last_error then gives this thread's message.
// No C++ exception crosses the boundary.
#pragma once
#include <cstdint>

#define RT_API extern "C" __attribute__((visibility("default")))

enum rt_tag : int32_t {
  RT_NONE = 0,
  RT_TENSOR = 1,       // pointer: at::Tensor*
  RT_INT = 2,          // integer
  RT_DOUBLE = 3,       // real
  RT_BOOL = 4,         // integer: 0 or 1
  RT_STRING = 5,       // pointer: UTF-8, count bytes
  RT_INT_LIST = 6,     // pointer: int64_t[count]; also for lists of bool
  RT_DOUBLE_LIST = 7,  // pointer: double[count]
  RT_TENSOR_LIST = 8,  // pointer: at::Tensor*[count], null for an absent optional tensor
  RT_DEVICE = 9,       // count: device type; integer: index (-1: the current one)
  RT_DEFAULT = 10,     // the schema's default
  RT_GENERATOR = 11    // pointer: at::Generator*
};

struct rt_value {
  int32_t tag;
  int32_t count;
  union {
    int64_t integer;
    double real;
    void* pointer;
  };
};
static_assert(sizeof(rt_value) == 16, "mirrored by the managed side");
