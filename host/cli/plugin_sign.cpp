#include <fstream>
#include <iterator>
#include <ostream>

#include "base/digest.hpp"
#include "base/minisign.hpp"
#include "cli/verbs.hpp"
#include "plugin/file_rules.hpp"

namespace leat::cli {
namespace {

/// The second line of a .pub file.
Result<std::string> read_public_key(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::string comment;
    std::string key;
    if (!std::getline(in, comment) || !std::getline(in, key))
        return Error(Errc::configuration, file.string() + ": cannot be read as a .pub file of minisign");
    if (const auto parsed = minisign::parse_public_key(key); !parsed) return parsed.error().in(file.string());
    return key;
}

}  // namespace

Exit plugin_sign(const PluginSignArguments& verb, const Console& console) {
    std::error_code none;
    if (!std::filesystem::is_regular_file(verb.file, none))
        return console.fail(Exit::plugin,
                            verb.file.string() + ": is no file here; name the shared library of a plugin");
    const auto digest = sha256_of_file(verb.file);
    if (!digest) return console.fail(digest.error());
    std::string key = "RW...";
    if (!verb.public_key.empty()) {
        auto read = read_public_key(verb.public_key);
        if (!read) return console.fail(read.error());
        key = std::move(read).value();
    }
    auto& out = console.out;
    if (verb.public_key.empty()) {
        out << "once, for a pair of keys (apt install minisign); keep leat.key away from the hosts:\n"
            << "  minisign -G -p leat.pub -s leat.key\n";
    }
    out << "for each version of the plugin; the signature must lie beside it:\n"
        << "  minisign -S -s leat.key -m " << plugin::for_shell(verb.file.string()) << '\n'
        << "in the configuration, for plugins that are signed"
        << (verb.public_key.empty() ? "; the second line of leat.pub:\n" : ":\n") << "  plugins: { trust: [\"" << key
        << "\"] }\n"
        << "or for this file and no other:\n"
        << "  plugins: { pin: { " << verb.file.stem().string() << ": \"sha256:" << digest.value() << "\" } }\n";
    return Exit::done;
}

}  // namespace leat::cli
