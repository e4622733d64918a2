#pragma once
#include <winsock2.h>

#include <afunix.h>
