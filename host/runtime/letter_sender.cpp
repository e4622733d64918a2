#include "runtime/letter_sender.hpp"

#include <array>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>
#include <charconv>
#include <utility>

#include "base/utf8.hpp"
#include "delivery/bytes.hpp"
#include "delivery/row_builder.hpp"
#include "delivery/state_store.hpp"
#include "runtime/own_source.hpp"

namespace leat::runtime {
namespace {

constexpr std::size_t letters_at_once = 1'000;

/// "ARROW:extension:name" = "arrow.json", as Arrow lays it out: numbers of four bytes before the texts.
std::string json_metadata() {
    std::string out;
    delivery::append_number(out, 1, 4);
    delivery::append_text(out, "ARROW:extension:name");
    delivery::append_text(out, "arrow.json");
    return out;
}

Schema letter_schema() {
    static constexpr std::array<std::pair<const char*, const char*>, 12> columns{{{"id", "l"},
                                                                                  {"pipeline", "u"},
                                                                                  {"stage", "u"},
                                                                                  {"component", "u"},
                                                                                  {"version", "u"},
                                                                                  {"reason", "u"},
                                                                                  {"row", "u"},
                                                                                  {"raw", "u"},
                                                                                  {"raw_hex", "u"},
                                                                                  {"position_hex", "u"},
                                                                                  {"run", "u"},
                                                                                  {"made", "u"}}};
    const auto keeps = [](ArrowSchema* of) { of->release = nullptr; };
    const auto json = json_metadata();
    std::array<ArrowSchema, columns.size()> nodes{};
    std::array<ArrowSchema*, columns.size()> children{};
    for (std::size_t i = 0; i < columns.size(); ++i) {
        nodes[i].name = columns[i].first;
        nodes[i].format = columns[i].second;
        nodes[i].flags = ARROW_FLAG_NULLABLE;
        if (std::string_view(columns[i].first) == "row") nodes[i].metadata = json.c_str();
        nodes[i].release = keeps;
        children[i] = &nodes[i];
    }
    ArrowSchema root{};
    root.format = "+s";
    root.name = "";
    root.n_children = static_cast<std::int64_t>(children.size());
    root.children = children.data();
    root.release = keeps;
    return Schema::copy(root).value();  // ours, so it is legal
}

class SenderSource {
public:
    explicit SenderSource(leat_ctx* ctx)
        : directory_(own_source::text(ctx, "/state")),
          pipeline_(own_source::text(ctx, "/pipeline")),
          schema_(letter_schema()) {}

    Result<> open(std::string_view resume) {
        // "NUMBER ID", as it was put out.
        const auto* const end = resume.data() + resume.size();
        const auto* const at = std::from_chars(resume.data(), end, after_.number).ptr;
        if (at != end) std::from_chars(at + 1, end, after_.id);
        BOOST_OUTCOME_TRY(store_, delivery::StateStore::open_to_read(directory_));
        return done();
    }
    void close() { store_.reset(); }

    leat_status read(leat_ctx* ctx) {
        const auto next = store_->letters().next_sent(pipeline_, after_, letters_at_once);
        if (!next) return own_source::fail(ctx, next.error());
        if (next.value().empty()) return LEAT_END;
        delivery::RowBuilder rows(schema_);
        for (const auto& [place, letter] : next.value()) {
            after_ = place;
            if (const auto added = rows.add_json(json_of(letter)); !added) return own_source::fail(ctx, added.error());
        }
        return own_source::emit(ctx, schema_, rows.finish(),
                                std::to_string(after_.number) + ' ' + std::to_string(after_.id));
    }

private:
    static std::string quoted(std::string_view text) { return boost::json::serialize(boost::json::string(text)); }

    /// What is no text is told in hexadecimal.
    static std::string readable(std::string_view text) {
        return quoted(is_utf8(text.data(), text.size()) ? std::string(text) : delivery::hex(text));
    }

    static std::string json_of(const delivery::StoredLetter& stored) {
        const auto& letter = stored.letter;
        std::string out = "{\"id\":" + std::to_string(stored.id);
        const auto add = [&](const char* name, const std::string& json) {
            out += std::string(",\"") + name + "\":" + json;
        };
        add("pipeline", quoted(stored.pipeline));
        add("stage", quoted(letter.stage));
        add("component", quoted(letter.component));
        add("version", readable(letter.version));
        add("reason", readable(letter.reason));
        if (!letter.row.empty()) {
            add("row", letter.row);
        } else {
            const bool is_text = is_utf8(letter.raw.data(), letter.raw.size());
            add(is_text ? "raw" : "raw_hex", readable(letter.raw));
        }
        add("position_hex", quoted(delivery::hex(letter.position)));
        add("run", quoted(stored.run));
        add("made", quoted(stored.made));
        return out + '}';
    }

    const std::filesystem::path directory_;
    const std::string pipeline_;
    const Schema schema_;
    std::unique_ptr<delivery::StateStore> store_;
    delivery::LetterTable::Sent after_;
};

}  // namespace

LetterSender::LetterSender(const config::PipelineSettings& pipeline, const std::filesystem::path& state)
    : settings_(pipeline),
      manifest_(own_source::manifest<SenderSource>("dead-letters", "Reads dead letters as rows of their own")) {
    settings_.dead_letters = {};
    settings_.dead_letters.rows = 0;  // one that its sink does not take must be told
    source_.id = manifest_.components.front().id;
    source_.value = boost::json::object{{"state", state.string()}, {"pipeline", pipeline.name}};
}

PipelinePlan LetterSender::plan(PipelinePlan of_pipeline) const {
    auto out = std::move(of_pipeline);
    out.settings = &settings_;
    out.run.reset();
    out.transforms.clear();
    out.extract = StagePlan{"extract", &manifest_.components.front(), &source_, source_.value, {}};
    out.load = std::move(out.dead_letters);
    out.dead_letters.reset();
    out.bucket.workers = 1;
    return out;
}

}  // namespace leat::runtime
