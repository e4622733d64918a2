// Files that are no text in UTF-8, told by their first bytes: one error for the file is better than one for every line.
#pragma once

#include <leat/leat.hpp>

#include <string>
#include <string_view>

namespace ndjson {

/// So many bytes of a text, or its first line, are enough to tell.
inline constexpr std::size_t longest_magic = 10;

/// Throws CONFIG, with what it is and what to do, when a text that begins with `head` is of another format.
inline void refuse_foreign_format(std::string_view head, const std::string& name) {
    using namespace std::string_view_literals;
    struct Format {
        std::string_view magic;
        const char* remedy;
    };
    static constexpr Format formats[] = {
        {"\xFF\xFE"sv, "is UTF-16: convert it, as with iconv -f UTF-16 -t UTF-8"},
        {"\xFE\xFF"sv, "is UTF-16: convert it, as with iconv -f UTF-16 -t UTF-8"},
        {"\x1F\x8B\x08"sv, "is compressed with gzip: set compression to auto, which unpacks one layer of it"},
        {"\x28\xB5\x2F\xFD"sv, "is compressed with zstd: set compression to auto, which unpacks one layer of it"},
        {"BZh91AY&SY"sv,
         "is compressed with bzip2, which is not read: unpack it, or pipe it in with bzcat and path: -"},
        {"\xFD\x37zXZ\0"sv,
         "is compressed with xz, which is not read: unpack it, or pipe it in with xzcat and path: -"},
        {"PK\x03\x04"sv, "is a ZIP archive or a spreadsheet: unpack it, or export it as text"},
        {"\xD0\xCF\x11\xE0"sv, "is a spreadsheet: export it as text"},
        {"PAR1\x15"sv, "is a Parquet file, not text"},
        {"SQLite for"sv, "is an SQLite database: read it with the source sqlite"},
    };
    for (const Format& format : formats) {
        if (head.substr(0, format.magic.size()) == format.magic) {
            throw leat::error(LEAT_ERR_CONFIG, name + " " + format.remedy);
        }
    }
}

}  // namespace ndjson
