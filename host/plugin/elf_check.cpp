#include "plugin/elf_check.hpp"

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "base/descriptor.hpp"

namespace leat::plugin {
namespace {

#if defined(__x86_64__)
constexpr std::uint16_t host_machine = EM_X86_64;
#elif defined(__aarch64__)
constexpr std::uint16_t host_machine = EM_AARCH64;
#elif defined(__riscv)
constexpr std::uint16_t host_machine = EM_RISCV;
#elif defined(__powerpc64__)
constexpr std::uint16_t host_machine = EM_PPC64;
#else
#error "name this machine's e_machine value here"
#endif

constexpr std::string_view copy_again = "; copy it again";

std::string machine_name(std::uint16_t machine) {
    switch (machine) {
        case EM_386:
            return "x86 (32 bit)";
        case EM_X86_64:
            return "x86-64";
        case EM_ARM:
            return "ARM (32 bit)";
        case EM_AARCH64:
            return "AArch64";
        case EM_RISCV:
            return "RISC-V";
        case EM_PPC64:
            return "PowerPC 64";
        case EM_S390:
            return "s390x";
        case EM_MIPS:
            return "MIPS";
        case EM_LOONGARCH:
            return "LoongArch";
        default:
            return "machine " + std::to_string(machine);
    }
}

Error refuse(std::string message) {
    return Error(Errc::plugin, std::move(message));
}

/// Reads ranges of a file; every range is held against the size, so a lying header asks for no absurd memory.
class File {
public:
    static Result<File> open(const std::filesystem::path& path) {
        // A FIFO would block an open without O_NONBLOCK for ever.
        File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
        if (file.descriptor_.get() < 0) {
            return refuse("cannot be opened: " + errno_text(errno) + "; check the path and its permissions");
        }
        struct stat status {};
        if (::fstat(file.descriptor_.get(), &status) != 0) return refuse("cannot be examined: " + errno_text(errno));
        if (S_ISDIR(status.st_mode)) return refuse("is a directory; name the .so file in it");
        if (!S_ISREG(status.st_mode)) return refuse("is not a regular file; name a shared library");
        file.size_ = static_cast<std::uint64_t>(status.st_size);
        return file;
    }

    explicit File(int descriptor) : descriptor_(descriptor) {}

    std::uint64_t size() const { return size_; }

    bool holds(std::uint64_t offset, std::uint64_t size) const { return offset <= size_ && size <= size_ - offset; }

    /// `count` records of type T from `offset` on.
    template <class T>
    Result<std::vector<T>> read(std::uint64_t offset, std::uint64_t count, std::string_view what) const {
        if (count > size_ / sizeof(T) || !holds(offset, count * sizeof(T))) {
            return refuse("is damaged: its " + std::string(what) + " lies outside the file" + std::string(copy_again));
        }
        std::vector<T> records(count);
        auto* into = reinterpret_cast<char*>(records.data());
        for (std::size_t done = 0; done < count * sizeof(T);) {
            const ssize_t n = ::pread(descriptor_.get(), into + done, count * sizeof(T) - done, off_t(offset + done));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) return refuse("cannot be read: " + errno_text(errno));
            if (n == 0) return refuse("shrinks while it is read; install plugins by renaming them into place");
            done += static_cast<std::size_t>(n);
        }
        return records;
    }

private:
    Descriptor descriptor_;
    std::uint64_t size_ = 0;
};

/// The first bytes as a reader would see them: `#!/b`.
std::string shown(const std::vector<char>& bytes) {
    std::string text;
    for (const char c : bytes)
        text += c >= ' ' && c <= '~' ? c : '.';
    return text;
}

Result<> check_magic(const File& file) {
    if (file.size() == 0) return refuse("is empty" + std::string(copy_again));
    BOOST_OUTCOME_TRY(const auto magic, file.read<char>(0, std::min<std::uint64_t>(file.size(), SELFMAG), "start"));
    if (std::memcmp(magic.data(), ELFMAG, magic.size()) != 0 || magic.size() < SELFMAG) {
        return refuse("is not a shared library: it begins with \"" + shown(magic) +
                      "\", not with the ELF magic; build it with -shared");
    }
    if (file.size() < sizeof(Elf64_Ehdr)) {
        return refuse("is cut short: the ELF header ends at byte " + std::to_string(sizeof(Elf64_Ehdr)) +
                      ", the file at byte " + std::to_string(file.size()) + std::string(copy_again));
    }
    return done();
}

Result<> check_target(const Elf64_Ehdr& header) {
    const std::string ours = host_architecture();
    const std::string remedy = ": build it for " + ours;
    if (header.e_ident[EI_CLASS] != ELFCLASS64) return refuse("is a 32-bit library; this host is 64-bit" + remedy);
    if (header.e_ident[EI_DATA] != ELFDATA2LSB) {
        return refuse("is a big-endian library; this host is little-endian" + remedy);
    }
    if (header.e_machine != host_machine) {
        return refuse("is built for " + machine_name(header.e_machine) + "; this host is " + ours + remedy);
    }
    switch (header.e_type) {
        case ET_DYN:
            return done();
        case ET_REL:
            return refuse("is an object file, not a shared library; link it with -shared");
        case ET_EXEC:
            return refuse("is a program, not a shared library; link it with -shared");
        case ET_CORE:
            return refuse("is a core dump, not a shared library");
        default:
            return refuse("is not a shared library; link it with -shared");
    }
}

Error cut_short(std::string_view what, std::uint64_t offset, std::uint64_t size, const File& file) {
    // An offset near 2^64 is damage, not a cut; its sum would wrap.
    const bool wraps = size > UINT64_MAX - offset;
    if (wraps) return refuse("is damaged: " + std::string(what) + " has no sensible place" + std::string(copy_again));
    return refuse("is cut short: " + std::string(what) + " ends at byte " + std::to_string(offset + size) +
                  ", the file at byte " + std::to_string(file.size()) + std::string(copy_again));
}

/// The parts of the file that the loader maps.
class Segments {
public:
    static Result<Segments> read(const File& file, const Elf64_Ehdr& header) {
        const std::uint64_t table_size = std::uint64_t(header.e_phnum) * sizeof(Elf64_Phdr);
        if (header.e_phnum == 0 || header.e_phentsize != sizeof(Elf64_Phdr)) {
            return refuse("is damaged: it has no table of segments" + std::string(copy_again));
        }
        if (!file.holds(header.e_phoff, table_size)) {
            return cut_short("the table of segments", header.e_phoff, table_size, file);
        }
        Segments segments;
        BOOST_OUTCOME_TRY(segments.all_, file.read<Elf64_Phdr>(header.e_phoff, header.e_phnum, "table of segments"));
        for (const Elf64_Phdr& segment : segments.all_) {
            if (segment.p_type == PT_LOAD && !file.holds(segment.p_offset, segment.p_filesz)) {
                return cut_short("a segment", segment.p_offset, segment.p_filesz, file);
            }
        }
        return segments;
    }

