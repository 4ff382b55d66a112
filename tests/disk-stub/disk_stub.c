/* A disk that refuses from the n-th operation on. Preloaded into a process (LD_PRELOAD), it counts what the process does to files whose
 * path contains DISK_STUB_PLACE or DISK_STUB_BEGIN, and plays the order in the file DISK_STUB_ORDER, which may be written at any time:
 *   "full N"       from the N-th operation on, ENOSPC; deleting works, as it does on a full disk
 *   "read-only N"  from the N-th operation on, EROFS; deleting too
 * The count begins with the first folder that is made below DISK_STUB_BEGIN after the order was given. Without the file everything works.
 * Each operation that is counted is a line in DISK_STUB_LOG: its number, its name, its path.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum kind { CREATES, DELETES };

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static char last_order[64];
static long count;
static int counting;

static void *real_dlsym(void *handle, const char *name)
{
    static void *(*next)(void *, const char *);
    static const char *const versions[] = { "GLIBC_2.34", "GLIBC_2.17", "GLIBC_2.2.5", "GLIBC_2.27" };
    for (size_t i = 0; next == NULL && i < sizeof versions / sizeof *versions; i++)
        *(void **)&next = dlvsym(RTLD_NEXT, "dlsym", versions[i]);
    if (next == NULL)
        abort();
    return next(handle, name);
}

/* Not through what is interposed here. */
static int read_order(char *order, size_t size)
{
    static int (*real_open)(const char *, int, ...);
    const char *path = getenv("DISK_STUB_ORDER");
    if (real_open == NULL)
        *(void **)&real_open = real_dlsym(RTLD_NEXT, "open");
    int file = path == NULL ? -1 : real_open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t length = read(file, order, size - 1);
    close(file);
    order[length < 0 ? 0 : length] = 0;
    return length > 0;
}

static void tell(const char *name, const char *path)
{
    static FILE *log;
    if (log == NULL && getenv("DISK_STUB_LOG") != NULL)
        log = fopen(getenv("DISK_STUB_LOG"), "ae");
    if (log == NULL)
        return;
    fprintf(log, "%ld %s %s\n", count, name, path);
    fflush(log);
}

/* 0 where the operation may happen, otherwise the error. */
static int refusal(const char *name, const char *path, enum kind kind)
{
    const char *place = getenv("DISK_STUB_PLACE");
    const char *begin = getenv("DISK_STUB_BEGIN");
    if (path == NULL || place == NULL || begin == NULL || (strstr(path, place) == NULL && strstr(path, begin) == NULL))
        return 0;

    int saved = errno;
    int error = 0;
    char order[sizeof last_order];
    pthread_mutex_lock(&gate);
    if (!read_order(order, sizeof order)) {
        counting = 0;
        last_order[0] = 0;
    } else {
        if (strcmp(order, last_order) != 0) {
            strcpy(last_order, order);
            counting = 0;
        }
        int full = strncmp(order, "full ", 5) == 0;
        long from = atol(strchr(order, ' ') == NULL ? "" : strchr(order, ' '));
        /* A refusal lasts; a round that was complete begins anew. */
        if (strcmp(name, "mkdir") == 0 && strstr(path, begin) != NULL && (!counting || count < from)) {
            counting = 1;
            count = 0;
        }
        if (counting && (kind == CREATES || !full)) {
            count++;
            tell(name, path);
            if (count >= from)
                error = full ? ENOSPC : EROFS;
        }
    }
    pthread_mutex_unlock(&gate);
    errno = saved;
    return error;
}

static int refusal_of_file(const char *name, int file)
{
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return 0;
    path[length] = 0;
    return refusal(name, path, CREATES);
}

#define REAL(result, name, ...) \
    static result (*real)(__VA_ARGS__); \
    if (real == NULL) \
        *(void **)&real = real_dlsym(RTLD_NEXT, name)

#define REFUSE(expression) \
    do { \
        int error = (expression); \
        if (error != 0) { \
            errno = error; \
            return -1; \
        } \
    } while (0)

#define OPEN(function) \
    int function(const char *path, int flags, ...) \
    { \
        REAL(int, #function, const char *, int, ...); \
        va_list more; \
        va_start(more, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(more, mode_t) : 0; \
        va_end(more); \
        if ((flags & O_ACCMODE) != O_RDONLY) \
            REFUSE(refusal("open", path, CREATES)); \
        return real(path, flags, mode); \
    }

#define PWRITE(function, offset_type) \
    ssize_t function(int file, const void *bytes, size_t size, offset_type offset) \
    { \
        REAL(ssize_t, #function, int, const void *, size_t, offset_type); \
        REFUSE(refusal_of_file("write", file)); \
        return real(file, bytes, size, offset); \
    }

OPEN(open)
OPEN(open64)
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

int fsync(int file)
{
    REAL(int, "fsync", int);
    REFUSE(refusal_of_file("fsync", file));
    return real(file);
}

int mkdir(const char *path, mode_t mode)
{
    REAL(int, "mkdir", const char *, mode_t);
    REFUSE(refusal("mkdir", path, CREATES));
    return real(path, mode);
}

int rename(const char *from, const char *to)
{
    REAL(int, "rename", const char *, const char *);
    REFUSE(refusal("rename", to, CREATES));
    return real(from, to);
}

int renameat2(int folder, const char *from, int other, const char *to, unsigned flags)
{
    REAL(int, "renameat2", int, const char *, int, const char *, unsigned);
    REFUSE(refusal("rename", to, CREATES));
    return real(folder, from, other, to, flags);
}

int unlink(const char *path)
{
    REAL(int, "unlink", const char *);
    REFUSE(refusal("unlink", path, DELETES));
    return real(path);
}

int rmdir(const char *path)
{
    REAL(int, "rmdir", const char *);
    REFUSE(refusal("rmdir", path, DELETES));
    return real(path);
}

/* .NET looks up what a LibraryImport names by itself, in libc alone. */
void *dlsym(void *handle, const char *name)
{
    if (strcmp(name, "fsync") == 0)
        return (void *)fsync;
    if (strcmp(name, "renameat2") == 0)
        return (void *)renameat2;
    return real_dlsym(handle, name);
}
