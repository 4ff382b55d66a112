/* A file system without locks, as Lustre's is where it is mounted without -o flock. Preloaded into a process (LD_PRELOAD). */
#include <errno.h>

int flock(int descriptor, int operation)
{
    (void)descriptor;
    (void)operation;
    errno = ENOSYS;
    return -1;
}
