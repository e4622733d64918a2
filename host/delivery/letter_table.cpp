#include "delivery/letter_table.hpp"

#include <algorithm>
#include <utility>

#include "config/wording.hpp"
#include "delivery/bytes.hpp"
#include "delivery/state_lock.hpp"

namespace leat::delivery {
namespace {

constexpr auto all_columns =
    "letters.id, letters.pipeline, letters.stage, letters.component, letters.version, letters.reason, letters.\"row\", "
    "letters.raw, letters.bytes, schemas.bytes, letters.position, letters.run, letters.made, letters.edited_row, "
    "letters.edited, letters.segment, letters.replay, letters.replayed, letters.checksum, letters.sent "
    "FROM letters LEFT JOIN schemas ON schemas.id = letters.schema ";

constexpr auto behind = "(segment > ?2 OR (segment = ?2 AND (in_segment IS NULL OR in_segment >= ?3)))";

std::uint64_t checksum_of(std::string_view pipeline, std::string_view run, std::string_view made,
                          const DeadLetter& letter) {
    std::string bytes;
    for (const auto text :
         {pipeline, run, made, std::string_view(letter.stage), std::string_view(letter.component),
          std::string_view(letter.version), std::string_view(letter.reason), std::string_view(letter.row),
          std::string_view(letter.raw), std::string_view(letter.bytes),
          letter.schema ? std::string_view(*letter.schema) : std::string_view(), std::string_view(letter.position)})
        append_text(bytes, text);
    return checksum(bytes);
}

StoredLetter::State state_of(bool is_pending, bool has_replay, bool is_replayed) {
    if (is_pending) return StoredLetter::State::pending;
    if (!has_replay) return StoredLetter::State::open;
    return is_replayed ? StoredLetter::State::replayed : StoredLetter::State::replaying;
}

/// A row of all_columns.
StoredLetter letter_of(const Statement& row) {
    StoredLetter out;
    out.id = row.number(0);
    out.pipeline = row.text(1);
    auto& letter = out.letter;
    letter.stage = row.text(2);
    letter.component = row.text(3);
    letter.version = row.text(4);
    letter.reason = row.text(5);
    letter.row = row.text(6);
    letter.raw = row.blob(7);
    letter.bytes = row.blob(8);
    if (!row.is_null(9)) letter.schema = std::make_shared<const std::string>(row.blob(9));
    letter.position = row.blob(10);
    out.run = row.text(11);
    out.made = row.text(12);
    out.damaged = row.number(18) != checksum_of(out.pipeline, out.run, out.made, letter);
    out.edited = row.text(13);
    if (!row.is_null(14)) letter.bytes = row.blob(14);
    out.replay = row.number(16);
    out.replayed = row.text(17);
    out.state = state_of(!row.is_null(15), !row.is_null(16), !row.is_null(17));
    return out;
}

}  // namespace

const char* state_name(StoredLetter::State state) noexcept {
    switch (state) {
        case StoredLetter::State::open:
            return "open";
        case StoredLetter::State::pending:
            return "pending";
        case StoredLetter::State::replaying:
            return "replaying";
        case StoredLetter::State::replayed:
            return "replayed";
    }
    return "?";
}

struct LetterTable::Statements {
    Statement add, add_schema, find_schema, take_out, settle, settle_within, settle_all, drop, new_replay, begin_replay,
        edit, open_replays, next_of, end_replay, send, count_sent, next_sent;

