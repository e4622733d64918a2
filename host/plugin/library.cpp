#include "plugin/library.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include "plugin/call_record.hpp"
#include "plugin/elf_check.hpp"
#include "plugin/file_rules.hpp"
#include "plugin/handshake.hpp"
#include "plugin/places.hpp"
#include "plugin/trial.hpp"

namespace leat::plugin {
namespace {

/// Writes down how one check came out, and hands its result on.
template <class T>
Result<T> noted(Result<T> result, Report& report, const std::string& when_it_holds) {
    if (result.has_error()) {
        report.fail(result.error().message());
    } else {
        report.ok(when_it_holds);
    }
    return result;
}

Result<> check_mode(const std::filesystem::path& path, Report& report) {
    if (!looks_at_modes) return done();
    return noted(check_file_mode(path), report, "cannot be changed by others");
}

/// The checks that run none of the library's code.
Result<ElfFacts> examine(const std::filesystem::path& path, Report& report) {
    BOOST_OUTCOME_TRY(auto facts,
                      noted(read_elf(path), report, "is a whole shared library for " + host_architecture()));
    BOOST_OUTCOME_TRY(noted(check_entry_symbol(facts), report, "exports leat_plugin_v1"));
    return facts;
}

std::filesystem::path in_full(const std::filesystem::path& path) {
    std::error_code ignored;  // without a current directory the path stays as it is, and cannot be opened
    return std::filesystem::absolute(path, ignored).lexically_normal();
}

std::string some_of(const std::vector<std::string>& names) {
    constexpr std::size_t most = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), most); ++i)
        text += (i ? ", " : "") + names[i];
    if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
    return text;
}

void check_manners(const ElfFacts& facts, Report& report) {
    const auto needless = needless_exports(facts);
    if (needless.empty()) {
        report.ok("exports nothing else");
    } else {
        report.warn("exports more than leat_plugin_v1 (" + some_of(needless) +
                    "); link it with the version script of leat_add_plugin");
    }
    if (!has_unique_symbols) return;
    if (facts.unique.empty()) {
        report.ok("has no unique symbols");
    } else {
        report.fail("has unique symbols (" + some_of(facts.unique) +
                    "), which all plugins of a process would share; compile it with -fno-gnu-unique");
    }
}

}  // namespace

Result<const leat_plugin*> ask(const boost::dll::shared_library& library) {
    constexpr auto entry_name = "leat_plugin_v1";
    if (!library.has(entry_name)) return Error(Errc::plugin, "does not export leat_plugin_v1");
    const leat_plugin* answer = nullptr;
    try {
        answer = library.get<const leat_plugin*()>(entry_name)();
    } catch (const std::exception& escaped) {
        return Error(Errc::plugin, std::string("leat_plugin_v1 threw: ") + escaped.what() + "; it must not throw");
    } catch (...) {
        return Error(Errc::plugin, "leat_plugin_v1 threw something that is not a std::exception; it must not throw");
    }
    if (!answer) {
        return Error(Errc::plugin,
                     "refuses this machine: leat_plugin_v1 answered NULL; its documentation says what it needs");
    }
    return answer;
}

// dlopen compares the names before it looks at the files.
std::filesystem::path LoadedFiles::spelling(const std::filesystem::path& path) const {
    const auto known = loads_.find(path);
    auto out = path.parent_path();
    for (auto times = known == loads_.end() ? 0 : known->second.size(); times > 0; --times)
        out /= ".";
    return out / path.filename();
}

Result<> LoadedFiles::add(const std::filesystem::path& path, const FileIdentity& identity, const leat_plugin* answer) {
    auto& loads = loads_[path];
    for (const auto& earlier : loads) {
        if (earlier.answer != answer) continue;
        if (earlier.identity == identity) return done();
        return Error(Errc::plugin,
                     "was written over while this process had it loaded, and the old one still runs; put "
                     "a new file in its place by renaming it, or start anew");
    }
    loads.push_back({identity, answer});
    return done();
}

Library::Library(const Candidate& candidate, const FileIdentity& identity, boost::dll::shared_library handle,
                 Manifest manifest, std::vector<std::string> warnings)
    : path_(candidate.file),
      identity_(identity),
      credentials_(candidate.credentials),
      handle_(std::move(handle)),
      manifest_(std::move(manifest)),
      warnings_(std::move(warnings)) {
    for (Component& component : manifest_.components)
        component.library = this;
}

Result<std::unique_ptr<Library>> Library::take_in(const Candidate& candidate, Report& report, LoadedFiles& loaded) {
    const auto& path = candidate.file;
    const auto& sealed = candidate.sealed;
    const auto identity = sealed ? sealed->identity() : FileIdentity::of(path);
    const auto place = sealed ? sealed->loadable() : loaded.spelling(path);
    const auto called = path.string();
    const NotedCall loading("loading", called);
    BOOST_OUTCOME_TRY(auto handle, noted(load(place), report, "loads"));
    if (sealed) {
        sealed->keep_open();
    } else if (FileIdentity::of(path) != identity) {
        return Error(Errc::plugin, "was replaced while it was being loaded; try again once it stays as it is");
    }
    BOOST_OUTCOME_TRY(const auto answer, noted(ask(handle), report, "leat_plugin_v1 gives its descriptors"));
    if (!sealed) {
        BOOST_OUTCOME_TRY(loaded.add(path, identity, answer));
    }
    BOOST_OUTCOME_TRY(auto manifest, read_manifest(*answer, report));
    std::vector<std::string> warnings;
    for (const Check& check : report.checks()) {
        if (check.verdict == Verdict::warning) warnings.push_back(path.string() + ": " + check.text);
    }
    return std::unique_ptr<Library>(
        new Library(candidate, identity, std::move(handle), std::move(manifest), std::move(warnings)));
}

Result<std::unique_ptr<Library>> Library::open(const std::filesystem::path& path) {
    const auto steps = [place = in_full(path)]() -> Result<std::unique_ptr<Library>> {
        Report unread;
        LoadedFiles first;
        BOOST_OUTCOME_TRY(check_mode(place, unread));
        BOOST_OUTCOME_TRY(examine(place, unread));
        return take_in({place}, unread, first);
    };
    return in_context(steps(), [&] { return path.string(); });
}

Result<std::unique_ptr<Library>> Library::open(const Candidate& candidate, LoadedFiles& loaded) {
    const auto steps = [&]() -> Result<std::unique_ptr<Library>> {
        Report unread;
        BOOST_OUTCOME_TRY(examine(candidate.to_load(), unread));
        return take_in(candidate, unread, loaded);
    };
    return in_context(steps(), [&] { return candidate.file.string(); });
}

CheckedFile check_file(const std::filesystem::path& path, std::chrono::milliseconds patience) {
    const auto place = in_full(path);
    CheckedFile checked;
    if (!check_mode(place, checked.report)) return checked;
    const auto facts = examine(place, checked.report);
    if (!facts) return checked;
    check_manners(facts.value(), checked.report);
    if (const auto fault = try_in_child({Candidate{place}}, patience).front()) {
        checked.report.fail(fault->message());
        return checked;
    }
    if (tries_in_child) checked.report.ok("comes through loading in a child process");
    LoadedFiles first;
    if (auto library = Library::take_in({place}, checked.report, first)) checked.library = std::move(library).value();
    return checked;
}

}  // namespace leat::plugin
