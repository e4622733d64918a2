#include <algorithm>
#include <chrono>
#include <fstream>
#include <ostream>

#include "cli/test_report.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "conformance/suite.hpp"

namespace leat::cli {
namespace {

using conformance::CaseResult;
using conformance::Verdict;

Result<conformance::SuiteOptions> options_of(const PluginTestArguments& verb, const Console& console) {
    conformance::SuiteOptions out;
    out.setup.environment = console.environment;
    std::error_code error;
    out.setup.file = std::filesystem::absolute(verb.file, error);
    if (!error && !verb.input.empty()) out.setup.input = std::filesystem::absolute(verb.input, error);
    if (error) return Error(Errc::io, "there is no current directory: " + error.message());
    if (verb.has_config) out.setup.config = verb.config;
    out.component = verb.component;
    out.only = verb.only;
    out.patience = std::chrono::milliseconds(static_cast<long>(verb.patience * 1000));
    out.jobs = verb.jobs;
    return out;
}

/// How many components the cases are of.
std::size_t components_of(const std::vector<conformance::Planned>& cases) {
    std::vector<const plugin::Component*> found;
    for (const auto& one : cases) {
        if (one.component && std::find(found.begin(), found.end(), one.component) == found.end())
            found.push_back(one.component);
    }
    return found.size();
}

void show_cases(const std::vector<conformance::Planned>& cases, std::ostream& out) {
    TextTable table({{"case"}, {"rule"}});
    for (const auto& one : cases)
        table.add({one.full_name(), one.skipped.empty() ? one.rule : "skipped: " + one.skipped});
    constexpr std::size_t whole_rule = 400;
    out << table.text(0, whole_rule);
}

Result<> write_file(const std::filesystem::path& file, const std::string& text) {
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.close();
    if (out) return done();
    return Error(Errc::io, "cannot write " + file.string() + ": " + errno_text(errno));
}

/// What keeps a host from taking the file at all.
Exit show_refusal(const plugin::CheckedFile& checked, const PluginTestArguments& verb, const Console& console) {
    std::string why;
    for (const auto& check : checked.report.checks()) {
        if (check.verdict == plugin::Verdict::failed) why += (why.empty() ? "" : "; ") + printable(check.text);
    }
    return console.fail(Exit::plugin, verb.file.string() + ": " + why + "; nothing was tested");
}

}  // namespace

Exit plugin_test(const PluginTestArguments& verb, const Arguments&, const Console& console) {
    const auto read = options_of(verb, console);
    if (!read) return console.fail(read.error());
    const auto& options = read.value();
    if (!verb.run_case.empty()) {
        const auto ran = conformance::run_here(options.setup, verb.run_case, verb.step);
        return ran ? Exit::done : console.fail(ran.error());
    }

    const auto checked = plugin::check_file(verb.file);
    if (!checked.library) return show_refusal(checked, verb, console);
    const auto planned = conformance::plan(checked, options);
    if (!planned) return console.fail(Exit::usage, planned.error().text());
    const auto& cases = planned.value();
    if (verb.has_config && components_of(cases) != 1) {
        return console.fail(Exit::usage, "--config is for one component; say which with --component KIND:ID");
    }
    if (verb.list) {
        show_cases(cases, console.out);
        return Exit::done;
    }

    const auto& library = *checked.library;
    TestReport report(console.out);
    if (!verb.json)
        console.out << verb.file.string() << ": plugin " << library.id() << ' ' << library.version() << '\n';
    const auto began = std::chrono::steady_clock::now();
    const auto ran = conformance::run_suite(cases, options, [&](const CaseResult& result) {
        if (!verb.json) report.add(result);
    });
    if (!ran) return console.fail(ran.error());
    const auto& results = ran.value();
    if (verb.json) {
        console.out << test_json(library, results) << '\n';
    } else {
        report.finish(std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
    }
    if (!verb.junit.empty()) {
        if (const auto wrote = write_file(verb.junit, test_junit(library, results)); !wrote)
            return console.fail(wrote.error());
    }
    const bool failed = std::any_of(results.begin(), results.end(),
                                    [](const auto& one) { return one.verdict.kind == Verdict::Kind::failed; });
    return failed ? Exit::failed : Exit::done;
}

}  // namespace leat::cli
