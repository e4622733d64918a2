// What a DLL says of itself in its PE file, read without running any of it.
#include "plugin/elf_check.hpp"

#include <windows.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace leat::plugin {
namespace {

constexpr std::string_view copy_again = "; copy it again";
// More than any library has, so that a lying header asks for no absurd work.
constexpr std::uint32_t most_names = 1u << 20;
constexpr std::uint64_t most_bytes = std::uint64_t{1} << 30;

Error refuse(std::string message) {
    return Error(Errc::plugin, std::move(message));
}

Error damaged(std::string_view what) {
    return refuse("is damaged: its " + std::string(what) + " lies outside the file" + std::string(copy_again));
}

std::string machine_name(std::uint16_t machine) {
    switch (machine) {
        case IMAGE_FILE_MACHINE_AMD64:
            return "x86-64";
        case IMAGE_FILE_MACHINE_I386:
            return "x86 (32 bit)";
        case IMAGE_FILE_MACHINE_ARM64:
            return "AArch64";
        default:
            return "machine " + std::to_string(machine);
    }
}

/// All of a file, which is read by offset, or by the address that it will have when it is loaded.
class Image {
public:
    explicit Image(std::string bytes) : bytes_(std::move(bytes)) {}

    std::size_t size() const { return bytes_.size(); }
    const std::string& bytes() const { return bytes_; }

    template <class T>
    std::optional<T> at(std::uint64_t offset) const {
        if (offset > bytes_.size() || sizeof(T) > bytes_.size() - offset) return std::nullopt;
        T out;
        std::memcpy(&out, bytes_.data() + offset, sizeof out);
        return out;
    }

    /// The end of the name must be in the file too.
    std::optional<std::string> name_at(std::uint64_t offset) const {
        const auto end = offset < bytes_.size() ? bytes_.find('\0', offset) : std::string::npos;
        if (end == std::string::npos) return std::nullopt;
        return bytes_.substr(offset, end - offset);
    }

    void add_section(const IMAGE_SECTION_HEADER& section) { sections_.push_back(section); }

    /// The offset in the file of what is loaded to `address`.
    std::optional<std::uint64_t> offset_of(std::uint32_t address) const {
        for (const auto& one : sections_) {
            if (address < one.VirtualAddress || address - one.VirtualAddress >= one.SizeOfRawData) continue;
            return std::uint64_t{one.PointerToRawData} + (address - one.VirtualAddress);
        }
        return std::nullopt;
    }

    template <class T>
    std::optional<T> loaded_at(std::uint64_t address) const {
        if (address > UINT32_MAX) return std::nullopt;
        const auto offset = offset_of(static_cast<std::uint32_t>(address));
        return offset ? at<T>(*offset) : std::nullopt;
    }

