#include <algorithm>
#include <boost/json/parse.hpp>
#include <fstream>
#include <map>
#include <ostream>
#include <set>

#include "cli/dead_view.hpp"
#include "cli/session.hpp"
#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "config/wording.hpp"
#include "delivery/json_tree.hpp"
#include "delivery/row_builder.hpp"
#include "delivery/row_bytes.hpp"
#include "runtime/letters_source.hpp"

namespace leat::cli {
namespace {

using delivery::StoredLetter;

using Edit = delivery::LetterTable::Edit;

/// What dead export has written, and somebody has worked on.
struct Edited {
    std::set<std::uint64_t> ids;         // of all lines
    std::map<std::uint64_t, Edit> rows;  // that are others now
};

Result<StoredLetter> letter_of(delivery::LetterTable& letters, std::uint64_t id) {
    std::optional<StoredLetter> found;
    delivery::LetterFilter filter;
    filter.id = id;
    BOOST_OUTCOME_TRYV(letters.each(filter, [&](StoredLetter one) {
        found = std::move(one);
        return true;
    }));
    if (!found) return Error(Errc::configuration, "there is no dead letter " + std::to_string(id) + " any more");
    return std::move(*found);
}

std::string bytes_of_first(const Schema& schema, delivery::RowBuilder& rows) {
    auto array = rows.finish();
    auto out = delivery::row_bytes(schema, array, 0);
    array.release(&array);
    return out;
}

Result<> read_line(const std::string& line, delivery::LetterTable& letters, Edited& out) {
    BOOST_OUTCOME_TRY(const auto tree, delivery::JsonTree::parse(line));
    const auto value_of = [&](std::string_view key) -> const delivery::JsonTree* {
        const auto at = std::find(tree.keys.begin(), tree.keys.end(), key);
        return at == tree.keys.end() ? nullptr : &tree.items[static_cast<std::size_t>(at - tree.keys.begin())];
    };
    const auto* const number = value_of("id");
    const auto* const row = value_of("row");
    if (!number || number->kind != delivery::JsonTree::Kind::number)
        return Error(Errc::configuration, "it has no \"id\"; write into lines that leat dead export has made");
    const auto id = std::strtoull(number->text.c_str(), nullptr, 10);
    BOOST_OUTCOME_TRY(const auto letter, letter_of(letters, id));
    if (!out.ids.insert(id).second)
        return Error(Errc::configuration, "dead letter " + number->text + " is there twice");
    const bool is_raw = letter.letter.row.empty();
    const bool is_left = is_raw && (!row || row->kind == delivery::JsonTree::Kind::null);
    if (is_left || (!is_raw && !letter.letter.schema)) return done();  // told as one that cannot be replayed
    if (!letter.letter.schema) {
        return Error(Errc::configuration, "dead letter " + number->text +
                                              " is a raw record of which no row can be made, for its columns are not "
                                              "known: its source had given no row yet; load it from a file of its own");
    }
    if (!row || row->kind != delivery::JsonTree::Kind::object)
        return Error(Errc::configuration, "it has no \"row\" that is an object");
    Edit edit{row->serialized(), {}};
    BOOST_OUTCOME_TRY(const auto schema, delivery::schema_of(*letter.letter.schema));
    delivery::RowBuilder rows(schema);
    BOOST_OUTCOME_TRYV(rows.add_json(edit.row));
    edit.bytes = bytes_of_first(schema, rows);
    if (edit.bytes != letter.letter.bytes) out.rows.emplace(id, std::move(edit));
    return done();
}

/// All lines, or all that is wrong with them.
Result<Edited> read_edited(const std::filesystem::path& file, delivery::LetterTable& letters) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return Error(Errc::io, "cannot read " + file.string() + "; does it exist?");
    Edited out;
    std::string line;
    std::string wrong;
    for (std::size_t number = 1; std::getline(in, line); ++number) {
        if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
        if (const auto read = read_line(line, letters, out); !read)
            wrong +=
                (wrong.empty() ? "" : "\n") + file.string() + ":" + std::to_string(number) + ": " + read.error().text();
    }
    if (in.bad()) return Error(Errc::io, "cannot read " + file.string());
    if (!wrong.empty()) return Error(Errc::configuration, wrong);
    return out;
}

/// The letters that will be replayed, and how many will not, by the reason why.
struct Choice {
    std::vector<std::uint64_t> ids;
    std::map<std::string, std::uint64_t> left_out;
};

const char* why_not(const StoredLetter& letter, bool has_edit, const config::Settings& settings) {
    const auto pipeline =
        std::find_if(settings.pipelines.begin(), settings.pipelines.end(),
                     [&](const config::PipelineSettings& one) { return one.name == letter.pipeline; });
    if (letter.damaged) return "damaged; restore the state from a backup";
    if (letter.state == StoredLetter::State::pending)
        return "of rows that the pipeline reads again; run it to its end first";
    if (letter.state == StoredLetter::State::replaying) return "in a replay that has begun already";
    if (letter.state == StoredLetter::State::replayed) return "replayed already";
    const bool is_raw = letter.letter.row.empty();
    const bool is_mended = has_edit || !letter.edited.empty();
    if (is_raw && !is_mended) {
        return "raw records, which never became rows; give each its \"row\" in what leat dead export writes, and "
               "replay that with --edited";
    }
    if (!is_raw && letter.letter.bytes.empty()) return "of types that cannot be kept without loss";
    if (pipeline == settings.pipelines.end()) return "of pipelines that the configuration does not have";
    if (pipeline->run) return "of components that are a whole pipeline, which they cannot enter in the middle";
    return nullptr;
}

Result<Choice> choose(const delivery::LetterFilter& filter, const Edited* edited, delivery::LetterTable& letters,
                      const config::Settings& settings) {
    Choice out;
    BOOST_OUTCOME_TRYV(letters.each(filter, [&](const StoredLetter& one) {
        if (edited && edited->ids.count(one.id) == 0) return true;
        const bool has_edit = edited && edited->rows.count(one.id) > 0;
        if (const auto* const why = why_not(one, has_edit, settings)) {
            ++out.left_out[why];
        } else {
            out.ids.push_back(one.id);
        }
        return true;
    }));
    return out;
}

/// With no limit of dead letters: those that fail again are no news.
config::Settings for_replay(config::Settings settings) {
    for (auto& pipeline : settings.pipelines) {
        pipeline.dead_letters.rows = UINT64_MAX;
        pipeline.dead_letters.fraction.reset();
    }
    return settings;
}

}  // namespace

