#include <windows.h>
// After windows.h.
#include <shellapi.h>

#include <string>
#include <vector>

#include "cli/cli.hpp"

namespace {

std::string utf8(const wchar_t* text) {
    const int size = ::WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    std::string out(size > 0 ? static_cast<std::size_t>(size) : 1, '\0');
    ::WideCharToMultiByte(CP_UTF8, 0, text, -1, out.data(), size, nullptr, nullptr);
    out.pop_back();
    return out;
}

}  // namespace

// What main() is given went through a code page that need not have the letters that were typed.
int main() {
    int count = 0;
    wchar_t** const words = ::CommandLineToArgvW(::GetCommandLineW(), &count);
    std::vector<std::string> texts;
    for (int i = 0; words && i < count; ++i)
        texts.push_back(utf8(words[i]));
    ::LocalFree(words);
    std::vector<char*> arguments;
    for (auto& text : texts)
        arguments.push_back(text.data());
    arguments.push_back(nullptr);
    return leat::cli::main(static_cast<int>(texts.size()), arguments.data());
}
