#include <dlfcn.h>
#include <fcntl.h>
#include <glob.h>
#include <io.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <windows.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace {

int errno_of(DWORD error) {
    switch (error) {
        case ERROR_FILE_NOT_FOUND:
        case ERROR_INVALID_NAME:
        case ERROR_BAD_NETPATH:
        case ERROR_BAD_PATHNAME:
        case ERROR_INVALID_DRIVE:
        case ERROR_PATH_NOT_FOUND:
            return ENOENT;
        case ERROR_DIRECTORY:
            return ENOTDIR;
        case ERROR_ACCESS_DENIED:
        case ERROR_SHARING_VIOLATION:
        case ERROR_WRITE_PROTECT:
            return EACCES;
        case ERROR_LOCK_VIOLATION:
        case ERROR_IO_PENDING:
            return EWOULDBLOCK;
        case ERROR_FILE_EXISTS:
        case ERROR_ALREADY_EXISTS:
            return EEXIST;
        case ERROR_DIR_NOT_EMPTY:
            return ENOTEMPTY;
        case ERROR_DISK_FULL:
        case ERROR_HANDLE_DISK_FULL:
            return ENOSPC;
        case ERROR_TOO_MANY_OPEN_FILES:
            return EMFILE;
        case ERROR_NOT_ENOUGH_MEMORY:
        case ERROR_OUTOFMEMORY:
            return ENOMEM;
        case ERROR_INVALID_HANDLE:
            return EBADF;
        case ERROR_BROKEN_PIPE:
        case ERROR_NO_DATA:
            return EPIPE;
        case ERROR_NOT_SAME_DEVICE:
            return EXDEV;
        case ERROR_FILENAME_EXCED_RANGE:
            return ENAMETOOLONG;
        case ERROR_INVALID_PARAMETER:
            return EINVAL;
        default:
            return EIO;
    }
}

int failed(DWORD error) {
    errno = errno_of(error);
    return -1;
}

int failed() {
    return failed(::GetLastError());
}

/// Of UTF-8. Bytes that are none become a name that no file has, rather than that of another file.
std::wstring wide(const char* text) {
    const int size = ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, nullptr, 0);
    if (size <= 0) return L"\xFFFD?";
    std::wstring out(static_cast<std::size_t>(size) - 1, L'\0');
    ::MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, out.data(), size);
    return out;
}

std::string narrow(const wchar_t* text) {
    const int size = ::WideCharToMultiByte(CP_UTF8, 0, text, -1, nullptr, 0, nullptr, nullptr);
    if (size <= 0) return {};
    std::string out(static_cast<std::size_t>(size) - 1, '\0');
    ::WideCharToMultiByte(CP_UTF8, 0, text, -1, out.data(), size, nullptr, nullptr);
    return out;
}

HANDLE handle_of(int descriptor) {
    return reinterpret_cast<HANDLE>(::_get_osfhandle(descriptor));
}

class Handle {
public:
    explicit Handle(HANDLE handle) : handle_(handle) {}
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;
    ~Handle() {
        if (is_open()) ::CloseHandle(handle_);
    }
    bool is_open() const { return handle_ != INVALID_HANDLE_VALUE; }
    HANDLE get() const { return handle_; }

private:
    HANDLE handle_;
};

constexpr DWORD shared = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

int descriptor_of(HANDLE handle, int flags) {
    const int out = ::_open_osfhandle(reinterpret_cast<std::intptr_t>(handle),
                                      (flags & (_O_APPEND | _O_NOINHERIT | _O_RDWR | _O_WRONLY)) | _O_BINARY);
    if (out < 0) ::CloseHandle(handle);
    return out;
}

/// A file in a directory that goes with its descriptor.
int open_temporary(const std::wstring& directory, int flags) {
    for (unsigned i = 0; i < 1000; ++i) {
        LARGE_INTEGER now{};
        ::QueryPerformanceCounter(&now);
        const auto name = directory + L"/leat-" + std::to_wstring(::GetCurrentProcessId()) + L"-" +
                          std::to_wstring(now.QuadPart) + L"-" + std::to_wstring(i) + L".tmp";
        const HANDLE made = ::CreateFileW(name.c_str(), GENERIC_READ | GENERIC_WRITE | DELETE, shared, nullptr,
                                          CREATE_NEW, FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr);
        if (made != INVALID_HANDLE_VALUE) return descriptor_of(made, flags);
        if (::GetLastError() != ERROR_FILE_EXISTS) return failed();
    }
    errno = EEXIST;
    return -1;
}

