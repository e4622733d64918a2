// Any text as a configuration: it becomes settings, or problems with a place each.
#include "config/load.hpp"
#include "input.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(data), size);
    // Files could be devices, which do not end.
    if (text.find("file:") != std::string::npos || text.find("include") != std::string::npos) return 0;
    leat::config::Problems problems;
    const auto settings = leat::config::load_text(
        text, "/nowhere/fuzz.yaml",
        [](const std::string& name) -> std::optional<std::string> {
            if (name == "HOME") return "/home/of a user";
            if (name == "N") return "12";
            return std::nullopt;
        },
        problems);
    fuzz::require(settings.has_value() || !problems.empty(), "what is no configuration has no problem");
    return 0;
}
