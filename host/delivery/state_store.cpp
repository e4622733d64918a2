#include "delivery/state_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <mutex>

#include "config/wording.hpp"
#include "delivery/bytes.hpp"
#include "delivery/database.hpp"
#include "delivery/state_lock.hpp"

namespace leat::delivery {
namespace {

// A step, once released, is never changed: the next one changes what it made.
constexpr std::array<const char*, 3> steps = {
    // lane: "PIPELINE/COMPONENT", empty for the state of a runner, which is the position then. checksum: of all columns
    // before it, since SQLite has none of its own, and a position with a wrong bit would lose rows.
    R"(CREATE TABLE checkpoints (
        pipeline TEXT NOT NULL,
        lane TEXT NOT NULL,
        bucket INTEGER NOT NULL,
        position BLOB NOT NULL,
        skip INTEGER NOT NULL,
        complete INTEGER NOT NULL,
        source TEXT NOT NULL,
        states BLOB NOT NULL,
        updated TEXT NOT NULL,
        checksum INTEGER NOT NULL,
        PRIMARY KEY (pipeline, lane)
    ) STRICT)",
    // letters: "row" is for people, bytes (by their schema) without loss; segment is set as long as the letter's row
    // may
    // come again; a replay has a number that is never used twice; sent is such a number too, of those that went to a
    // sink together.
    R"(ALTER TABLE checkpoints ADD COLUMN segment INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE checkpoints ADD COLUMN replay BLOB NOT NULL DEFAULT x'';
    CREATE TABLE schemas (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL UNIQUE) STRICT;
    CREATE TABLE replays (id INTEGER PRIMARY KEY AUTOINCREMENT, begun TEXT NOT NULL) STRICT;
    CREATE TABLE letters (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        pipeline TEXT NOT NULL,
        lane TEXT NOT NULL,
        stage TEXT NOT NULL,
        component TEXT NOT NULL,
        version TEXT NOT NULL,
        reason TEXT NOT NULL,
        "row" TEXT,
        raw BLOB,
        schema INTEGER REFERENCES schemas (id),
        bytes BLOB,
        position BLOB NOT NULL,
        segment INTEGER,
        in_segment INTEGER,
        run TEXT NOT NULL,
        made TEXT NOT NULL,
        checksum INTEGER NOT NULL,
        edited_row TEXT,
        edited BLOB,
        replay INTEGER REFERENCES replays (id),
        replayed TEXT,
        sent INTEGER
    ) STRICT;
    CREATE INDEX letters_of_pipeline ON letters (pipeline);
    CREATE INDEX letters_to_settle ON letters (lane, segment) WHERE segment IS NOT NULL;
    CREATE INDEX letters_to_send ON letters (pipeline, sent, id) WHERE segment IS NULL;
    CREATE INDEX letters_to_replay ON letters (replay) WHERE replay IS NOT NULL AND replayed IS NULL;
    CREATE VIEW dead AS SELECT id, pipeline, stage, component, version, reason, coalesce(edited_row, "row") AS "row",
        raw, position, run, made,
        CASE WHEN segment IS NOT NULL THEN 'pending' WHEN replay IS NULL THEN 'open'
             WHEN replayed IS NULL THEN 'replaying' ELSE 'replayed' END AS state
        FROM letters;
    CREATE TABLE receipts (
        id INTEGER PRIMARY KEY,
        run TEXT NOT NULL UNIQUE,
        started TEXT NOT NULL,
        json TEXT NOT NULL,
        checksum INTEGER NOT NULL
    ) STRICT)",
    // in_segment of letters counts all rows from here on, as `rows` does.
    "ALTER TABLE checkpoints ADD COLUMN rows INTEGER NOT NULL DEFAULT 0",
};
constexpr std::uint32_t application = 0x4C656174;  // "Leat"

constexpr auto columns =
    "pipeline, lane, bucket, position, skip, complete, source, states, updated, checksum, segment, replay, "
    "rows";

Layout layout() {
    return {application, steps};
}

std::filesystem::path database_file(const std::filesystem::path& directory) {
    return directory / "state.db";
}

// Behind the name of a lane: what is written before a commit that may never happen.
constexpr std::string_view of_ahead = "@ahead";

std::string_view pipeline_of(std::string_view lane) {
    return lane.substr(0, lane.find('/'));
}

std::uint64_t checksum_of(std::string_view pipeline, std::string_view lane, const Checkpoint& checkpoint,
                          std::string_view updated) {
    std::string bytes;
    append_text(bytes, pipeline);
    append_text(bytes, lane);
    append_number(bytes, checkpoint.bucket, 8);
    append_text(bytes, checkpoint.position);
    append_number(bytes, checkpoint.skip, 8);
    append_number(bytes, checkpoint.complete ? 1 : 0, 1);
    append_text(bytes, checkpoint.source);
    append_texts(bytes, checkpoint.states);
    append_text(bytes, updated);
    // Entries of before these were kept have none of them.
    if (checkpoint.segment > 0) append_number(bytes, checkpoint.segment, 8);
    if (!checkpoint.replay.empty()) append_text(bytes, checkpoint.replay);
    if (checkpoint.rows > 0) append_number(bytes, checkpoint.rows, 8);
    return checksum(bytes);
}

