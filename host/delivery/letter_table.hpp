// The dead letters of a state directory: kept until somebody says that they may go.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "delivery/border.hpp"
#include "delivery/database.hpp"
#include "delivery/dead_letter.hpp"

namespace leat::delivery {

/// A letter as it is kept.
struct StoredLetter {
    std::uint64_t id = 0;
    std::string pipeline;
    DeadLetter letter;   ///< without its place
    std::string run;     ///< in which it was made: the name of its directory
    std::string made;    ///< RFC 3339, UTC
    std::string edited;  ///< JSON of the row as somebody has mended it; empty: nobody has
    enum class State {
        open,       ///< nobody has done anything about it
        pending,    ///< its row has not been settled: the next run of its pipeline reads it again
        replaying,  ///< a replay has begun and not ended
        replayed,   ///< its row has gone through its pipeline again; what came of that is in other letters
    } state = State::open;
    std::uint64_t replay = 0;  ///< the number of that replay
    std::string replayed;      ///< when that ended; empty: it has not
    bool damaged = false;      ///< its checksum is wrong
};
const char* state_name(StoredLetter::State state) noexcept;

/// Which letters are meant.
struct LetterFilter {
    std::string pipeline = {};             ///< empty: of all
    std::string where = {};                ///< an SQL expression over the columns of the view `dead`; empty: all
    std::string since = {};                ///< RFC 3339, UTC; made then or later; empty: ever
    std::optional<std::uint64_t> id = {};  ///< only this one
};

/// Every member is safe from any thread.
class LetterTable {
public:
    /// All must outlive the table. `mutex` guards the connection.
    static Result<std::unique_ptr<LetterTable>> make(Database& database, std::mutex& mutex, const Clock* clock);
    ~LetterTable();

    /// Letters of one lane. Errors: io; none of them is stored then.
    /// @param lane     whose checkpoint says when they are settled; empty: at once
    /// @param durable  they must outlive a power cut
    Result<> add(std::string_view pipeline, std::string_view lane, std::string_view run,
                 std::span<const DeadLetter> letters, bool durable);

    /// A run goes on at a place: what lies behind it comes again and makes its letters again, so these are taken out;
    /// those before it are settled. Errors: io.
    /// @param ahead  rows behind it that have come to their end and are left out; their sink's letters are settled too
    Result<> go_on(std::string_view lane, Border from, std::span<const Span> ahead = {});
    /// A run has come as far as this: the letters before it are settled. Errors: io.
    Result<> settle(std::string_view lane, Border to);
    /// All of them are settled: nothing of the lane comes again. Errors: io.
    Result<> settle_all(std::string_view lane);

    /// Hands out the letters in the order of their numbers, to the end or until `take` returns false. Errors: io;
    /// configuration, when `where` is no expression.
    Result<> each(const LetterFilter& filter, const std::function<bool(StoredLetter letter)>& take);
    /// How many each() would hand out. Errors: as each().
    Result<std::uint64_t> count(const LetterFilter& filter);

    // ---- Letters that go to a sink as rows of their own ----

    /// Behind the lane of a pipeline that takes letters to a sink; its own letters go nowhere.
    static constexpr std::string_view of_senders = "@dead";
    /// Where the rows of a pipeline's letters are, in the order in which they are sent.
    struct Sent {
        std::uint64_t number = 0;  ///< of those that go together
        std::uint64_t id = 0;
    };
    /// Puts the settled letters of a pipeline that were not sent yet behind the others. Errors: io. Returns how many
    /// are sent by now.
    Result<std::uint64_t> send(std::string_view pipeline);
    /// The next of them, at most `most`, each with its place. Errors: io; a letter that is damaged.
    Result<std::vector<std::pair<Sent, StoredLetter>>> next_sent(std::string_view pipeline, const Sent& after,
                                                                 std::size_t most);

    /// Forgets these letters, whatever their state. Errors: io. Returns how many there were.
    Result<std::uint64_t> drop(std::span<const std::uint64_t> ids);

    // ---- Replays: letters whose rows enter their pipeline again ----

    /// Puts letters, which are open, into a new replay. Errors: io. Returns its number.
    Result<std::uint64_t> begin_replay(std::span<const std::uint64_t> ids);
    /// What is to be delivered in place of a letter's row.
    struct Edit {
        std::string row;    ///< JSON
        std::string bytes;  ///< the same without loss, by the letter's own schema
    };
    /// All of them, or none. Errors: io.
    Result<> edit(const std::map<std::uint64_t, Edit>& edits);
    /// Replays that have begun and not ended, in order, with their pipelines. Errors: io.
    struct Replay {
        std::uint64_t number = 0;
        std::string pipeline;
        std::string stage;
        std::string lane;  ///< that the letters are of; empty: of none
        std::uint64_t letters = 0;
    };
    Result<std::vector<Replay>> open_replays();
    /// The next letters of a replay at one stage, behind the letter `after`, in order of their numbers; at most `most`.
    /// Errors: io; a letter that is damaged.
    Result<std::vector<StoredLetter>> next_of(const Replay& replay, std::uint64_t after, std::size_t most);
    /// All that the replay holds at its stage has gone through its pipeline. Errors: io.
    Result<> end_replay(const Replay& replay);

private:
    struct Statements;
    LetterTable(Database& database, std::mutex& mutex, const Clock* clock, std::unique_ptr<Statements> statements);
    Result<> add_one(std::string_view pipeline, std::string_view lane, std::string_view run, std::string_view made,
                     const DeadLetter& letter);
    Result<std::uint64_t> new_number();
    Error damaged(std::uint64_t id) const;
    Result<std::uint64_t> schema_id(const DeadLetter& letter);
    Result<> run_for(std::span<const std::uint64_t> ids, const Statement& statement, std::uint64_t second,
                     std::uint64_t& changed);
    Result<Statement> select(std::string_view what, const LetterFilter& filter);

    Database& database_;
    std::mutex& mutex_;
    const Clock* const clock_;
    const std::unique_ptr<Statements> statements_;
    std::shared_ptr<const std::string> last_schema_;  // guarded by mutex_, like the next
    std::uint64_t last_schema_id_ = 0;
};

}  // namespace leat::delivery
