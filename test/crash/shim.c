/*
 * LD_PRELOAD shim of the crash sweep. Counts every call that changes a regular file or a folder, over all processes that
 * share one memory file, and kills them at the N-th, or lets every later call that needs space fail with ENOSPC.
 *   CRASH_SHM   path of a file of sizeof(struct shared) zero bytes; the test sets `target`, `torn`, `owner_only` and `disk_full`.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_PIDS 1000

struct shared {
  atomic_int count;
  int target;     /* 0: only count */
  int torn;       /* 1: a write is cut in half before the kill */
  int owner_only; /* 1: only the first process (node) dies, its children live on */
  int disk_full;  /* 1: nobody dies, but from the N-th call on there is no space left */
  atomic_int dead;
  atomic_int npids;
  int pids[MAX_PIDS];
};

static struct shared *shared;

__attribute__((constructor)) static void attach(void) {
  const char *path = getenv("CRASH_SHM");
  if (!path) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  void *map = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  syscall(SYS_close, fd);
  if (map == MAP_FAILED) return;
  shared = map;
  int slot = atomic_fetch_add(&shared->npids, 1);
  if (slot < MAX_PIDS) shared->pids[slot] = (int)getpid();
}

static void end_all(void) {
  if (shared->owner_only) {
    kill(shared->pids[0], SIGKILL);
    return;
  }
  atomic_store(&shared->dead, 1);
  int self = (int)getpid(), known = atomic_load(&shared->npids);
  for (int i = 0; i < known && i < MAX_PIDS; i++)
    if (shared->pids[i] && shared->pids[i] != self) kill(shared->pids[i], SIGKILL);
  kill(self, SIGKILL);
  for (;;) pause();
}

/* True exactly at the call that must not (fully) happen. */
static int reached(void) {
  if (!shared) return 0;
  if (atomic_load(&shared->dead)) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
  }
  int now = atomic_fetch_add(&shared->count, 1) + 1;
  if (shared->disk_full) return 0;
  return now == shared->target;
}

static int no_space(void) {
  if (!shared || !shared->disk_full || atomic_load(&shared->count) < shared->target) return 0;
  errno = ENOSPC;
  return 1;
}

static int regular(int fd) {
  struct stat st;
  return syscall(SYS_fstat, fd, &st) == 0 && S_ISREG(st.st_mode);
}

#define NEXT(type, name, ...) \
  static type (*next)(__VA_ARGS__); \
  if (!next) next = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

#define POINT if (reached()) end_all()

ssize_t write(int fd, const void *data, size_t size) {
  NEXT(ssize_t, "write", int, const void *, size_t);
  if (shared && regular(fd) && reached()) {
    if (shared->torn && !shared->owner_only && size > 1) next(fd, data, size / 2);
    end_all();
  }
  if (shared && shared->disk_full && regular(fd) && no_space()) return -1;
  return next(fd, data, size);
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
  NEXT(ssize_t, "writev", int, const struct iovec *, int);
  if (shared && regular(fd)) POINT;
  return next(fd, parts, count);
}
ssize_t pwrite(int fd, const void *data, size_t size, off_t offset) {
  NEXT(ssize_t, "pwrite", int, const void *, size_t, off_t);
  if (shared && regular(fd) && reached()) {
    if (shared->torn && !shared->owner_only && size > 1) next(fd, data, size / 2, offset);
    end_all();
  }
  if (no_space()) return -1;
  return next(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset) {
  NEXT(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  if (shared && regular(fd) && reached()) {
    if (shared->torn && !shared->owner_only && size > 1) next(fd, data, size / 2, offset);
    end_all();
  }
  if (no_space()) return -1;
  return next(fd, data, size, offset);
}

#define MODE_OF(flags, last) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { \
    va_list list; \
    va_start(list, last); \
    mode = va_arg(list, mode_t); \
    va_end(list); \
  }

#define OPENER(name) \
  int name(const char *path, int flags, ...) { \
    NEXT(int, #name, const char *, int, ...); \
    MODE_OF(flags, flags) \
    if (flags & (O_CREAT | O_TRUNC)) POINT; \
    if ((flags & O_CREAT) && no_space()) return -1; \
    return next(path, flags, mode); \
  }
#define OPENER_AT(name) \
  int name(int dir, const char *path, int flags, ...) { \
    NEXT(int, #name, int, const char *, int, ...); \
    MODE_OF(flags, flags) \
    if (flags & (O_CREAT | O_TRUNC)) POINT; \
    if ((flags & O_CREAT) && no_space()) return -1; \
    return next(dir, path, flags, mode); \
  }
OPENER(open)
OPENER(open64)
OPENER_AT(openat)
OPENER_AT(openat64)

int rename(const char *from, const char *to) { NEXT(int, "rename", const char *, const char *); POINT; return next(from, to); }
int renameat(int a, const char *from, int b, const char *to) { NEXT(int, "renameat", int, const char *, int, const char *); POINT; return next(a, from, b, to); }
int unlink(const char *path) { NEXT(int, "unlink", const char *); POINT; return next(path); }
int unlinkat(int dir, const char *path, int flags) { NEXT(int, "unlinkat", int, const char *, int); POINT; return next(dir, path, flags); }
int link(const char *from, const char *to) { NEXT(int, "link", const char *, const char *); POINT; return next(from, to); }
int symlink(const char *to, const char *path) { NEXT(int, "symlink", const char *, const char *); POINT; return next(to, path); }
int mkdir(const char *path, mode_t mode) { NEXT(int, "mkdir", const char *, mode_t); POINT; if (no_space()) return -1; return next(path, mode); }
int rmdir(const char *path) { NEXT(int, "rmdir", const char *); POINT; return next(path); }
int fsync(int fd) { NEXT(int, "fsync", int); POINT; return next(fd); }
int fdatasync(int fd) { NEXT(int, "fdatasync", int); POINT; return next(fd); }
int ftruncate(int fd, off_t size) { NEXT(int, "ftruncate", int, off_t); POINT; return next(fd, size); }
int ftruncate64(int fd, off64_t size) { NEXT(int, "ftruncate64", int, off64_t); POINT; return next(fd, size); }
