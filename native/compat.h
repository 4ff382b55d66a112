// Everything that differs between libtorch 1.13 and 2.x stands here, and nowhere else.
#pragma once
#include <c10/util/Optional.h>
#include <torch/version.h>

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
#include <optional>
namespace rt {
template <class T> using optional = std::optional<T>;
inline constexpr auto nullopt = std::nullopt;
}
#else
namespace rt {
template <class T> using optional = c10::optional<T>;
inline constexpr auto nullopt = c10::nullopt;
}
#endif