    static Result<std::unique_ptr<Statements>> prepare(const Database& database) {
        const std::string columns = std::string("SELECT ") + all_columns;
        BOOST_OUTCOME_TRY(
            auto add,
            database.prepare("INSERT INTO letters (pipeline, lane, stage, component, version, reason, "
                             "\"row\", raw, schema, bytes, position, segment, in_segment, run, made, checksum) "
                             "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"));
        BOOST_OUTCOME_TRY(auto add_schema,
                          database.prepare("INSERT INTO schemas (bytes) VALUES (?1) ON CONFLICT DO NOTHING"));
        BOOST_OUTCOME_TRY(auto find_schema, database.prepare("SELECT id FROM schemas WHERE bytes = ?1"));
        BOOST_OUTCOME_TRY(auto take_out,
                          database.prepare(std::string("DELETE FROM letters WHERE lane = ?1 AND ") + behind));
        BOOST_OUTCOME_TRY(auto settle,
                          database.prepare(std::string("UPDATE letters SET segment = NULL, in_segment = NULL "
                                                       "WHERE lane = ?1 AND segment IS NOT NULL AND NOT ") +
                                           behind));
        BOOST_OUTCOME_TRY(auto settle_within,
                          database.prepare("UPDATE letters SET segment = NULL, in_segment = NULL WHERE lane = ?1 AND "
                                           "segment IS NOT NULL AND in_segment >= ?2 AND in_segment < ?3"));
        BOOST_OUTCOME_TRY(auto settle_all, database.prepare("UPDATE letters SET segment = NULL, in_segment = NULL "
                                                            "WHERE lane = ?1 AND segment IS NOT NULL"));
        BOOST_OUTCOME_TRY(auto drop, database.prepare("DELETE FROM letters WHERE id = ?1"));
        BOOST_OUTCOME_TRY(auto new_replay, database.prepare("INSERT INTO replays (begun) VALUES (?1)"));
        BOOST_OUTCOME_TRY(auto begin_replay, database.prepare("UPDATE letters SET replay = ?2 WHERE id = ?1 AND "
                                                              "replay IS NULL AND segment IS NULL"));
        BOOST_OUTCOME_TRY(auto edit, database.prepare("UPDATE letters SET edited_row = ?2, edited = ?3 WHERE id = ?1"));
        BOOST_OUTCOME_TRY(
            auto open_replays,
            database.prepare("SELECT replay, pipeline, stage, lane, count(*) FROM letters WHERE replay IS "
                             "NOT NULL AND replayed IS NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"));
        BOOST_OUTCOME_TRY(auto next_of,
                          database.prepare(columns + "WHERE replay = ?1 AND pipeline = ?2 AND stage = ?3 AND lane = ?4 "
                                                     "AND letters.id > ?5 ORDER BY letters.id LIMIT ?6"));
        BOOST_OUTCOME_TRY(auto end_replay, database.prepare("UPDATE letters SET replayed = ?5 WHERE replay = ?1 AND "
                                                            "pipeline = ?2 AND stage = ?3 AND lane = ?4"));
        BOOST_OUTCOME_TRY(auto send,
                          database.prepare("UPDATE letters SET sent = ?2 WHERE pipeline = ?1 AND sent IS NULL "
                                           "AND segment IS NULL AND lane NOT LIKE '%@dead'"));
        BOOST_OUTCOME_TRY(auto count_sent,
                          database.prepare("SELECT count(*) FROM letters WHERE pipeline = ?1 AND sent IS NOT NULL"));
        BOOST_OUTCOME_TRY(
            auto next_sent,
            database.prepare(
                std::string("SELECT ") + all_columns +
                "WHERE segment IS NULL AND pipeline = ?1 AND (sent > ?2 OR (sent = ?2 AND letters.id > ?3)) "
                "ORDER BY sent, letters.id LIMIT ?4"));
        return std::make_unique<Statements>(Statements{
            std::move(add), std::move(add_schema), std::move(find_schema), std::move(take_out), std::move(settle),
            std::move(settle_within), std::move(settle_all), std::move(drop), std::move(new_replay),
            std::move(begin_replay), std::move(edit), std::move(open_replays), std::move(next_of),
            std::move(end_replay), std::move(send), std::move(count_sent), std::move(next_sent)});
    }
};

LetterTable::LetterTable(Database& database, std::mutex& mutex, const Clock* clock,
                         std::unique_ptr<Statements> statements)
    : database_(database), mutex_(mutex), clock_(clock), statements_(std::move(statements)) {}
LetterTable::~LetterTable() = default;

Result<std::unique_ptr<LetterTable>> LetterTable::make(Database& database, std::mutex& mutex, const Clock* clock) {
    BOOST_OUTCOME_TRY(auto statements, Statements::prepare(database));
    return std::unique_ptr<LetterTable>(new LetterTable(database, mutex, clock, std::move(statements)));
}

// ---- Letters come in ------------------------------------------------------------------------------------------------

Result<> LetterTable::add(std::string_view pipeline, std::string_view lane, std::string_view run,
                          std::span<const DeadLetter> letters, bool durable) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRYV(database_.set_durable(durable));
    BOOST_OUTCOME_TRY(auto transaction, Database::Transaction::begin(database_));
    const auto made = utc_text(clock_->wall());
    for (const auto& letter : letters) {
        const auto added = add_one(pipeline, lane, run, made, letter);
        if (!added) {
            last_schema_.reset();  // it may be rolled back
            return added.error();
        }
    }
    auto committed = transaction.commit();
    if (!committed) last_schema_.reset();
    return committed;
}

