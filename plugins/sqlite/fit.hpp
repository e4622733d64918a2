// Whether a column of the rows fits its column of the table. SQLite itself stores anything anywhere, and turns text
// into numbers and numbers into text on the way; here nothing is stored that would read back as something else.
#pragma once

#include <functional>
#include <leat/leat.hpp>
#include <string>
#include <string_view>

#include "batch_table.hpp"
#include "type_names.hpp"

namespace arrow_sql {

/// What becomes of one column. It is worked out once for a schema; the rows are checked batch by batch.
class Fit {
public:
    /// `declared` is the type in the table; in a STRICT table ANY is a type of its own. Throws CONFIG, with `place` in
    /// front, when no value of the column could be stored under that type.
    Fit(std::string_view place, const leat::schema_view& column, std::string_view declared, bool strict);

    /// As what SQLite is to get the column's numbers.
    NumberAs numbers() const { return numbers_; }

    using Refuse = std::function<void(std::int64_t row, const std::string& why)>;
    /// Calls `refuse` for every row that must not be stored. `values` is the column, of the type that was given.
    void check(const leat::array_view& values, const Refuse& refuse) const;

private:
    void check_floats(const leat::array_view& values, const Refuse& refuse) const;
    void check_integers(const leat::array_view& values, const Refuse& refuse) const;
    void check_decimals(const leat::array_view& values, const Refuse& refuse) const;
    void check_texts(const leat::array_view& values, const Refuse& refuse) const;
    bool holds_number(std::string_view text) const;
    std::string is_no(std::string_view value) const;

    std::string declared_;
    Affinity affinity_;
    leat::type_info type_;
    NumberAs numbers_ = NumberAs::number;
    bool number_only_ = false;  // the declared type says that there are numbers and nothing else
};

}  // namespace arrow_sql
