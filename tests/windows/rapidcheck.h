// RapidCheck is not cross-built for Windows: the files that use it are left out (left_out.cmake), and others include
// this.