    const Elf64_Phdr* dynamic() const {
        const auto found = std::find_if(all_.begin(), all_.end(), [](auto& s) { return s.p_type == PT_DYNAMIC; });
        return found == all_.end() ? nullptr : &*found;
    }

    /// Where in the file the byte is that is mapped at `address`.
    std::optional<std::uint64_t> offset_of(std::uint64_t address) const {
        for (const Elf64_Phdr& s : all_) {
            if (s.p_type == PT_LOAD && address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz) {
                return s.p_offset + (address - s.p_vaddr);
            }
        }
        return std::nullopt;
    }

private:
    std::vector<Elf64_Phdr> all_;
};

/// What the dynamic segment says, its addresses turned into places in the file.
class Dynamic {
public:
    static Result<Dynamic> read(const File& file, const Segments& segments) {
        const Elf64_Phdr* place = segments.dynamic();
        if (!place) return refuse("is not a shared library: it has no dynamic segment; link it with -shared");
        Dynamic dynamic(segments);
        BOOST_OUTCOME_TRY(dynamic.entries_, file.read<Elf64_Dyn>(place->p_offset, place->p_filesz / sizeof(Elf64_Dyn),
                                                                 "dynamic segment"));
        const auto end = std::find_if(dynamic.entries_.begin(), dynamic.entries_.end(),
                                      [](const Elf64_Dyn& entry) { return entry.d_tag == DT_NULL; });
        dynamic.entries_.erase(end, dynamic.entries_.end());
        return dynamic;
    }

    std::optional<std::uint64_t> value(std::int64_t tag) const {
        for (const Elf64_Dyn& entry : entries_) {
            if (entry.d_tag == tag) return entry.d_un.d_val;
        }
        return std::nullopt;
    }

    std::vector<std::uint64_t> values(std::int64_t tag) const {
        std::vector<std::uint64_t> found;
        for (const Elf64_Dyn& entry : entries_) {
            if (entry.d_tag == tag) found.push_back(entry.d_un.d_val);
        }
        return found;
    }

