#include "cli/prepare.hpp"

#include <algorithm>
#include <ostream>
#include <utility>

#include "cli/try_plugins.hpp"
#include "config/suggest.hpp"
#include "config/wording.hpp"
#include "plugin/call_record.hpp"
#include "plugin/library.hpp"
#include "runtime/manager.hpp"

namespace leat::cli {
namespace {

/// A pin that holds nothing is a mistake, for whoever wrote it relies on it.
void check_pins(const config::Settings& settings, const plugin::Catalog& catalog, config::Problems& problems) {
    const auto& files = catalog.files();
    std::string searched;
    for (const auto& directory : catalog.directories())
        searched += (searched.empty() ? "" : ", ") + directory.string();
    for (const auto& [name, pin] : settings.plugin_pins) {
        if (files.count(name) > 0) continue;
        problems.add(pin.where, config::below("plugins.pin", name),
                     "pins " + name + ".so, and there is no such file in " +
                         (searched.empty() ? "any plugin directory" : searched) +
                         config::did_you_mean(name, {files.begin(), files.end()}));
    }
}

}  // namespace

Result<plugin::Catalog> scan_plugins(const config::Settings* settings, const Arguments& arguments,
                                     const Console& console, const plugin::Catalog* earlier) {
    plugin::Scan scan;
    scan.earlier = earlier;
    if (earlier) scan.tried_by = try_plugins;
    scan.named = arguments.plugin_directories;
    if (settings) {
        const auto& named = settings->plugin_directories;
        scan.named.insert(scan.named.end(), named.begin(), named.end());
        for (const auto& [file, pin] : settings->plugin_pins)
            scan.trust.pins[file] = pin.sha256;
        for (const auto& trusted : settings->plugin_keys)
            scan.trust.keys.push_back(trusted.key);
    }
    scan.defaults =
        plugin::default_directories(console.executable, [&](const char* name) { return console.environment(name); });
    return plugin::Catalog::scan(scan);
}

Result<std::optional<runtime::Generation>> prepare(const Configuration& configuration, const Arguments& arguments,
                                                   const Console& console, Findings& findings, bool keeps_state,
                                                   const plugin::Catalog* earlier) {
    auto& problems = findings.problems;
    // From here on code of plugins runs.
    plugin::report_crashes(static_cast<int>(Exit::plugin));
    auto settings =
        std::holds_alternative<ConfigurationFile>(configuration)
            ? config::load(std::get<ConfigurationFile>(configuration).path, console.environment, problems)
            : config::load_text(std::get<ConfigurationText>(configuration).text,
                                std::get<ConfigurationText>(configuration).name, console.environment, problems);
    if (!settings) return std::optional<runtime::Generation>();
    auto scanned = scan_plugins(&*settings, arguments, console, earlier);
    if (!scanned) {
        // What is wrong in the file is said first: it may be the cause.
        if (!problems.empty()) return std::optional<runtime::Generation>();
        return std::move(scanned).error();
    }
    check_pins(*settings, scanned.value(), problems);
    runtime::check(*settings, scanned.value(), problems, keeps_state);
    const auto found = problems.sorted();
    const bool missing =
        std::any_of(found.begin(), found.end(), [](const auto& one) { return one.code == Errc::plugin; });
    const std::string told = problems.to_error().message();
    for (const auto& refusal : scanned.value().refused()) {
        const auto text = refusal.error.text();
        if (missing && told.find(text) == std::string::npos) findings.refused.push_back(text);
    }
    if (!problems.empty()) return std::optional<runtime::Generation>();
    return std::optional<runtime::Generation>(runtime::Generation{std::move(*settings), std::move(scanned).value()});
}

std::variant<plugin::Catalog, Exit> scan_as_in(const std::filesystem::path& as_in, const Arguments& arguments,
                                               const Console& console) {
    std::optional<config::Settings> settings;
    Findings findings;
    if (!as_in.empty()) settings = config::load(as_in, console.environment, findings.problems);
    if (!findings.problems.empty()) return show(findings, console);
    auto scanned = scan_plugins(settings ? &*settings : nullptr, arguments, console);
    if (!scanned) return console.fail(scanned.error());
    if (settings) check_pins(*settings, scanned.value(), findings.problems);
    if (!findings.problems.empty()) return show(findings, console);
    return std::move(scanned).value();
}

std::optional<Exit> refuse_unknown_pipeline(const std::string& name, const config::Settings& settings,
                                            const Console& console) {
    std::string names;
    for (const auto& pipeline : settings.pipelines) {
        if (name.empty() || pipeline.name == name) return std::nullopt;
        names += (names.empty() ? "" : ", ") + pipeline.name;
    }
    return console.fail(
        Exit::usage, "--pipeline " + name + ": " + settings.file.string() + " has no such pipeline; it has " + names);
}

Exit show(const Findings& findings, const Console& console) {
    const auto error = findings.problems.to_error();
    const auto count = findings.problems.sorted().size();
    console.err << error.message() << '\n';
    for (const auto& text : findings.refused)
        console.err << "refused plugin: " << text << '\n';
    console.err << "leat: " << count << (count == 1 ? " problem" : " problems") << "; nothing was run\n";
    return exit_for(error);
}

void warn_of_refused(const plugin::Catalog& catalog, observe::Log& log) {
    for (const auto& refusal : catalog.refused())
        log.tell("plugin-refused", "plugin refused: " + refusal.error.text(), {{"file", refusal.path.string()}});
    for (const auto* library : catalog.libraries()) {
        for (const auto& warning : library->warnings())
            log.tell("plugin-warning", "plugin: " + warning, {{"file", library->path().string()}});
    }
}

}  // namespace leat::cli