Exit dead_replay(const DeadReplayArguments& verb, const Arguments& arguments, const Console& console) {
    const auto filter = filter_of(verb.filter, SystemClock().wall());
    if (!filter) return console.fail(filter.error());
    auto run = verb.run;
    run.state = verb.filter.state;
    // Looked at first, so that a directory that has nothing is not made one with a state.
    if (const auto seen = delivery::StateStore::open_to_read(run.state); !seen) return console.fail(seen.error());
    auto begun = Session::begin(ConfigurationFile{run.file}, run, arguments, console);
    if (const auto* const code = std::get_if<Exit>(&begun)) return *code;
    auto& session = *std::get<std::unique_ptr<Session>>(begun);
    auto& letters = session.state()->letters();
    const auto settings = for_replay(session.settings());

    std::optional<Edited> edited;
    if (!verb.edited.empty()) {
        auto read = read_edited(verb.edited, letters);
        if (!read) return console.fail(read.error());
        edited = std::move(read).value();
    }
    const auto chosen = choose(filter.value(), edited ? &*edited : nullptr, letters, settings);
    if (!chosen) return console.fail(chosen.error());
    for (const auto& [why, count] : chosen.value().left_out)
        console.err << letters_text(count) << " left out: " << why << '\n';
    const std::set<std::uint64_t> ids(chosen.value().ids.begin(), chosen.value().ids.end());
    if (edited) {
        std::erase_if(edited->rows, [&](const auto& edit) { return ids.count(edit.first) == 0; });
        if (const auto stored = letters.edit(edited->rows); !stored) return console.fail(stored.error());
    }
    if (!ids.empty()) {
        if (const auto number = letters.begin_replay(chosen.value().ids); !number) return console.fail(number.error());
    }
    // One that was begun before, and did not come to its end, goes on first.
    auto replays = letters.open_replays();
    if (!replays) return console.fail(replays.error());
    runtime::RunReceipt receipt;
    bool abandoned = false;
    for (const auto& letters_of_stage : replays.value()) {
        const bool is_ours = std::any_of(settings.pipelines.begin(), settings.pipelines.end(),
                                         [&](const auto& one) { return one.name == letters_of_stage.pipeline; });
        if (!is_ours || session.is_stopped()) continue;
        const runtime::Replay replay(letters_of_stage, run.state);
        session.log().tell(
            "letters-replayed",
            "replays " + letters_text(letters_of_stage.letters) + " from stage " + letters_of_stage.stage,
            {{"pipeline", letters_of_stage.pipeline}, {"letters", letters_of_stage.letters}});
        auto made = runtime::Manager::make(settings, session.catalog(), session.log(),
                                           {.run_directory = session.run_directory(),
                                            .state = session.state(),
                                            .replay = &replay,
                                            .seed = session.seed()});
        if (!made) return console.fail(made.error());
        auto manager = std::move(made).value();
        auto one = session.run(*manager);
        abandoned = abandoned || manager->abandoned() > 0;
        if (receipt.started.empty()) receipt.started = one.started;
        receipt.seconds += one.seconds;
        const bool is_done = one.pipelines.size() == 1 && one.pipelines.front().outcome == runtime::Outcome::done;
        std::move(one.pipelines.begin(), one.pipelines.end(), std::back_inserter(receipt.pipelines));
        if (is_done) {
            if (const auto ended = letters.end_replay(letters_of_stage); !ended) return console.fail(ended.error());
        } else {
            console.err << "replay " << letters_of_stage.number << " of pipeline "
                        << config::in_quotes(letters_of_stage.pipeline)
                        << " did not come to its end; the next leat dead replay goes on with it\n";
        }
    }
    if (receipt.pipelines.empty()) {
        (verb.filter.json ? console.err : console.out) << "no dead letters to replay\n";
        return session.is_stopped() ? Exit::stopped : Exit::done;
    }
    return session.end(receipt, verb.filter.json, abandoned);
}

}  // namespace leat::cli