    std::optional<std::uint64_t> offset(std::int64_t tag) const {
        const auto address = value(tag);
        return address ? segments_.offset_of(*address) : std::nullopt;
    }

private:
    explicit Dynamic(const Segments& segments) : segments_(segments) {}
    const Segments& segments_;
    std::vector<Elf64_Dyn> entries_;
};

/// The table has no length of its own. The older hash table states it; the GNU one has every exported symbol, the
/// last of them at the end of the chain that begins last.
Result<std::uint64_t> count_symbols(const File& file, const Dynamic& dynamic) {
    constexpr std::string_view what = "hash table of symbols";
    if (const auto place = dynamic.offset(DT_HASH)) {
        BOOST_OUTCOME_TRY(const auto head, file.read<std::uint32_t>(*place, 2, what));
        return head[1];
    }
    const auto place = dynamic.offset(DT_GNU_HASH);
    if (!place) return std::uint64_t{0};
    BOOST_OUTCOME_TRY(const auto head, file.read<std::uint32_t>(*place, 4, what));
    const std::uint64_t bucket_count = head[0];
    const std::uint64_t first_hashed = head[1];
    const std::uint64_t buckets_at = *place + sizeof(std::uint32_t) * 4 + std::uint64_t(head[2]) * 8;
    BOOST_OUTCOME_TRY(const auto buckets, file.read<std::uint32_t>(buckets_at, bucket_count, what));
    if (buckets.empty()) return first_hashed;
    std::uint64_t last = *std::max_element(buckets.begin(), buckets.end());
    if (last < first_hashed) return first_hashed;
    const std::uint64_t chains_at = buckets_at + bucket_count * sizeof(std::uint32_t);
    constexpr std::uint64_t block = 256;
    for (;;) {
        const std::uint64_t at = chains_at + (last - first_hashed) * sizeof(std::uint32_t);
        const std::uint64_t rest = at < file.size() ? (file.size() - at) / sizeof(std::uint32_t) : 0;
        BOOST_OUTCOME_TRY(const auto links,
                          file.read<std::uint32_t>(at, std::clamp<std::uint64_t>(rest, 1, block), what));
        for (const std::uint32_t link : links) {
            ++last;
            if (link & 1) return last;
        }
    }
}

Result<std::string> name_at(const std::vector<char>& names, std::uint64_t offset) {
    const auto end = offset < names.size() ? std::find(names.begin() + off_t(offset), names.end(), '\0') : names.end();
    if (end == names.end()) return refuse("is damaged: a symbol has no name" + std::string(copy_again));
    return std::string(names.data() + offset, &*end);
}

bool is_exported(const Elf64_Sym& symbol) {
    const auto bind = ELF64_ST_BIND(symbol.st_info);
    const auto visibility = ELF64_ST_VISIBILITY(symbol.st_other);
    return symbol.st_shndx != SHN_UNDEF && (bind == STB_GLOBAL || bind == STB_WEAK || bind == STB_GNU_UNIQUE) &&
           (visibility == STV_DEFAULT || visibility == STV_PROTECTED);
}

Result<ElfFacts> read_facts(const File& file, const Dynamic& dynamic) {
    ElfFacts facts;
    const auto names_at = dynamic.offset(DT_STRTAB);
    const auto symbols_at = dynamic.offset(DT_SYMTAB);
    if (!names_at || !symbols_at) return facts;
    BOOST_OUTCOME_TRY(const auto names,
                      file.read<char>(*names_at, dynamic.value(DT_STRSZ).value_or(0), "table of names"));
    for (const std::uint64_t offset : dynamic.values(DT_NEEDED)) {
        BOOST_OUTCOME_TRY(auto name, name_at(names, offset));
        facts.needed.push_back(std::move(name));
    }
    BOOST_OUTCOME_TRY(const auto count, count_symbols(file, dynamic));
    BOOST_OUTCOME_TRY(const auto symbols, file.read<Elf64_Sym>(*symbols_at, count, "table of symbols"));
    for (const Elf64_Sym& symbol : symbols) {
        if (!is_exported(symbol)) continue;
        BOOST_OUTCOME_TRY(auto name, name_at(names, symbol.st_name));
        if (ELF64_ST_BIND(symbol.st_info) == STB_GNU_UNIQUE) facts.unique.push_back(name);
        facts.exported.push_back(std::move(name));
    }
    return facts;
}

}  // namespace

Result<ElfFacts> read_elf(const std::filesystem::path& path) {
    BOOST_OUTCOME_TRY(const auto file, File::open(path));
    BOOST_OUTCOME_TRY(check_magic(file));
    BOOST_OUTCOME_TRY(const auto headers, file.read<Elf64_Ehdr>(0, 1, "header"));
    const Elf64_Ehdr& header = headers.front();
    BOOST_OUTCOME_TRY(check_target(header));
    BOOST_OUTCOME_TRY(const auto segments, Segments::read(file, header));
    const std::uint64_t sections = std::uint64_t(header.e_shnum) * header.e_shentsize;
    if (!file.holds(header.e_shoff, sections))
        return cut_short("the table of sections", header.e_shoff, sections, file);
    BOOST_OUTCOME_TRY(const auto dynamic, Dynamic::read(file, segments));
    if (dynamic.value(DT_FLAGS_1).value_or(0) & DF_1_PIE) {
        return refuse("is a program, not a shared library; link it with -shared");
    }
    return read_facts(file, dynamic);
}

bool ElfFacts::exports(std::string_view name) const {
    return std::find(exported.begin(), exported.end(), name) != exported.end();
}

std::string host_architecture() {
    return machine_name(host_machine);
}

std::vector<std::string> needless_exports(const ElfFacts& facts) {
    static const std::vector<std::string> expected{"leat_plugin_v1", "leat_plugin_v2", "_init",      "_fini",
                                                   "_edata",         "_end",           "__bss_start"};
    const auto contains = [](const std::vector<std::string>& names, const std::string& name) {
        return std::find(names.begin(), names.end(), name) != names.end();
    };
    std::vector<std::string> found;
    std::copy_if(facts.exported.begin(), facts.exported.end(), std::back_inserter(found),
                 [&](const auto& name) { return !contains(expected, name) && !contains(facts.unique, name); });
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
