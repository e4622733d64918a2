#pragma once

#include <locale.h>
#include <wchar.h>

#include <cstdint>
#include <memory>
#include <type_traits>

namespace standard_output {

/// From the C library's tables.
class Widths {
public:
    // Every Debian has C.UTF-8; where it is missing, each character counts as one place.
    Widths() : locale_(::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr)) {}

    /// Lets `of` be asked on this thread for as long as it lives.
    class Here {
    public:
        explicit Here(const Widths& widths)
            : before_(widths.locale_ == nullptr ? nullptr : ::uselocale(widths.locale_.get())) {}
        Here(const Here&) = delete;
        Here& operator=(const Here&) = delete;
        ~Here() {
            if (before_ != nullptr) ::uselocale(before_);
        }

    private:
        locale_t before_;
    };

    /// Below 0 for a character newer than the tables.
    static int of(std::uint32_t code) { return ::wcwidth(static_cast<wchar_t>(code)); }

private:
    struct FreeLocale {
        void operator()(std::remove_pointer_t<locale_t>* locale) const { ::freelocale(locale); }
    };
    std::unique_ptr<std::remove_pointer_t<locale_t>, FreeLocale> locale_;
};

}  // namespace standard_output
