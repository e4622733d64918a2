#include "plugin/catalog.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "config/suggest.hpp"
#include "plugin/elf_check.hpp"
#include "plugin/file_rules.hpp"
#include "plugin/places.hpp"
#include "plugin/trial.hpp"

namespace leat::plugin {
namespace {

using std::filesystem::path;

Result<std::vector<path>> plugin_files(const path& directory) {
    std::error_code error;
    std::vector<path> files;
    for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
         entry.increment(error)) {
        const path& file = entry->path();
        if (file.extension() == library_ending && file.filename().string().front() != '.') files.push_back(file);
    }
    if (error) {
        return Error(Errc::configuration, "plugin directory " + directory.string() + " cannot be read: " +
                                              error.message() + "; create it or correct its name");
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// "a source", "a source or a sink"
std::string one_of(const std::vector<Kind>& kinds) {
    std::string text;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        if (i > 0) text += i + 1 == kinds.size() ? " or " : ", ";
        text += "a " + std::string(kind_name(kinds[i]));
    }
    return text;
}

std::string all_of(const std::vector<std::string>& parts, std::string_view between) {
    std::string text;
    for (const std::string& part : parts)
        text += (text.empty() ? "" : std::string(between)) + part;
    return text;
}

bool contains(const std::vector<Kind>& kinds, Kind kind) {
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

/// Identifies a file whatever it is called.
using FileKey = std::pair<std::uint64_t, std::uint64_t>;

std::optional<FileKey> file_key(const path& file) {
    const auto found = FileIdentity::of(file);
    if (found == FileIdentity{}) return std::nullopt;
    return FileKey{found.device, found.inode};
}

/// Decides which of the files found become libraries.
class Collector {
public:
    Collector(std::vector<std::shared_ptr<Library>>& libraries, std::vector<Refused>& refused, LoadedFiles& loaded,
              const Trust& trust)
        : libraries_(libraries), refused_(refused), loaded_(loaded), trust_(trust) {}

    /// Turns away, without running any of it, what may not be trusted, is no plugin of ours or the same file again.
    std::vector<Candidate> examine(const std::vector<path>& files) {
        std::vector<Candidate> good;
        for (const path& file : files) {
            if (auto candidate = examine(file)) {
                good.push_back(std::move(candidate).value());
            } else {
                refuse(file, candidate.error().in(file.string()));
            }
        }
        return good;
    }

    void add(const Candidate& candidate) {
        auto opened = Library::open(candidate, loaded_);
        if (!opened) return refuse(candidate.file, std::move(opened).error());
        add(std::move(opened).value());
    }

    void add(std::shared_ptr<Library> library) {
        const path& file = library->path();
        if (auto clash = clash_of(*library)) return refuse(file, clash->in(file.string()));
        libraries_.push_back(std::move(library));
    }

    void refuse(const path& file, Error error) { refused_.push_back({file, std::move(error)}); }

private:
    Result<Candidate> examine(const path& file) {
        BOOST_OUTCOME_TRY(auto candidate, admit(file, trust_));
        BOOST_OUTCOME_TRY(const auto facts, read_elf(candidate.to_load()));
        BOOST_OUTCOME_TRY(check_entry_symbol(facts));
        if (const auto key = file_key(file)) {
            const auto [first, is_new] = seen_.emplace(*key, file);
            if (!is_new) {
                return Error(Errc::plugin, "is the same file as " + first->second.string() + "; remove one of them");
            }
        }
        return candidate;
    }

    std::optional<Error> clash_of(const Library& library) const {
        if (trust_.pins.count(library.id()) > 0 && library.path().stem() != library.id()) {
            return Error(Errc::plugin, "is plugin \"" + library.id() + "\", which plugins.pin has, but pins are held " +
                                           "against files by their names; call it " + library.id() + library_ending);
        }
        for (const auto& other : libraries_) {
            if (other->id() == library.id() && other->version() == library.version()) {
                return Error(Errc::plugin, "is plugin \"" + library.id() + "\" " + library.version() +
                                               " again, which is loaded from " + other->path().string() +
                                               "; remove one of them");
            }
            for (const Component& theirs : other->components()) {
                for (const Component& ours : library.components()) {
                    if (ours.id != theirs.id || ours.kind != theirs.kind) continue;
                    return Error(Errc::plugin, "has " + ours.name() + ", which is loaded from " +
                                                   other->path().string() + "; remove one of them");
                }
            }
        }
        return std::nullopt;
    }

    std::vector<std::shared_ptr<Library>>& libraries_;
    std::vector<Refused>& refused_;
    LoadedFiles& loaded_;
    const Trust& trust_;
    std::map<FileKey, path> seen_;
};

}  // namespace

Result<Catalog> Catalog::scan(const Scan& scan) {
    Catalog catalog;
    std::vector<path> files;
    const auto search = [&](const path& given, bool must_exist) -> Result<> {
        std::error_code error;
        path directory = std::filesystem::absolute(given, error).lexically_normal();
        if (!directory.has_filename()) directory = directory.parent_path();  // given as "." or "plugins/"
        const bool known =
            std::any_of(catalog.directories_.begin(), catalog.directories_.end(), [&](const path& other) {
                return other == directory || std::filesystem::equivalent(other, directory, error);
            });
        if (known || (!must_exist && !std::filesystem::is_directory(directory, error))) return done();
        BOOST_OUTCOME_TRY(const auto found, plugin_files(directory));
        catalog.directories_.push_back(directory);
        for (const path& file : found)
            catalog.files_.insert(file.stem().string());
        if (auto mode = check_directory(directory)) {
            files.insert(files.end(), found.begin(), found.end());
        } else {
            catalog.refused_.push_back({directory, mode.error().in("plugin directory " + directory.string())});
        }
        return done();
    };
    for (const path& directory : scan.named) {
        BOOST_OUTCOME_TRY(search(directory, true));
    }
    for (const path& directory : scan.defaults) {
        BOOST_OUTCOME_TRY(search(directory, false));
    }

    if (scan.earlier) catalog.loaded_ = scan.earlier->loaded_;
    Collector collector(catalog.libraries_, catalog.refused_, catalog.loaded_, scan.trust);
    const auto good = collector.examine(files);
    // Asked once: a file may be replaced at any time.
    std::vector<std::shared_ptr<Library>> known;
    std::vector<Candidate> unknown;
    for (const Candidate& candidate : good) {
        known.push_back(unchanged(candidate, scan.earlier));
        if (!known.back()) unknown.push_back(candidate);
    }
    const auto faults = scan.tried_by ? scan.tried_by(unknown)
                        : scan.trial  ? try_in_child(unknown, scan.patience)
                                      : std::vector<std::optional<Error>>(unknown.size());
    std::size_t next = 0;
    for (std::size_t i = 0; i < good.size(); ++i) {
        if (known[i]) {
            collector.add(std::move(known[i]));
        } else if (const auto& fault = faults[next++]) {
            collector.refuse(good[i].file, *fault);
        } else {
            collector.add(good[i]);
        }
    }
    return catalog;
}

std::shared_ptr<Library> Catalog::unchanged(const Candidate& candidate, const Catalog* earlier) {
    if (!earlier) return nullptr;
    for (const auto& library : earlier->libraries_) {
        if (library->path() != candidate.file) continue;
        // One that was loaded unchecked cannot be checked any more: nobody knows which bytes it has.
        const bool is_same = candidate.sealed ? library->credentials().sha256 == candidate.credentials.sha256
                                              : library->identity() == FileIdentity::of(candidate.file);
        if (is_same) return library;
    }
    return nullptr;
}

const Component* Catalog::find(std::string_view id, Kind kind) const {
    for (const auto& library : libraries_) {
        for (const Component& component : library->components()) {
            if (component.kind == kind && component.id == id) return &component;
        }
    }
    return nullptr;
}

std::vector<const Component*> Catalog::components() const {
    std::vector<const Component*> all;
    for (const auto& library : libraries_) {
        for (const Component& component : library->components())
            all.push_back(&component);
    }
    std::sort(all.begin(), all.end(),
              [](auto* a, auto* b) { return std::tie(a->id, a->kind) < std::tie(b->id, b->kind); });
    return all;
}

std::vector<const Library*> Catalog::libraries() const {
    std::vector<const Library*> all;
    for (const auto& library : libraries_)
        all.push_back(library.get());
    return all;
}

std::vector<std::string> Catalog::suggestions(std::string_view id, const std::vector<Kind>& kinds) const {
    std::vector<std::pair<std::size_t, std::string>> near;
    for (const Component* component : components()) {
        if (!contains(kinds, component->kind)) continue;
        // "acme.orders" is also what somebody means who writes "orders".
        const auto dot = component->id.rfind('.');
        const std::string last_part = dot == std::string::npos ? component->id : component->id.substr(dot + 1);
        const std::size_t distance = last_part == id ? 1 : config::edits(id, component->id);
        if (distance <= std::max<std::size_t>(1, id.size() / 3)) near.emplace_back(distance, component->id);
    }
    std::sort(near.begin(), near.end());
    near.erase(std::unique(near.begin(), near.end()), near.end());
    std::vector<std::string> ids;
    for (auto& [distance, name] : near)
        ids.push_back(std::move(name));
    return ids;
}

Error Catalog::unknown(std::string_view id, const std::vector<Kind>& wanted) const {
    const std::string name = '"' + std::string(id) + '"';
    std::vector<Kind> others;
    for (const Component* component : components()) {
        if (component->id == id && !contains(wanted, component->kind)) others.push_back(component->kind);
    }
    if (!others.empty()) return Error(Errc::configuration, name + " is " + one_of(others) + ", not " + one_of(wanted));

    // A library that could not be used says more than any guess at the spelling.
    const std::string_view first_part = id.substr(0, id.find('.'));
    for (const Refused& refusal : refused_) {
        const std::string stem = refusal.path.stem().string();
        if (stem == id || stem == first_part) {
            return Error(Errc::plugin,
                         name + " is not " + one_of(wanted) + " here; its plugin was refused: " + refusal.error.text());
        }
    }
    for (const Refused& refusal : refused_) {
        if (std::find(directories_.begin(), directories_.end(), refusal.path) == directories_.end()) continue;
        return Error(Errc::plugin, name + " is not " + one_of(wanted) +
                                       " here, and it may be in what was refused: " + refusal.error.text());
    }

    std::string text = name + " is not " + one_of(wanted) + " that any plugin offers";
    std::vector<std::string> near = suggestions(id, wanted);
    for (std::string& each : near)
        each = '"' + each + '"';
    if (near.size() > 3) near.resize(3);
    if (!near.empty()) return Error(Errc::configuration, text + "; did you mean " + all_of(near, " or ") + "?");

    std::vector<std::string> searched;
    for (const path& directory : directories_)
        searched.push_back(directory.string());
    text += searched.empty() ? "; there was no directory to search, set LEAT_PLUGIN_PATH to one with plugins"
                             : "; searched " + all_of(searched, ", ") + ", put the plugin's " +
                                   std::string(library_ending) + " file into one of them";
    return Error(Errc::plugin, text);
}

std::vector<path> default_directories(const path& executable, const Environment& environment) {
    std::vector<path> directories;
    std::string_view list;
    const auto given = environment("LEAT_PLUGIN_PATH");
    if (given) list = *given;
    while (!list.empty()) {
        const auto end = std::min(list.find(path_separator), list.size());
        if (end > 0) directories.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    for (const path& library_directory : library_directories(executable)) {
        const path directory = library_directory / "leat" / "plugins";
        if (std::find(directories.begin(), directories.end(), directory) == directories.end()) {
            directories.push_back(directory);
        }
    }
    return directories;
}

}  // namespace leat::plugin
