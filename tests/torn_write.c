/* Put before the C library (LD_PRELOAD): makes half of the TORN_AT-th change to files under TORN_FOLDER
   and kills the process, as SIGKILL may do in the midst of a long write. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int changes = 0;

static int is_last(const char *path) {
    const char *folder = getenv("TORN_FOLDER"), *at = getenv("TORN_AT");
    return folder && at && !strncmp(path, folder, strlen(folder)) && ++changes == atoi(at);
}

static int is_last_of(int file) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_last(path);
}

static int die(void) { return kill(getpid(), SIGKILL); }

ssize_t write(int file, const void *bytes, size_t size) {
    ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
    int is_torn = is_last_of(file);
    ssize_t written = real(file, bytes, is_torn ? size / 2 : size);
    return is_torn ? die() : written;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset) {
    ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
    int is_torn = is_last_of(file);
    ssize_t written = real(file, bytes, is_torn ? size / 2 : size, offset);
    return is_torn ? die() : written;
}

int ftruncate(int file, off_t length) {
    int (*real)(int, off_t) = dlsym(RTLD_NEXT, "ftruncate");
    return is_last_of(file) ? die() : real(file, length);
}

int rename(const char *from, const char *to) {
    int (*real)(const char *, const char *) = dlsym(RTLD_NEXT, "rename");
    return is_last(from) ? die() : real(from, to);
}

int unlink(const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, "unlink");
    return is_last(path) ? die() : real(path);
}

int remove(const char *path) {
    int (*real)(const char *) = dlsym(RTLD_NEXT, "remove");
    return is_last(path) ? die() : real(path);
}
