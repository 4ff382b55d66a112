#include "errors.h"
#include <c10/util/Exception.h>
#include <exception>

namespace {
thread_local std::string message;
}

int rt::fail(const std::string& where) noexcept {
  try {
    std::string what;
    try {
      throw;
    } catch (const c10::Error& e) {
      what = e.what_without_backtrace();
    } catch (const std::exception& e) {
      what = e.what();
    } catch (...) {
      what = "an exception that is no std::exception";
    }
    message = where.empty() ? what : where + ": " + what;
  } catch (...) {
    // Out of memory while wording the message: an empty message still says that something failed.
    message.clear();
  }
  return -1;
}

RT_API const char* rt_last_error() { return message.c_str(); }