    std::optional<std::string> name_loaded_at(std::uint32_t address) const {
        const auto offset = offset_of(address);
        return offset ? name_at(*offset) : std::nullopt;
    }

private:
    std::string bytes_;
    std::vector<IMAGE_SECTION_HEADER> sections_;
};

Result<Image> read_file(const std::filesystem::path& path) {
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return refuse("is a directory; name the .dll file in it");
    std::ifstream in(path, std::ios::binary);
    if (!in) return refuse("cannot be opened; check the path and its permissions");
    const auto size = std::filesystem::file_size(path, error);
    if (!error && size > most_bytes) return refuse("is larger than 1 GiB, which no plugin is");
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (in.bad()) return refuse("cannot be read; copy it again");
    return Image(std::move(bytes));
}

/// Checks what kind of file it is, and takes in its sections.
Result<IMAGE_OPTIONAL_HEADER64> read_headers(Image& image) {
    if (image.size() == 0) return refuse("is empty" + std::string(copy_again));
    const auto dos = image.at<IMAGE_DOS_HEADER>(0);
    if (image.bytes().compare(0, 2, "MZ") != 0 || !dos) {
        std::string shown;
        for (const char c : image.bytes().substr(0, 4))
            shown += c >= ' ' && c <= '~' ? c : '.';
        return refuse("is not a DLL: it begins with \"" + shown + "\", not with \"MZ\"");
    }
    const auto at = static_cast<std::uint64_t>(static_cast<std::uint32_t>(dos->e_lfanew));
    const auto signature = image.at<std::uint32_t>(at);
    const auto file = image.at<IMAGE_FILE_HEADER>(at + sizeof(std::uint32_t));
    if (!signature || *signature != IMAGE_NT_SIGNATURE || !file) return damaged("header");
    if (file->Machine != IMAGE_FILE_MACHINE_AMD64) {
        return refuse("is for " + machine_name(file->Machine) + ", and this host runs on " + host_architecture() +
                      "; get a build for that");
    }
    if ((file->Characteristics & IMAGE_FILE_DLL) == 0) return refuse("is a program, not a DLL; link it with -shared");
    const auto optional_at = at + sizeof(std::uint32_t) + sizeof(IMAGE_FILE_HEADER);
    const auto header = image.at<IMAGE_OPTIONAL_HEADER64>(optional_at);
    if (!header || header->Magic != IMAGE_NT_OPTIONAL_HDR64_MAGIC) return damaged("header");
    for (std::uint32_t i = 0; i < file->NumberOfSections; ++i) {
        const auto section = image.at<IMAGE_SECTION_HEADER>(optional_at + file->SizeOfOptionalHeader +
                                                            std::uint64_t{i} * sizeof(IMAGE_SECTION_HEADER));
        if (!section) return damaged("table of sections");
        if (std::uint64_t{section->PointerToRawData} + section->SizeOfRawData > image.size()) {
            return refuse("is cut short: it has " + std::to_string(image.size()) + " bytes, and its sections end at " +
                          std::to_string(std::uint64_t{section->PointerToRawData} + section->SizeOfRawData) +
                          std::string(copy_again));
        }
        image.add_section(*section);
    }
    return *header;
}

IMAGE_DATA_DIRECTORY directory(const IMAGE_OPTIONAL_HEADER64& header, std::uint32_t number) {
    if (number >= header.NumberOfRvaAndSizes || number >= IMAGE_NUMBEROF_DIRECTORY_ENTRIES) return {};
    return header.DataDirectory[number];
}

Result<> read_exports(const Image& image, const IMAGE_OPTIONAL_HEADER64& header, ElfFacts& facts) {
    const auto place = directory(header, IMAGE_DIRECTORY_ENTRY_EXPORT).VirtualAddress;
    if (place == 0) return done();
    const auto table = image.loaded_at<IMAGE_EXPORT_DIRECTORY>(place);
    if (!table || table->NumberOfNames > most_names) return damaged("table of exports");
    for (std::uint32_t i = 0; i < table->NumberOfNames; ++i) {
        const auto address = image.loaded_at<std::uint32_t>(std::uint64_t{table->AddressOfNames} +
                                                            std::uint64_t{i} * sizeof(std::uint32_t));
        auto name = address ? image.name_loaded_at(*address) : std::nullopt;
        if (!name) return damaged("table of exports");
        facts.exported.push_back(std::move(*name));
    }
    return done();
}

Result<> read_imports(const Image& image, const IMAGE_OPTIONAL_HEADER64& header, ElfFacts& facts) {
    std::uint64_t place = directory(header, IMAGE_DIRECTORY_ENTRY_IMPORT).VirtualAddress;
    if (place == 0) return done();
    for (std::uint32_t i = 0; i < most_names; ++i, place += sizeof(IMAGE_IMPORT_DESCRIPTOR)) {
        const auto entry = image.loaded_at<IMAGE_IMPORT_DESCRIPTOR>(place);
        if (!entry) return damaged("table of imports");
        if (entry->Name == 0) return done();
        auto name = image.name_loaded_at(entry->Name);
        if (!name) return damaged("table of imports");
        facts.needed.push_back(std::move(*name));
    }
    return damaged("table of imports");
}

}  // namespace

Result<ElfFacts> read_elf(const std::filesystem::path& path) {
    BOOST_OUTCOME_TRY(auto image, read_file(path));
    BOOST_OUTCOME_TRY(const auto header, read_headers(image));
    ElfFacts facts;
    BOOST_OUTCOME_TRYV(read_exports(image, header, facts));
    BOOST_OUTCOME_TRYV(read_imports(image, header, facts));
    return facts;
}

bool ElfFacts::exports(std::string_view name) const {
    return std::find(exported.begin(), exported.end(), name) != exported.end();
}

std::string host_architecture() {
    return machine_name(IMAGE_FILE_MACHINE_AMD64);
}

std::vector<std::string> needless_exports(const ElfFacts& facts) {
    std::vector<std::string> found;
    std::copy_if(facts.exported.begin(), facts.exported.end(), std::back_inserter(found),
                 [](const auto& name) { return name != "leat_plugin_v1" && name != "leat_plugin_v2"; });
    return found;
}

Result<> check_entry_symbol(const ElfFacts& facts) {
    if (facts.exports("leat_plugin_v1")) return done();
    if (facts.exports("leat_plugin_v2")) {
        return refuse(
            "speaks plugin ABI v2; this host speaks v1: install a newer Leat, or a build of the plugin for v1");
    }
    return refuse(
        "does not export leat_plugin_v1, so it is not a Leat plugin; define it with LEAT_PLUGIN or LEAT_EXPORT");
}

}  // namespace leat::plugin