Result<std::uint64_t> LetterTable::schema_id(const DeadLetter& letter) {
    // Letters come in batches, and those of one batch share their schema.
    if (letter.schema == last_schema_) return last_schema_id_;
    {
        const Statement::Use use(statements_->add_schema);
        statements_->add_schema.bind_blob(1, *letter.schema);
        BOOST_OUTCOME_TRYV(statements_->add_schema.run());
    }
    const auto& find = statements_->find_schema;
    const Statement::Use use(find);
    find.bind_blob(1, *letter.schema);
    BOOST_OUTCOME_TRYV(find.step());
    last_schema_ = letter.schema;
    last_schema_id_ = find.number(0);
    return last_schema_id_;
}

Result<> LetterTable::add_one(std::string_view pipeline, std::string_view lane, std::string_view run,
                              std::string_view made, const DeadLetter& letter) {
    std::optional<std::uint64_t> schema;
    if (letter.schema) {
        BOOST_OUTCOME_TRY(schema, schema_id(letter));
    }
    const auto& add = statements_->add;
    const Statement::Use use(add);
    add.bind_text(1, pipeline);
    add.bind_text(2, lane);
    add.bind_text(3, letter.stage);
    add.bind_text(4, letter.component);
    add.bind_text(5, letter.version);
    add.bind_text(6, letter.reason);
    if (letter.row.empty()) {
        add.bind_blob(8, letter.raw);
    } else {
        add.bind_text(7, letter.row);
    }
    if (schema) add.bind(9, *schema);
    if (schema && !letter.row.empty()) add.bind_blob(10, letter.bytes);
    add.bind_blob(11, letter.position);
    if (!lane.empty()) {
        add.bind(12, letter.place.segment);
        if (letter.place.row) add.bind(13, *letter.place.row);
    }
    add.bind_text(14, run);
    add.bind_text(15, made);
    add.bind(16, checksum_of(pipeline, run, made, letter));
    return add.run();
}

// ---- Letters are settled --------------------------------------------------------------------------------------------

Result<> LetterTable::go_on(std::string_view lane, Border from, std::span<const Span> ahead) {
    {
        const std::lock_guard lock(mutex_);
        BOOST_OUTCOME_TRYV(database_.set_durable(true));
        for (const auto& span : ahead) {
            const auto& settle = statements_->settle_within;
            const Statement::Use use(settle);
            settle.bind_text(1, lane);
            settle.bind(2, span.begin.rows);
            settle.bind(3, span.end.rows);
            BOOST_OUTCOME_TRYV(settle.run());
        }
        const auto& take_out = statements_->take_out;
        const Statement::Use use(take_out);
        take_out.bind_text(1, lane);
        take_out.bind(2, from.segment);
        take_out.bind(3, from.rows);
        BOOST_OUTCOME_TRYV(take_out.run());
    }
    return settle_all(lane);
}