int open_wide(const std::wstring& path, int flags) {
    if ((flags & O_TMPFILE) != 0) return open_temporary(path, flags);
    const bool writes = (flags & (_O_WRONLY | _O_RDWR)) != 0;
    const bool reads = (flags & _O_WRONLY) == 0;
    const DWORD attributes = ::GetFileAttributesW(path.c_str());
    const bool is_directory = attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (is_directory && writes) {
        errno = EISDIR;
        return -1;
    }
    if (!is_directory && attributes != INVALID_FILE_ATTRIBUTES && (flags & O_DIRECTORY) != 0) {
        errno = ENOTDIR;
        return -1;
    }
    const DWORD access = (reads ? GENERIC_READ : 0U) | (writes ? GENERIC_WRITE : 0U);
    DWORD how = OPEN_EXISTING;
    if ((flags & _O_CREAT) != 0) {
        how = (flags & _O_EXCL) != 0 ? CREATE_NEW : OPEN_ALWAYS;  // to be cut it is cut below, whatever its attributes
    }
    const HANDLE opened = ::CreateFileW(path.c_str(), access, shared, nullptr, how,
                                        is_directory ? FILE_FLAG_BACKUP_SEMANTICS : FILE_ATTRIBUTE_NORMAL, nullptr);
    if (opened == INVALID_HANDLE_VALUE) return failed();
    if ((flags & _O_TRUNC) != 0 && ::SetEndOfFile(opened) == 0) {
        const DWORD error = ::GetLastError();
        ::CloseHandle(opened);
        return failed(error);
    }
    return descriptor_of(opened, flags);
}

int rename_wide(const wchar_t* from, const wchar_t* to) {
    // Who looks at either file at this moment, as scanners for viruses do, may keep it from being renamed: not for
    // long.
    constexpr int tries = 50;
    constexpr DWORD pause = 20;  // ms
    for (int i = 0;; ++i) {
        if (::MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0) return 0;
        const DWORD error = ::GetLastError();
        const DWORD attributes = ::GetFileAttributesW(to);
        const bool exists = attributes != INVALID_FILE_ATTRIBUTES;
        if (exists && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) {
            errno = EISDIR;
            return -1;
        }
        const bool may_pass = error == ERROR_SHARING_VIOLATION || (error == ERROR_ACCESS_DENIED && exists);
        if (!may_pass || i == tries) return failed(error);
        ::Sleep(pause);
    }
}

timespec time_of(const FILETIME& time) {
    constexpr std::int64_t from_1601_to_1970 = 11644473600;  // seconds
    const auto ticks = static_cast<std::int64_t>((static_cast<std::uint64_t>(time.dwHighDateTime) << 32) |
                                                 time.dwLowDateTime);  // of 100 ns
    timespec out{};
    out.tv_sec = ticks / 10000000 - from_1601_to_1970;
    out.tv_nsec = static_cast<long>(ticks % 10000000) * 100;
    return out;
}

