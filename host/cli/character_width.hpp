// How many columns of a terminal a character takes.
#pragma once

// POSIX has more in them than C: newlocale, wcwidth.
#include <locale.h>  // NOLINT(modernize-deprecated-headers)
#include <wchar.h>   // NOLINT(modernize-deprecated-headers)

#include <cstdint>

namespace leat::cli {

/// wcwidth knows Unicode only in a UTF-8 locale; this thread gets one for a moment, the process keeps its own.
class Utf8Locale {
public:
    Utf8Locale() : mine_(newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {
        if (mine_) before_ = uselocale(mine_);
    }
    ~Utf8Locale() {
        if (!mine_) return;
        uselocale(before_);
        freelocale(mine_);
    }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;

private:
    locale_t mine_;
    locale_t before_{};
};

/// Below 0 when nobody knows. Asks the locale of the thread.
inline int width_of_character(std::uint32_t code) {
    return ::wcwidth(static_cast<wchar_t>(code));
}

}  // namespace leat::cli
