// What differs between systems in how a server listens.
#pragma once

namespace leat::observe {

inline constexpr bool has_unix_sockets = true;
/// SO_REUSEADDR lets a port be had that was left a moment ago, and never one where somebody listens.
inline constexpr bool reuse_is_safe = true;

}  // namespace leat::observe