int stat_of(HANDLE handle, struct posix_stat* out) {
    *out = {};
    const DWORD type = ::GetFileType(handle);
    if (type == FILE_TYPE_PIPE || type == FILE_TYPE_CHAR) {
        out->st_mode = (type == FILE_TYPE_PIPE ? _S_IFIFO : _S_IFCHR) | 0666;
        return 0;
    }
    BY_HANDLE_FILE_INFORMATION found{};
    if (::GetFileInformationByHandle(handle, &found) == 0) return failed();
    const bool is_directory = (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    const bool is_link = (found.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
    out->st_mode = is_link ? S_IFLNK : is_directory ? _S_IFDIR : _S_IFREG;
    out->st_mode |= (found.dwFileAttributes & FILE_ATTRIBUTE_READONLY) != 0 ? 0555U : 0777U;
    out->st_dev = found.dwVolumeSerialNumber;
    out->st_ino = (static_cast<std::uint64_t>(found.nFileIndexHigh) << 32) | found.nFileIndexLow;
    out->st_size =
        static_cast<std::int64_t>((static_cast<std::uint64_t>(found.nFileSizeHigh) << 32) | found.nFileSizeLow);
    out->st_mtim = time_of(found.ftLastWriteTime);
    return 0;
}

int stat_wide(const wchar_t* path, struct posix_stat* out, bool follows) {
    const Handle opened(::CreateFileW(path, FILE_READ_ATTRIBUTES, shared, nullptr, OPEN_EXISTING,
                                      FILE_FLAG_BACKUP_SEMANTICS | (follows ? 0U : FILE_FLAG_OPEN_REPARSE_POINT),
                                      nullptr));
    return opened.is_open() ? stat_of(opened.get(), out) : failed();
}

/// The system moves the file's own place along; POSIX does not.
class KeptPlace {
public:
    explicit KeptPlace(HANDLE file) : file_(file) { ::SetFilePointerEx(file_, {}, &place_, FILE_CURRENT); }
    KeptPlace(const KeptPlace&) = delete;
    KeptPlace& operator=(const KeptPlace&) = delete;
    ~KeptPlace() { ::SetFilePointerEx(file_, place_, nullptr, FILE_BEGIN); }

private:
    HANDLE file_;
    LARGE_INTEGER place_{};
};

OVERLAPPED at(off_t offset) {
    OVERLAPPED out{};
    out.Offset = static_cast<DWORD>(offset);
    out.OffsetHigh = static_cast<DWORD>(static_cast<std::uint64_t>(offset) >> 32);
    return out;
}

DWORD portion(std::size_t size) {
    return static_cast<DWORD>(std::min<std::size_t>(size, std::size_t{1} << 30));
}

/// The place behind the class that begins at `pattern`, "[a-z]"; NULL: it is never closed, and a letter like others.
const wchar_t* end_of_class(const wchar_t* pattern) {
    const wchar_t* at = pattern + 1;
    if (*at == L'!' || *at == L'^') ++at;
    if (*at == L']') ++at;
    for (; *at != L'\0'; ++at) {
        if (*at == L']') return at + 1;
    }
    return nullptr;
}

/// The one name that a pattern matches, in which [x] is x. None: there may be several.
std::optional<std::wstring> only_name(const std::wstring& pattern) {
    std::wstring out;
    for (const wchar_t* at = pattern.c_str(); *at != L'\0'; ++at) {
        if (*at == L'*' || *at == L'?') return std::nullopt;
        const wchar_t* const end = *at == L'[' ? end_of_class(at) : nullptr;
        constexpr std::ptrdiff_t of_one = 3;
        if (end && end - at != of_one) return std::nullopt;
        out += end ? at[1] : *at;
        if (end) at = end - 1;
    }
    return out;
}

/// Names that differ in this alone are one to Windows.
std::wstring in_capitals(const std::wstring& name) {
    std::wstring out(name.size(), L'\0');
    const auto size = static_cast<int>(name.size());  // a letter stays one
    const int mapped = ::LCMapStringEx(LOCALE_NAME_INVARIANT, LCMAP_UPPERCASE, name.data(), size, out.data(), size,
                                       nullptr, nullptr, 0);
    return mapped == size ? out : name;
}

/// `end` is what end_of_class() says.
bool is_in_class(const wchar_t* pattern, const wchar_t* end, wchar_t letter) {
    const wchar_t* at = pattern + 1;
    const bool negated = *at == L'!' || *at == L'^';
    if (negated) ++at;
    bool found = false;
    for (; at + 1 < end; ++at) {
        const wchar_t from = *at;
        if (at[1] == L'-' && at + 3 < end) at += 2;
        if (letter >= from && letter <= *at) found = true;
    }
    return found != negated;
}

bool matches(const wchar_t* pattern, const wchar_t* name) {
    while (*pattern != L'\0') {
        if (*pattern == L'*') {
            for (;; ++name) {
                if (matches(pattern + 1, name)) return true;
                if (*name == L'\0') return false;
            }
        }
        if (*name == L'\0') return false;
        const wchar_t* const end = *pattern == L'[' ? end_of_class(pattern) : nullptr;
        if (end ? !is_in_class(pattern, end, *name) : *pattern != L'?' && *pattern != *name) return false;
        pattern = end ? end : pattern + 1;
        ++name;
    }
    return *name == L'\0';
}

/// Adds to `found` what matches the rest of a pattern in a directory. False: a directory could not be read.
bool expand(const std::wstring& directory, std::wstring_view rest, std::vector<std::wstring>& found) {
    const auto slash = rest.find_first_of(L"/\\");
    const std::wstring part(rest.substr(0, slash));
    const auto behind = slash == std::wstring_view::npos ? std::wstring_view() : rest.substr(slash + 1);
    const bool is_last = slash == std::wstring_view::npos;
    const auto go_on = [&](const std::wstring& name) {
        if (!is_last) return expand(directory + name + L"/", behind, found);
        if (::GetFileAttributesW((directory + name).c_str()) != INVALID_FILE_ATTRIBUTES)
            found.push_back(directory + name);
        return true;
    };
    if (const auto only = only_name(part)) return go_on(*only);
    const std::wstring pattern = in_capitals(part);
    WIN32_FIND_DATAW entry{};
    const HANDLE search = ::FindFirstFileW((directory + L"*").c_str(), &entry);
    if (search == INVALID_HANDLE_VALUE) return ::GetLastError() != ERROR_ACCESS_DENIED;
    bool readable = true;
    do {
        const std::wstring name = entry.cFileName;
        if (name[0] == L'.' && part[0] != L'.') continue;
        const bool is_directory = (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
        if (matches(pattern.c_str(), in_capitals(name).c_str()) && (is_last || is_directory))
            readable = go_on(name) && readable;
    } while (::FindNextFileW(search, &entry) != 0);
    ::FindClose(search);
    return readable;
}

thread_local DWORD loader_error = 0;

}  // namespace

// ---- with paths of the standard library -----------------------------------------------------------------------------

int open(const wchar_t* path, int flags, int) {
    return open_wide(path, flags);
}

int rename(const wchar_t* from, const wchar_t* to) {
    return rename_wide(from, to);
}

int posix_stat(const wchar_t* path, struct posix_stat* out) {
    return stat_wide(path, out, true);
}

int mkdir(const wchar_t* path, int) {
    return ::CreateDirectoryW(path, nullptr) != 0 ? 0 : failed();
}

extern "C" {

// ---- in the place of the C runtime's own ----------------------------------------------------------------------------

int open(const char* path, int flags, ...) {
    return open_wide(wide(path), flags);
}

int rename(const char* from, const char* to) {
    return rename_wide(wide(from).c_str(), wide(to).c_str());
}

int unlink(const char* path) {
    return ::DeleteFileW(wide(path).c_str()) != 0 ? 0 : failed();
}

int access(const char* path, int mode) {
    const DWORD attributes = ::GetFileAttributesW(wide(path).c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) return failed();
    if ((mode & W_OK) == 0 || (attributes & FILE_ATTRIBUTE_READONLY) == 0 ||
        (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0)
        return 0;
    errno = EACCES;
    return -1;
}

// ---- what it lacks --------------------------------------------------------------------------------------------------

int faccessat(int, const char* path, int mode, int) {
    return access(path, mode);
}

int posix_fadvise(int, long long, long long, int) {
    return 0;
}

int fsync(int descriptor) {
    const HANDLE file = handle_of(descriptor);
    if (file == INVALID_HANDLE_VALUE) return failed(ERROR_INVALID_HANDLE);
    if (::FlushFileBuffers(file) != 0) return 0;
    // What cannot be written to has nothing to flush; NTFS keeps names in its own log, and a rename is written through.
    const DWORD error = ::GetLastError();
    BY_HANDLE_FILE_INFORMATION found{};
    const bool is_directory =
        ::GetFileInformationByHandle(file, &found) != 0 && (found.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    if (is_directory) return 0;
    if (::GetFileType(file) != FILE_TYPE_DISK) {
        errno = EINVAL;
        return -1;
    }
    return failed(error);
}

int fdatasync(int descriptor) {
    return fsync(descriptor);
}

ssize_t pread(int descriptor, void* to, size_t size, off_t offset) {
    const HANDLE file = handle_of(descriptor);
    const KeptPlace kept(file);
    OVERLAPPED from = at(offset);
    DWORD got = 0;
    if (::ReadFile(file, to, portion(size), &got, &from) != 0) return static_cast<ssize_t>(got);
    return ::GetLastError() == ERROR_HANDLE_EOF ? 0 : failed();
}

ssize_t pwrite(int descriptor, const void* from, size_t size, off_t offset) {
    const HANDLE file = handle_of(descriptor);
    const KeptPlace kept(file);
    OVERLAPPED to = at(offset);
    DWORD wrote = 0;
    if (::WriteFile(file, from, portion(size), &wrote, &to) != 0) return static_cast<ssize_t>(wrote);
    return failed();
}

int posix_stat(const char* path, struct posix_stat* out) {
    return stat_wide(wide(path).c_str(), out, true);
}

int posix_lstat(const char* path, struct posix_stat* out) {
    return stat_wide(wide(path).c_str(), out, false);
}

int posix_fstat(int descriptor, struct posix_stat* out) {
    const HANDLE file = handle_of(descriptor);
    return file == INVALID_HANDLE_VALUE ? failed(ERROR_INVALID_HANDLE) : stat_of(file, out);
}

int flock(int descriptor, int operation) {
    const HANDLE file = handle_of(descriptor);
    // A lock keeps others from its bytes: this one lies behind every file.
    OVERLAPPED place = at(static_cast<off_t>(1) << 62);
    if ((operation & LOCK_UN) != 0) return ::UnlockFileEx(file, 0, 1, 0, &place) != 0 ? 0 : failed();
    const DWORD flags = ((operation & LOCK_EX) != 0 ? LOCKFILE_EXCLUSIVE_LOCK : 0U) |
                        ((operation & LOCK_NB) != 0 ? LOCKFILE_FAIL_IMMEDIATELY : 0U);
    return ::LockFileEx(file, flags, 0, 1, 0, &place) != 0 ? 0 : failed();
}

char* realpath(const char* path, char* resolved) {
    const Handle opened(::CreateFileW(wide(path).c_str(), FILE_READ_ATTRIBUTES, shared, nullptr, OPEN_EXISTING,
                                      FILE_FLAG_BACKUP_SEMANTICS, nullptr));
    std::wstring found(32768, L'\0');
    const DWORD size = opened.is_open() ? ::GetFinalPathNameByHandleW(opened.get(), found.data(), 32768, 0) : 0;
    if (size == 0) {
        failed();
        return nullptr;
    }
    found.resize(size);
    if (found.compare(0, 4, L"\\\\?\\") == 0) found.erase(0, 4);
    std::string out = narrow(found.c_str());
    std::replace(out.begin(), out.end(), '\\', '/');
    return resolved ? ::strcpy(resolved, out.c_str()) : ::_strdup(out.c_str());
}

char* mkdtemp(char* name) {
    const std::size_t size = ::strlen(name);
    constexpr std::size_t letters = 6;
    constexpr char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    for (unsigned i = 0; size >= letters && i < 1000; ++i) {
        LARGE_INTEGER now{};
        ::QueryPerformanceCounter(&now);
        auto number = static_cast<std::uint64_t>(now.QuadPart) * 1000 + i + ::GetCurrentProcessId();
        for (std::size_t at = size - letters; at < size; ++at, number /= 36)
            name[at] = alphabet[number % 36];
        if (::CreateDirectoryW(wide(name).c_str(), nullptr) != 0) return name;
        if (::GetLastError() != ERROR_ALREADY_EXISTS) break;
    }
    failed();
    return nullptr;
}

void* dlopen(const char* path, int) {
    std::wstring place = wide(path);
    std::replace(place.begin(), place.end(), L'/', L'\\');
    // What it needs is looked for beside it, when it is named with a directory.
    const bool has_directory = place.find(L'\\') != std::wstring::npos;
    const HMODULE loaded = ::LoadLibraryExW(place.c_str(), nullptr, has_directory ? LOAD_WITH_ALTERED_SEARCH_PATH : 0);
    if (!loaded) loader_error = ::GetLastError();
    return loaded;
}

void* dlsym(void* library, const char* name) {
    const auto found = ::GetProcAddress(static_cast<HMODULE>(library), name);
    if (!found) loader_error = ::GetLastError();
    return reinterpret_cast<void*>(found);
}

char* dlerror() {
    thread_local char text[64];
    ::snprintf(text, sizeof text, "Windows error %lu", loader_error);
    return text;
}

void explicit_bzero(void* where, size_t size) {
    ::SecureZeroMemory(where, size);
}

int glob(const char* pattern, int, int (*)(const char*, int), glob_t* matches) {
    *matches = {};
    const std::wstring all = wide(pattern);
    std::wstring root;
    std::wstring_view rest = all;
    if (rest.size() > 1 && rest[1] == L':') {
        root = rest.substr(0, 2);
        rest.remove_prefix(2);
    }
    while (!rest.empty() && (rest[0] == L'/' || rest[0] == L'\\')) {
        root += L'/';
        rest.remove_prefix(1);
    }
    std::vector<std::wstring> found;
    if (!expand(root, rest, found)) {
        errno = EACCES;
        return GLOB_ABORTED;
    }
    if (found.empty()) return GLOB_NOMATCH;
    matches->gl_pathv = static_cast<char**>(::calloc(found.size() + 1, sizeof(char*)));
    if (!matches->gl_pathv) return GLOB_NOSPACE;
    for (const auto& one : found)
        matches->gl_pathv[matches->gl_pathc++] = ::_strdup(narrow(one.c_str()).c_str());
    return 0;
}

void globfree(glob_t* matches) {
    for (size_t i = 0; i < matches->gl_pathc; ++i)
        ::free(matches->gl_pathv[i]);
    ::free(matches->gl_pathv);
    *matches = {};
}
}
