#include "track.h"
#include <err.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct track *track_open(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0)
        err(1, "%s", path);
    if ((size_t)st.st_size < sizeof(struct track))
        errx(1, "%s: too small", path);
    struct track *t = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (t == MAP_FAILED)
        err(1, "%s", path);
    close(fd);
    t->n = ((size_t)st.st_size - sizeof *t) / sizeof t->at[0];
    return t;
}
