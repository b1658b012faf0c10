// What Python's headers have to know of Windows for 64 bits, in place of this system's pyconfig.h. Sizes are in bytes.

#pragma once

#include <sys/types.h>

#define MS_WINDOWS
#define MS_WIN32
#define MS_WIN64
#define NT_THREADS

// Python is in a library, whose variables are imported.
#define Py_ENABLE_SHARED  1
#define HAVE_DECLSPEC_DLL 1

#define HAVE_SSIZE_T 1

#define SIZEOF_SHORT     2
#define SIZEOF_INT       4
#define SIZEOF_LONG      4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_VOID_P    8
#define SIZEOF_SIZE_T    8
#define SIZEOF_TIME_T    8
#define SIZEOF_OFF_T     4
#define SIZEOF_PID_T     4
#define SIZEOF_WCHAR_T   2
#define SIZEOF_FLOAT     4
#define SIZEOF_DOUBLE    8
