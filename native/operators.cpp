// Any ATen operator by name, through the dispatcher's boxed call, driven by the operator's schema.
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/core/stack.h>
#include <algorithm>
#include <memory>
#include <stdexcept>
#include "errors.h"
#include "values.h"

namespace {

struct Operator {
  c10::OperatorHandle handle;
  std::vector<rt::Parameter> parameters;
  size_t results;
  std::string name;
};

std::string describe_call(const Operator& op, const rt_value* arguments, int count) {
  std::string out = op.name + "(";
  for (int i = 0; i < count; i++) {
    if (i) out += ", ";
    if (static_cast<size_t>(i) < op.parameters.size()) out += op.parameters[i].name + ": ";
    out += rt::describe(arguments[i]);
  }
  return out + ")";
}

}

// name: "aten::conv2d"; overload: "" or e.g. "Tensor". The operator lives as long as the process.
RT_API int rt_operator_find(const char* name, const char* overload, void** found) RT_TRY
  auto handle = c10::Dispatcher::singleton().findSchema({name, overload});
  if (!handle.has_value()) {
    std::string full = std::string(name) + (*overload ? std::string(".") + overload : std::string());
    throw std::invalid_argument("this libtorch (" TORCH_VERSION ") has no operator " + full);
  }
  auto op = std::make_unique<Operator>(Operator{*handle, {}, handle->schema().returns().size(), {}});
  op->name = std::string(name) + (*overload ? std::string(".") + overload : std::string());
  for (const auto& argument : handle->schema().arguments()) op->parameters.push_back(rt::describe(argument));
  *found = op.release();
  return 0;
RT_CATCH

// Calls the operator with the first `count` arguments; the others take their defaults.
// Returns the number of results written. results may be null: then they are dropped.
RT_API int rt_operator_call(void* target, const rt_value* arguments, int count, rt_value* results, int capacity) {
  auto& op = *static_cast<Operator*>(target);
  try {
    const size_t arity = op.parameters.size();
    if (static_cast<size_t>(count) > arity)
      throw std::invalid_argument(c10::str("it takes ", arity, " arguments, and ", count, " were given"));
    torch::jit::Stack stack;
    stack.reserve(std::max(arity, op.results));
    for (int i = 0; i < count; i++) stack.emplace_back(rt::to_ivalue(arguments[i], op.parameters[i]));
    for (size_t i = count; i < arity; i++) {
      if (!op.parameters[i].has_default) throw std::invalid_argument("argument '" + op.parameters[i].name + "' is missing");
      stack.emplace_back(op.parameters[i].default_value);
    }
    op.handle.callBoxed(&stack);
    if (!results) return 0;
    if (stack.size() > static_cast<size_t>(capacity)) throw std::length_error(c10::str("it has ", stack.size(), " results"));
    for (size_t i = 0; i < stack.size(); i++) rt::from_ivalue(std::move(stack[i]), results[i]);
    return static_cast<int>(stack.size());
  } catch (...) {
    return rt::fail(describe_call(op, arguments, count));
  }
}

// Writes the schema as text, as far as it fits; returns its length in bytes.
RT_API int rt_operator_schema(void* target, char* buffer, int capacity) RT_TRY
  auto text = c10::str(static_cast<Operator*>(target)->handle.schema());
  text.copy(buffer, static_cast<size_t>(capacity));
  return static_cast<int>(text.size());
RT_CATCH