Result<> LetterTable::settle(std::string_view lane, Border to) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRYV(database_.set_durable(true));
    const auto& settle = statements_->settle;
    const Statement::Use use(settle);
    settle.bind_text(1, lane);
    settle.bind(2, to.segment);
    settle.bind(3, to.rows);
    return settle.run();
}

Result<> LetterTable::settle_all(std::string_view lane) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRYV(database_.set_durable(true));
    const Statement::Use use(statements_->settle_all);
    statements_->settle_all.bind_text(1, lane);
    return statements_->settle_all.run();
}

// ---- Letters are looked at ------------------------------------------------------------------------------------------

Result<Statement> LetterTable::select(std::string_view what, const LetterFilter& filter) {
    std::string sql = "SELECT " + std::string(what) + "WHERE 1";
    if (!filter.pipeline.empty()) sql += " AND letters.pipeline = ?1";
    if (!filter.since.empty()) sql += " AND letters.made >= ?2";
    if (filter.id) sql += " AND letters.id = ?3";
    // A line break, for the expression may end with a comment.
    if (!filter.where.empty()) sql += " AND letters.id IN (SELECT id FROM dead WHERE (" + filter.where + "\n))";
    auto statement = database_.prepare(sql + " ORDER BY letters.id");
    if (!statement) {
        if (filter.where.empty()) return statement.error();
        return Error(Errc::configuration,
                     "where " + config::in_quotes(filter.where) + ": " + database_.last_message() +
                         "; it is an SQL expression over id, pipeline, stage, component, version, reason, row, raw, "
                         "position, run, made and state, such as: reason LIKE '%date%' AND row->>'$.amount' > 100");
    }
    statement.value().bind_text(1, filter.pipeline);
    statement.value().bind_text(2, filter.since);
    statement.value().bind(3, filter.id.value_or(0));
    return statement;
}

Result<> LetterTable::each(const LetterFilter& filter, const std::function<bool(StoredLetter)>& take) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRY(const auto statement, select(all_columns, filter));
    for (;;) {
        BOOST_OUTCOME_TRY(const bool row, statement.step());
        if (!row || !take(letter_of(statement))) return done();
    }
}

Result<std::uint64_t> LetterTable::count(const LetterFilter& filter) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRY(const auto statement, select("count(*) FROM letters ", filter));
    BOOST_OUTCOME_TRYV(statement.step());
    return statement.number(0);
}

// ---- What is done about letters -------------------------------------------------------------------------------------

Result<> LetterTable::run_for(std::span<const std::uint64_t> ids, const Statement& statement, std::uint64_t second,
                              std::uint64_t& changed) {
    BOOST_OUTCOME_TRYV(database_.set_durable(true));
    BOOST_OUTCOME_TRY(auto transaction, Database::Transaction::begin(database_));
    for (const auto id : ids) {
        const Statement::Use use(statement);
        statement.bind(1, id);
        if (second > 0) statement.bind(2, second);
        BOOST_OUTCOME_TRYV(statement.run());
        changed += database_.changes();
    }
    return transaction.commit();
}

Result<std::uint64_t> LetterTable::drop(std::span<const std::uint64_t> ids) {
    const std::lock_guard lock(mutex_);
    std::uint64_t dropped = 0;
    BOOST_OUTCOME_TRYV(run_for(ids, statements_->drop, 0, dropped));
    return dropped;
}

Result<std::uint64_t> LetterTable::new_number() {
    BOOST_OUTCOME_TRYV(database_.set_durable(true));
    const auto now = utc_text(clock_->wall());
    const Statement::Use use(statements_->new_replay);
    statements_->new_replay.bind_text(1, now);
    BOOST_OUTCOME_TRYV(statements_->new_replay.run());
    return database_.last_inserted();
}

Result<std::uint64_t> LetterTable::send(std::string_view pipeline) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRY(const auto number, new_number());
    {
        const Statement::Use use(statements_->send);
        statements_->send.bind_text(1, pipeline);
        statements_->send.bind(2, number);
        BOOST_OUTCOME_TRYV(statements_->send.run());
    }
    const Statement::Use use(statements_->count_sent);
    statements_->count_sent.bind_text(1, pipeline);
    BOOST_OUTCOME_TRYV(statements_->count_sent.step());
    return statements_->count_sent.number(0);
}

