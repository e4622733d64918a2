// The command line: the only module that knows all others.
#pragma once

namespace leat::cli {

/// Does what the arguments say and returns the exit code.
int main(int argc, char** argv);

}  // namespace leat::cli
