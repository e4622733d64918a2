#include <algorithm>
#include <fstream>
#include <iterator>
#include <ostream>
#include <string_view>

#include "cli/plugin_templates.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "config/suggest.hpp"

namespace leat::cli {
namespace {

constexpr std::size_t longest_name = 40;

struct Kind {
    std::string_view name;
    std::string_view component;  ///< behind the plugin's name
    std::string_view does;
};
constexpr Kind kinds[] = {
    {"source", "count", "it counts, and goes on where it was."},
    {"transform", "at-least", "it keeps the rows in which a number is large enough."},
    {"sink", "lines", "it writes a column to a file, a line for each row, and takes back what was not committed."},
    {"runner", "steps", "it is in full control of its own run: it does steps, and goes on with the next one."},
    {"pipeline", "sum", "it is source, sink and hooks in one: it counts, and adds up."},
};

/// A file of the templates, and what it is for.
struct Extra {
    std::string_view file;
    std::string_view from;  ///< the name of the template
    std::string_view is;
    bool for_rows;  ///< a runner does without
};
struct Language {
    std::string_view name;
    std::string_view shown;
    std::string_view suffix;
    std::string_view needs;
    std::string_view build;  ///< without make
    std::string_view tests;  ///< the folder of the templates that has its tests
    std::string_view test_suffix;
    std::vector<Extra> extras;
};

std::vector<Language> languages() {
    return {
        {"c",
         "C",
         ".c",
         "a C compiler",
         "cc -std=gnu11 -O2 -shared -fPIC -fvisibility=hidden -Iinclude @name@.c -o @name@.so",
         "c",
         ".c",
         {{"test/testing.cpp", "c/testing.cpp", "the SDK's host, as the test calls it from C", false},
          {"columns.h", "c/columns.h", "reads and builds columns", true}}},
        {"cpp",
         "C++",
         ".cpp",
         "a C++17 compiler",
         "g++ -std=c++17 -O2 -shared -fPIC -fvisibility=hidden -fno-gnu-unique -static-libstdc++ -static-libgcc "
         "-Wl,--version-script=plugin.map -Iinclude @name@.cpp -o @name@.so",
         "all",
         ".cpp",
         {{"plugin.map", "cpp/plugin.map", "what the library exports: one symbol", false}}},
        {"rust",
         "Rust",
         ".rs",
         "rustc 1.63 or later, and no crates",
         "rustc --edition 2021 --crate-type cdylib --crate-name plugin -O -o @name@.so @name@.rs",
         "all",
         ".cpp",
         {{"leat.rs", "rust/leat.rs", "leat.h for Rust, and traits on it", false}}},
        {"go",
         "Go",
         ".go",
         "Go 1.19 or later, and a C compiler",
         "CGO_ENABLED=1 go build -buildvcs=false -buildmode=c-shared "
         "-ldflags \"-extldflags=-Wl,--version-script=$PWD/plugin.map\" -o @name@.so .",
         "all",
         ".cpp",
         {{"plugin.c", "go/@kind@.c", "what the host sees of it: descriptions and tables in C", false},
          {"leat.go", "go/leat.go", "leat.h for Go", false},
          {"host.h", "go/host.h", "the host's functions, as Go can call them", false},
          {"columns.h", "c/columns.h", "reads and builds columns", false},
          {"threads.c", "go/threads.c", "keeps signals away from the threads of the Go runtime", false},
          {"plugin.map", "cpp/plugin.map", "what the library exports: one symbol", false},
          {"go.mod", "go/go.mod", "the module: nothing but the standard library", false}}},
    };
}

template <class Names>
std::string listed(const Names& all) {
    std::string out;
    for (const auto& one : all)
        out += (out.empty() ? "" : ", ") + std::string(one.name);
    return out;
}

/// The one of this name, or an error that names them all.
template <class Things>
Result<const typename Things::value_type*> find(const Things& all, const std::string& name, const std::string& option,
                                                const std::string& word) {
    const auto known = "; the " + word + "s are " + listed(all);
    if (name.empty()) return Error(Errc::configuration, "--" + option + " is missing" + known);
    for (const auto& one : all) {
        if (one.name == name) return &one;
    }
    std::vector<std::string> names;
    for (const auto& one : all)
        names.emplace_back(one.name);
    return Error(Errc::configuration,
                 "there is no " + word + " \"" + printable(name) + "\"" + config::did_you_mean(name, names) + known);
}

/// It becomes an id, a name of files and a word in Makefiles.
Result<> check_name(const std::string& name) {
    const auto is_letter = [](char c) { return c >= 'a' && c <= 'z'; };
    const bool fits = !name.empty() && name.size() <= longest_name && is_letter(name.front()) && name.back() != '-' &&
                      std::all_of(name.begin(), name.end(),
                                  [&](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '-'; });
    if (!fits) {
        return Error(Errc::configuration, "\"" + printable(name) + "\" cannot be the name of a plugin: that is 1 to " +
                                              std::to_string(longest_name) +
                                              " of a-z, 0-9 and -, with a letter first and no - last");
    }
    if (name == "leat") return Error(Errc::configuration, "\"leat\" is Leat's own name; choose another");
    return done();
}

void replace(std::string& text, std::string_view what, std::string_view by) {
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
}

struct File {
    std::string path;  ///< in the folder
    std::string text;
};

/// The folder's files, people's first.
std::vector<File> files_of(const std::string& name, const Language& language, const Kind& kind) {
    const std::string folder = std::string(language.name) + '/';
    const std::string source = std::string(kind.name) + std::string(language.suffix);
    std::string list = "| `@name@" + std::string(language.suffix) + "` | the plugin |";
    std::vector<File> out{{"@name@" + std::string(language.suffix), template_text(folder + source)}};
    for (const auto& extra : language.extras) {
        if (extra.for_rows && kind.name == "runner") continue;
        list += "\n| `" + std::string(extra.file) + "` | " + std::string(extra.is) + " |";
        std::string from(extra.from);
        replace(from, "@kind@", kind.name);
        out.push_back({std::string(extra.file), template_text(from)});
    }
    const std::string test = "_test" + std::string(language.test_suffix);
    out.push_back(
        {"test/@name@" + test, template_text(std::string(language.tests) + '/' + std::string(kind.name) + test)});
    out.push_back({"@name@.yaml", template_text("all/" + std::string(kind.name) + ".yaml")});
    out.push_back({"Makefile", template_text("all/Makefile") + template_text(folder + "Makefile")});
    out.push_back({"README.md", template_text("all/README.md")});
    out.push_back({".gitignore", template_text("all/gitignore")});
    for (auto& file : out) {
        for (auto* const text : {&file.path, &file.text}) {
            replace(*text, "@files@", list);
            replace(*text, "@build@", language.build);
            replace(*text, "@needs@", language.needs);
            replace(*text, "@kind@", kind.name);
            replace(*text, "@what@", kind.does);
            replace(*text, "@component@", "@name@." + std::string(kind.component));
            replace(*text, "@name@", name);
        }
    }
    for (const char* const header :
         {"include/leat/leat.h", "include/leat/leat.hpp", "include/leat/testing.h", "include/leat/testing.hpp"})
        out.push_back({header, template_text(header)});
    return out;
}

Result<> make_folder(const std::filesystem::path& folder) {
    std::error_code error;
    const auto there = std::filesystem::status(folder, error);
    if (std::filesystem::exists(there)) {
        if (!std::filesystem::is_directory(there) || !std::filesystem::is_empty(folder, error) || error) {
            return Error(Errc::configuration, folder.string() + " is there, and is not an empty directory: " +
                                                  "choose another name, or move it away");
        }
    }
    std::filesystem::create_directories(folder / "include/leat", error);
    if (!error) std::filesystem::create_directories(folder / "test", error);
    if (error) return Error(Errc::io, "cannot make the directory " + folder.string() + ": " + error.message());
    return done();
}

Result<> write(const std::filesystem::path& to, const std::string& text) {
    std::ofstream out(to, std::ios::binary);
    out << text;
    out.close();
    if (out) return done();
    return Error(Errc::io, "cannot write " + to.string() + ": " + errno_text(errno));
}

}  // namespace

Exit plugin_new(const PluginNewArguments& verb, const Console& console) {
    if (const auto fits = check_name(verb.name); !fits) return console.fail(Exit::usage, fits.error().text());
    const auto all_languages = languages();
    const auto language = find(all_languages, verb.language, "lang", "language");
    if (!language) return console.fail(Exit::usage, language.error().text());
    const std::vector<Kind> all_kinds(std::begin(kinds), std::end(kinds));
    const auto kind = find(all_kinds, verb.kind, "kind", "kind");
    if (!kind) return console.fail(Exit::usage, kind.error().text());

    const std::filesystem::path folder = verb.name;
    if (const auto made = make_folder(folder); !made) return console.fail(made.error());
    const auto files = files_of(verb.name, *language.value(), *kind.value());
    for (const auto& file : files) {
        if (const auto written = write(folder / file.path, file.text); !written) return console.fail(written.error());
    }
    console.out << verb.name << ": " << verb.name << '.' << kind.value()->component << ", a " << kind.value()->name
                << " in " << language.value()->shown << "; needs " << language.value()->needs << '\n';
    for (const auto& file : files)
        console.out << "  " << (folder / file.path).string() << '\n';
    console.out << "Next:\n  cd " << verb.name << "\n  make test\n  make run\n";
    return Exit::done;
}

}  // namespace leat::cli