Result<std::vector<std::pair<LetterTable::Sent, StoredLetter>>> LetterTable::next_sent(std::string_view pipeline,
                                                                                       const Sent& after,
                                                                                       std::size_t most) {
    const std::lock_guard lock(mutex_);
    const auto& next = statements_->next_sent;
    const Statement::Use use(next);
    next.bind_text(1, pipeline);
    next.bind(2, after.number);
    next.bind(3, after.id);
    next.bind(4, most);
    std::vector<std::pair<Sent, StoredLetter>> out;
    for (;;) {
        BOOST_OUTCOME_TRY(const bool row, next.step());
        if (!row) return out;
        auto letter = letter_of(next);
        if (letter.damaged) return damaged(letter.id);
        const Sent place{next.number(19), letter.id};
        out.emplace_back(place, std::move(letter));
    }
}

Error LetterTable::damaged(std::uint64_t id) const {
    return database_.failure("dead letter " + std::to_string(id) +
                             " is damaged; restore it from a backup, or forget it with leat dead drop " +
                             std::to_string(id));
}

Result<std::uint64_t> LetterTable::begin_replay(std::span<const std::uint64_t> ids) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRY(const auto number, new_number());
    std::uint64_t begun = 0;
    BOOST_OUTCOME_TRYV(run_for(ids, statements_->begin_replay, number, begun));
    return number;
}

Result<> LetterTable::edit(const std::map<std::uint64_t, Edit>& edits) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRYV(database_.set_durable(true));
    BOOST_OUTCOME_TRY(auto transaction, Database::Transaction::begin(database_));
    for (const auto& [id, edit] : edits) {
        const auto& statement = statements_->edit;
        const Statement::Use use(statement);
        statement.bind(1, id);
        statement.bind_text(2, edit.row);
        statement.bind_blob(3, edit.bytes);
        BOOST_OUTCOME_TRYV(statement.run());
    }
    return transaction.commit();
}

Result<std::vector<LetterTable::Replay>> LetterTable::open_replays() {
    const std::lock_guard lock(mutex_);
    const auto& list = statements_->open_replays;
    const Statement::Use use(list);
    std::vector<Replay> out;
    for (;;) {
        BOOST_OUTCOME_TRY(const bool row, list.step());
        if (!row) return out;
        out.push_back({list.number(0), std::string(list.text(1)), std::string(list.text(2)), std::string(list.text(3)),
                       list.number(4)});
    }
}

Result<std::vector<StoredLetter>> LetterTable::next_of(const Replay& replay, std::uint64_t after, std::size_t most) {
    const std::lock_guard lock(mutex_);
    const auto& next = statements_->next_of;
    const Statement::Use use(next);
    next.bind(1, replay.number);
    next.bind_text(2, replay.pipeline);
    next.bind_text(3, replay.stage);
    next.bind_text(4, replay.lane);
    next.bind(5, after);
    next.bind(6, most);
    std::vector<StoredLetter> out;
    for (;;) {
        BOOST_OUTCOME_TRY(const bool row, next.step());
        if (!row) return out;
        out.push_back(letter_of(next));
        if (out.back().damaged) return damaged(out.back().id);
    }
}

Result<> LetterTable::end_replay(const Replay& replay) {
    const std::lock_guard lock(mutex_);
    BOOST_OUTCOME_TRYV(database_.set_durable(true));
    const auto now = utc_text(clock_->wall());
    const auto& end = statements_->end_replay;
    const Statement::Use use(end);
    end.bind(1, replay.number);
    end.bind_text(2, replay.pipeline);
    end.bind_text(3, replay.stage);
    end.bind_text(4, replay.lane);
    end.bind_text(5, now);
    return end.run();
}

}  // namespace leat::delivery
