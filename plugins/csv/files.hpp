// Files are found, read, unpacked, written and cut back by the same code as those of ndjson.
#pragma once

#include "../ndjson/byte_input.hpp"
#include "../ndjson/foreign_format.hpp"
#include "../ndjson/input_files.hpp"
#include "../ndjson/output_file.hpp"
#include "../ndjson/read_files.hpp"

namespace csv {

using ndjson::Arrival;
using ndjson::ByteInput;
using ndjson::Compression;
using ndjson::FileMark;
using ndjson::FileToRead;
using ndjson::InputFile;
using ndjson::OutputFile;
using ndjson::ReadFiles;
using ndjson::TextEnd;

}  // namespace csv