/// So that the names in it survive a power cut; where that cannot be asked for, the file system sees to it or nobody.
void make_names_durable(const std::filesystem::path& directory) {
    const int descriptor = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
}

struct Statements {
    Statement find;
    Statement list;
    Statement save;
    Statement reset;
    Statement reset_letters;

    static Result<Statements> prepare(const Database& database) {
        const std::string select = std::string("SELECT ") + columns + " FROM checkpoints ";
        BOOST_OUTCOME_TRY(auto find, database.prepare(select + "WHERE pipeline = ?1 AND lane = ?2"));
        BOOST_OUTCOME_TRY(auto list, database.prepare(select + "ORDER BY pipeline, lane"));
        // Not INSERT OR REPLACE, which would write the index of the keys as well.
        BOOST_OUTCOME_TRY(
            auto save,
            database.prepare(std::string("INSERT INTO checkpoints (") + columns +
                             ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13) ON CONFLICT DO "
                             "UPDATE SET bucket = ?3, position = ?4, skip = ?5, complete = "
                             "?6, source = ?7, states = ?8, updated = ?9, checksum = ?10, segment = ?11, "
                             "replay = ?12, rows = ?13"));
        BOOST_OUTCOME_TRY(auto reset, database.prepare("DELETE FROM checkpoints WHERE pipeline = ?1"));
        BOOST_OUTCOME_TRY(auto reset_letters,
                          database.prepare("DELETE FROM letters WHERE pipeline = ?1 AND segment IS NOT NULL"));
        return Statements{std::move(find), std::move(list), std::move(save), std::move(reset),
                          std::move(reset_letters)};
    }
};

class Store final : public StateStore {
public:
    /// `clock` and the lock are those of a host; who only reads has neither.
    Store(std::filesystem::path directory, std::optional<StateLock> lock, const Clock* clock,
          std::unique_ptr<Database> database, Statements statements)
        : directory_(std::move(directory)),
          lock_(std::move(lock)),
          clock_(clock),
          database_(std::move(database)),
          statements_(std::move(statements)) {}

    static Result<std::unique_ptr<StateStore>> make(const std::filesystem::path& directory,
                                                    std::optional<StateLock> lock, const Clock* clock,
                                                    std::unique_ptr<Database> database) {
        BOOST_OUTCOME_TRY(auto statements, Statements::prepare(*database));
        auto out =
            std::make_unique<Store>(directory, std::move(lock), clock, std::move(database), std::move(statements));
        BOOST_OUTCOME_TRY(out->letters_, LetterTable::make(*out->database_, out->mutex_, clock));
        BOOST_OUTCOME_TRY(out->receipts_, ReceiptTable::make(*out->database_, out->mutex_));
        return out;
    }

    const std::filesystem::path& directory() const noexcept override { return directory_; }
    LetterTable& letters() noexcept override { return *letters_; }
    ReceiptTable& receipts() noexcept override { return *receipts_; }

    Result<std::optional<Checkpoint>> checkpoint(std::string_view lane) override {
        const std::lock_guard lock(mutex_);
        return find(pipeline_of(lane), lane);
    }

    Result<> save(std::string_view lane, const Checkpoint& checkpoint, bool durable) override {
        const std::lock_guard lock(mutex_);
        return store(pipeline_of(lane), lane, checkpoint, durable);
    }

    Result<> save_ahead(std::string_view lane, const Checkpoint& checkpoint) override {
        const std::lock_guard lock(mutex_);
        return store(pipeline_of(lane), std::string(lane) + std::string(of_ahead), checkpoint, true);
    }
    Result<std::optional<Checkpoint>> checkpoint_ahead(std::string_view lane) override {
        const std::lock_guard lock(mutex_);
        return find(pipeline_of(lane), std::string(lane) + std::string(of_ahead));
    }

    Result<std::string> runner_state(std::string_view pipeline) override {
        const std::lock_guard lock(mutex_);
        BOOST_OUTCOME_TRY(auto found, find(pipeline, {}));
        return found ? std::move(found->position) : std::string();
    }

    Result<> save_runner_state(std::string_view pipeline, std::string_view state) override {
        const std::lock_guard lock(mutex_);
        Checkpoint checkpoint;
        checkpoint.position = state;
        return store(pipeline, {}, checkpoint, true);
    }

    Result<std::vector<Entry>> entries() override {
        const std::lock_guard lock(mutex_);
        const Statement::Use use(statements_.list);
        std::vector<Entry> out;
        for (;;) {
            BOOST_OUTCOME_TRY(const bool row, statements_.list.step());
            if (!row) return out;
            auto entry = entry_of(statements_.list);
            if (!entry.lane.ends_with(of_ahead)) out.push_back(std::move(entry));
        }
    }

