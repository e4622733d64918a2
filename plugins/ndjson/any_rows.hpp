// Random batches, for properties of the plugins for files.
#pragma once

#include <rapidcheck.h>
#include <boost/test/unit_test.hpp>
#include <leat/testing.hpp>

#include <cmath>
#include <cstring>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace file_test {

/// Runs a property and reports its counterexample and seed.
template <class Property>
void holds(Property&& property) {
    std::ostringstream report;
    const auto result = rc::detail::checkTestable(std::forward<Property>(property));
    rc::detail::printResultMessage(result, report);
    BOOST_TEST_CONTEXT(report.str()) BOOST_TEST(result.template is<rc::detail::SuccessResult>());
}

/// The options with which a source reads them.
inline const std::string any_rows_types =
    R"~("infer": "none", "types": {"b": "bool", "i": "int64", "u": "uint64", "f": "float64", "g": "float32",
    "c": "decimal(38,7)", "s": "text", "x": "binary", "d": "date", "h": "time", "t": "timestamp", "z": "timestamptz",
    "p": "duration", "j": "json"})~";

/// A batch of every declared type. Texts have `more` in them, among what else may be difficult.
inline leat::batch any_rows(const leat::context& ctx, std::size_t rows, const std::string& more) {
    leat::builder out(ctx, {{"b", leat::boolean},
                            {"i", leat::i64},
                            {"u", leat::u64},
                            {"f", leat::f64},
                            {"g", leat::f32},
                            {"c", leat::decimal(38, 7)},
                            {"s", leat::utf8},
                            {"x", leat::binary},
                            {"d", leat::date32},
                            {"h", leat::time64_us},
                            {"t", leat::timestamp_us()},
                            {"z", leat::timestamp_us("UTC")},
                            {"p", leat::duration_us},
                            {"j", leat::json}});
    const auto maybe = [] { return *rc::gen::inRange(0, 6) != 0; };
    const auto text = [&more] {
        std::string s;
        for (const std::string& piece :
             *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(std::vector<std::string>{
                 "a", "\"", "\\", "\n", more, "\xC3\xA9", "\xF0\x9F\x98\x80", "\x1F", "sixteen bytes at once", "/"}))) {
            s += piece;
        }
        return s;
    };
    const auto real = [](auto zero) {
        using Float = decltype(zero);
        using Bits = std::conditional_t<sizeof(Float) == 8, std::uint64_t, std::uint32_t>;
        const Bits bits = *rc::gen::arbitrary<Bits>();
        Float value;
        std::memcpy(&value, &bits, sizeof value);
        if (!std::isfinite(value)) value = 0;
        return *rc::gen::element(value, static_cast<Float>(*rc::gen::inRange(-100000, 100000)) / 100);
    };
    for (std::size_t row = 0; row < rows; ++row) {
        if (maybe()) out.column<bool>(0).append(*rc::gen::arbitrary<bool>());
        if (maybe()) out.column<std::int64_t>(1).append(*rc::gen::arbitrary<std::int64_t>());
        if (maybe()) out.column<std::uint64_t>(2).append(*rc::gen::arbitrary<std::uint64_t>());
        if (maybe()) out.column<double>(3).append(real(0.0));
        if (maybe()) out.column<float>(4).append(real(0.0F));
        if (maybe()) {
            const auto high = *rc::gen::inRange<std::int64_t>(-5000000000000000000, 5000000000000000000);  // 37 digits
            out.column<leat::decimal128>(5).append({high, *rc::gen::arbitrary<std::uint64_t>()});
        }
        if (maybe()) out.put(6, text());
        if (maybe()) out.put(7, *rc::gen::arbitrary<std::string>());
        if (maybe()) out.put(8, *rc::gen::inRange(-719528, 2932897));
        if (maybe()) out.put(9, *rc::gen::inRange<std::int64_t>(0, 86400000000));
        if (maybe()) out.put(10, *rc::gen::inRange<std::int64_t>(-62167219200000000, 253402300800000000));
        if (maybe()) out.put(11, *rc::gen::inRange<std::int64_t>(-62167219200000000, 253402300800000000));
        if (maybe()) out.put(12, *rc::gen::arbitrary<std::int64_t>());
        if (maybe()) out.put(13, *rc::gen::element<std::string>("1", "\"x\"", "[1, {\"a\":null}]", "{}", "-0.5e-7"));
        out.end_row();
    }
    return out.finish();
}

/// The values of a column of `batch`, bit by bit where they are floats.
inline bool same_cells(const leat::batch& a, const leat::batch& b, std::int64_t first) {
    for (int i = 0; i < a.columns(); ++i) {
        const leat::array_view x = a.column(i);
        const leat::array_view y = b.column(i);
        for (std::int64_t row = 0; row < b.rows(); ++row) {
            if (x.valid(first + row) != y.valid(row)) return false;
            if (!y.valid(row)) continue;
            if (x.type().id == leat::kind::float64) {
                const double p = leat::column<double>(x)[first + row];
                const double q = leat::column<double>(y)[row];
                // Bit by bit, NaN too. NOLINTNEXTLINE(bugprone-suspicious-memory-comparison)
                if (std::memcmp(&p, &q, sizeof p) != 0) return false;
            }
        }
    }
    return true;
}

}  // namespace file_test
