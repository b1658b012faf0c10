#include "default-threads.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(_WIN32)
#ifndef NOMINMAX
#define NOMINMAX
#endif
#include <windows.h>
#endif

static int32_t logical_processors() {
    return std::max(1, (int32_t) std::thread::hardware_concurrency());
}

//
// Linux: files
//

static std::string first_line(const std::string & path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

// "0-3,8" -> 0 1 2 3 8
static std::set<int> read_list(const std::string & text) {
    std::set<int> numbers;
    std::istringstream ranges(text);
    for (std::string range; std::getline(ranges, range, ','); ) {
        std::istringstream ends(range);
        int first;
        if (!(ends >> first)) {
            continue;
        }
        int last = first;
        ends.ignore(1, '-');
        ends >> last;
        for (int number = first; number <= last; ++number) {
            numbers.insert(number);
        }
    }
    return numbers;
}

static int32_t physical_cores(const std::string & root, const std::vector<int> & processors) {
    // exists only if there are slow cores as well
    const std::set<int> fast = read_list(first_line(root + "/sys/devices/cpu_core/cpus"));

    std::set<std::string> cores;
    for (const int processor : processors) {
        const std::string number = std::to_string(processor);
        const std::string siblings = first_line(root + "/sys/devices/system/cpu/cpu" + number + "/topology/thread_siblings_list");
        if (fast.empty() || fast.count(processor)) {
            cores.insert(siblings.empty() ? number : siblings);
        }
    }
    return (int32_t) (cores.empty() ? processors.size() : cores.size()); // only slow ones are allowed
}

//
// Linux: control groups
//

static const double UNLIMITED = std::numeric_limits<double>::infinity();

// quota and period in microseconds of processor time; "max" or a negative number: no limit
static double processors_of(const std::string & quota, const std::string & period) {
    std::istringstream texts(quota + " " + period);
    double used, of;
    return texts >> used >> of && used > 0 && of > 0 ? used/of : UNLIMITED;
}

static double limit_of_v2(const std::string & group) {
    std::istringstream line(first_line(group + "/cpu.max"));
    std::string quota, period;
    line >> quota >> period;
    return processors_of(quota, period);
}

static double limit_of_v1(const std::string & group) {
    return processors_of(first_line(group + "/cpu.cfs_quota_us"), first_line(group + "/cpu.cfs_period_us"));
}

// The lowest limit of a group and its parents. In a container, the path may be one of the surrounding machine, where there is
// nothing to find, and the files at the top are the container's.
static double limit_of_groups(double (*limit_of)(const std::string &), const std::string & top, std::string path) {
    double least = limit_of(top);
    while (path.size() > 1) {
        least = std::min(least, limit_of(top + path));
        path.resize(path.rfind('/'));
    }
    return least;
}

static double processors_of_groups(const std::string & root) {
    double least = UNLIMITED;
    std::ifstream groups(root + "/proc/self/cgroup"); // lines of the form NUMBER:CONTROLLERS:PATH
    for (std::string line; std::getline(groups, line); ) {
        const size_t controllers = line.find(':') + 1;
        const size_t path        = line.find(':', controllers) + 1;
        if (controllers == 0 || path == 0) {
            continue;
        }
        const std::string named = line.substr(controllers, path - 1 - controllers);
        const std::string group = line.substr(path);
        if (named.empty()) {
            least = std::min(least, limit_of_groups(limit_of_v2, root + "/sys/fs/cgroup", group));
        } else if (("," + named + ",").find(",cpu,") != std::string::npos) {
            least = std::min(least, limit_of_groups(limit_of_v1, root + "/sys/fs/cgroup/" + named, group));
            least = std::min(least, limit_of_groups(limit_of_v1, root + "/sys/fs/cgroup/cpu", group));
        }
    }
    return least;
}

int32_t drugs_default_threads(const std::string & root, const std::vector<int> & processors) {
    const double allowed = std::ceil(processors_of_groups(root));
    return std::max(1, (int32_t) std::min<double>(allowed, physical_cores(root, processors)));
}

//
// this process
//

#if defined(__linux__)

int32_t drugs_default_threads() {
    std::vector<int> processors;
    cpu_set_t set;
    const int32_t n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_SETSIZE : 0; // fails if there are more
    for (int32_t i = 0; i < n; ++i) {
        if (CPU_ISSET(i, &set)) {
            processors.push_back(i);
        }
    }
    for (int32_t i = 0; processors.empty() && i < logical_processors(); ++i) {
        processors.push_back(i);
    }
    return drugs_default_threads("", processors);
}

#elif defined(__APPLE__)

int32_t drugs_default_threads() {
    for (const char * name : { "hw.perflevel0.physicalcpu", "hw.physicalcpu" }) {
        int32_t n_cores = 0;
        size_t  size    = sizeof(n_cores);
        if (sysctlbyname(name, &n_cores, &size, nullptr, 0) == 0 && n_cores > 0) {
            return n_cores;
        }
    }
    return logical_processors();
}

#elif defined(_WIN32)

int32_t drugs_default_threads() {
    DWORD size = 0;
    GetLogicalProcessorInformationEx(RelationProcessorCore, nullptr, &size);
    std::vector<char> cores(size);
    auto * first = (PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX) cores.data();
    if (size == 0 || !GetLogicalProcessorInformationEx(RelationProcessorCore, first, &size)) {
        return logical_processors();
    }
    int32_t n_cores = 0;
    for (DWORD at = 0; at < size; at += ((PSYSTEM_LOGICAL_PROCESSOR_INFORMATION_EX) (cores.data() + at))->Size) {
        ++n_cores;
    }
    return std::max(1, n_cores);
}

#else

int32_t drugs_default_threads() {
    return logical_processors();
}

#endif