    Result<bool> reset(std::string_view pipeline) override {
        const std::lock_guard lock(mutex_);
        BOOST_OUTCOME_TRYV(database_->set_durable(true));
        BOOST_OUTCOME_TRY(auto transaction, Database::Transaction::begin(*database_));
        bool any = false;
        for (const auto* const statement : {&statements_.reset, &statements_.reset_letters}) {
            const Statement::Use use(*statement);
            statement->bind_text(1, pipeline);
            BOOST_OUTCOME_TRYV(statement->run());
            any = any || database_->changes() > 0;
        }
        BOOST_OUTCOME_TRYV(transaction.commit());
        return any;
    }

private:
    Result<std::optional<Checkpoint>> find(std::string_view pipeline, std::string_view lane) {
        const Statement::Use use(statements_.find);
        statements_.find.bind_text(1, pipeline);
        statements_.find.bind_text(2, lane);
        BOOST_OUTCOME_TRY(const bool row, statements_.find.step());
        if (!row) return std::optional<Checkpoint>();
        auto entry = entry_of(statements_.find);
        if (!entry.damaged) return std::optional(std::move(entry.checkpoint));
        return database_->failure("what it has of " + config::in_quotes(lane.empty() ? pipeline : lane) +
                                  " is damaged; restore it from a backup, or forget it with leat state reset " +
                                  config::printable(pipeline));
    }

    Result<> store(std::string_view pipeline, std::string_view lane, const Checkpoint& checkpoint, bool durable) {
        BOOST_OUTCOME_TRYV(database_->set_durable(durable));
        const auto updated = utc_text(clock_->wall());
        const auto& save = statements_.save;
        const Statement::Use use(save);
        save.bind_text(1, pipeline);
        save.bind_text(2, lane);
        save.bind(3, checkpoint.bucket);
        save.bind_blob(4, checkpoint.position);
        save.bind(5, checkpoint.skip);
        save.bind(6, checkpoint.complete ? 1 : 0);
        save.bind_text(7, checkpoint.source);
        std::string states;
        append_texts(states, checkpoint.states);
        save.bind_blob(8, states);
        save.bind_text(9, updated);
        save.bind(10, checksum_of(pipeline, lane, checkpoint, updated));
        save.bind(11, checkpoint.segment);
        save.bind_blob(12, checkpoint.replay);
        save.bind(13, checkpoint.rows);
        return save.run();
    }

    static Entry entry_of(const Statement& row) {
        Entry out;
        out.pipeline = row.text(0);
        out.lane = row.text(1);
        out.checkpoint.bucket = row.number(2);
        out.checkpoint.position = row.blob(3);
        out.checkpoint.skip = row.number(4);
        out.checkpoint.complete = row.number(5) != 0;
        out.checkpoint.source = row.text(6);
        out.checkpoint.states = BytesReader(row.blob(7)).texts();
        out.updated = row.text(8);
        out.checkpoint.segment = row.number(10);
        out.checkpoint.replay = row.blob(11);
        out.checkpoint.rows = row.number(12);
        out.damaged = row.number(9) != checksum_of(out.pipeline, out.lane, out.checkpoint, out.updated);
        return out;
    }

    const std::filesystem::path directory_;
    const std::optional<StateLock> lock_;  // given back when all else is closed
    const Clock* const clock_;
    const std::unique_ptr<Database> database_;
    const Statements statements_;
    std::mutex mutex_;  // for the connection
    std::unique_ptr<LetterTable> letters_;
    std::unique_ptr<ReceiptTable> receipts_;
};

}  // namespace

Result<std::unique_ptr<StateStore>> StateStore::open(const std::filesystem::path& directory, const Clock& clock) {
    std::error_code error;
    std::filesystem::create_directories(directory, error);
    if (error) {
        return Error(Errc::io, "cannot make the state directory " + directory.string() + ": " + error.message() +
                                   "; choose a directory that can be written with --state");
    }
    BOOST_OUTCOME_TRY(auto lock, StateLock::take(directory, clock));
    BOOST_OUTCOME_TRY(auto database, Database::open(database_file(directory), layout()));
    make_names_durable(directory);
    make_names_durable(directory / "..");
    return Store::make(directory, std::move(lock), &clock, std::move(database));
}

Result<std::unique_ptr<StateStore>> StateStore::open_to_read(const std::filesystem::path& directory) {
    BOOST_OUTCOME_TRY(auto database, Database::open_to_read(database_file(directory), layout()));
    if (!database) {
        return Error(Errc::io, "there is no state in " + directory.string() + ": nothing has run there yet");
    }
    return Store::make(directory, std::nullopt, nullptr, std::move(database));
}

}  // namespace leat::delivery
