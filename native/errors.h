#pragma once
#include <string>
#include "abi.h"

namespace rt {
// Stores the exception being handled as this thread's message, and returns -1.
// `where` (may be empty) goes before it.
int fail(const std::string& where = {}) noexcept;
}

#define RT_TRY try {
#define RT_CATCH \
  } catch (...) { return rt::fail(); }
