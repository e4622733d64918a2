// What differs between systems in how a server listens.
#pragma once

namespace leat::observe {

inline constexpr bool has_unix_sockets = false;
/// SO_REUSEADDR would let another program take a port where somebody listens; one that was left can be had without it.
inline constexpr bool reuse_is_safe = false;

}  // namespace leat::observe
