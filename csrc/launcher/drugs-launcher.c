// Windows only: the program `drugs.exe` (or `drugs-rpc-server.exe`) on the PATH. Windows loads a program's libraries from the
// program's own folder, and pip puts programs elsewhere; so this starts the program of the same name that is next to the
// libraries, with the same arguments, and ends with its exit code.

#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <stdio.h>
#include <wchar.h>

#define LONGEST 32768 // characters of a path, Windows' limit

// Where pip puts packages, as seen from the folder of programs: in a virtual environment or a Python, in a user's folder, and
// with `pip install --target`.
static const wchar_t * const FOLDERS[] = {
    L"..\\Lib\\site-packages\\drugs_cpp\\lib",
    L"..\\site-packages\\drugs_cpp\\lib",
    L"..\\drugs_cpp\\lib",
};

static const int N_FOLDERS = sizeof(FOLDERS)/sizeof(FOLDERS[0]);

static int exists(const wchar_t * path) {
    const DWORD attributes = GetFileAttributesW(path);
    return attributes != INVALID_FILE_ATTRIBUTES && !(attributes & FILE_ATTRIBUTE_DIRECTORY);
}

// returns 0 if there is no such program
static int find_program(const wchar_t * own, wchar_t * program) {
    const wchar_t * slash = wcsrchr(own, L'\\');
    if (!slash) {
        return 0;
    }
    for (int i = 0; i < N_FOLDERS; i++) {
        const int n = swprintf(program, LONGEST, L"%.*ls\\%ls%ls", (int) (slash - own), own, FOLDERS[i], slash);
        if (n > 0 && exists(program)) {
            return 1;
        }
    }
    return 0;
}

// Ctrl-C reaches the program as well, which decides what it means.
static BOOL WINAPI go_on(DWORD event) {
    return event == CTRL_C_EVENT || event == CTRL_BREAK_EVENT;
}

// The program ends when this one does, even if this one is killed.
static void end_together(HANDLE process) {
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = { 0 };
    limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_SILENT_BREAKAWAY_OK;
    HANDLE job = CreateJobObjectW(NULL, NULL); // stays open as long as this process
    if (job && SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof(limits))) {
        AssignProcessToJobObject(job, process);
    }
}

static int run(const wchar_t * program) {
    STARTUPINFOW        start   = { 0 };
    PROCESS_INFORMATION started = { 0 };
    start.cb = sizeof(start);
    SetConsoleCtrlHandler(go_on, TRUE);
    if (!CreateProcessW(program, GetCommandLineW(), NULL, NULL, TRUE, CREATE_SUSPENDED, NULL, NULL, &start, &started)) {
        fprintf(stderr, "drugs_cpp: error: Windows cannot start %ls (error %lu)\n", program, GetLastError());
        return 1;
    }
    end_together(started.hProcess);
    ResumeThread(started.hThread);
    WaitForSingleObject(started.hProcess, INFINITE);
    DWORD code = 1;
    GetExitCodeProcess(started.hProcess, &code);
    return (int) code;
}

int main(void) {
    static wchar_t own[LONGEST], program[LONGEST];
    const DWORD length = GetModuleFileNameW(NULL, own, LONGEST);
    if (length == 0 || length == LONGEST || !find_program(own, program)) {
        fprintf(stderr, "drugs_cpp: error: the package is not next to %ls: install it again with pip\n", own);
        return 1;
    }
    return run(program);
}
