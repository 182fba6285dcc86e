/* Notes what of a folder is sure to be on the disk, so that test/crash/power-cut.ts can take away the rest after a kill:
 * as if the power had failed. Preloaded (LD_PRELOAD) into a broker of the crash trials; nothing of godwit knows it.
 *
 *   POWER_CUT_FOLDER   the data folder, as its user names it; only the files right in it count
 *   POWER_CUT_JOURNAL  what happened, a line each, appended to this file
 *   POWER_CUT_ATTIC    a folder of the same file system: a second link to each file, named by its inode number, keeps
 *                      files that are unlinked or replaced, and keeps their numbers from being used again
 *
 *   create INODE NAME | rename FROM TO | unlink NAME | truncate INODE LENGTH
 *   begin TIME                                   an fsync or fdatasync begins, at this microsecond of the system's run
 *   sync INODE LENGTH POSITION MICROSECONDS      it is over: of a file that was so long when it began
 *   syncdir POSITION MICROSECONDS                it is over: of the folder
 *
 * POSITION is the number of lines up to its `begin`: what came in after that is not sure by it.
 * A line is written when its call has succeeded, so a kill in between makes less sure, never more. Lengths are asked
 * of the kernel, not summed up from writes: stdio's own, which no symbol leads to, are in them. sync_file_range is
 * left alone, as it makes nothing sure. Neither are writes to mapped memory followed: LevelDB maps for reading only. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *folder, *attic;
static size_t folder_length;
static ino_t folder_inode;
static int journal = -1;
static long position;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void fail(const char *what) {
  dprintf(2, "power-cut: %s: %s\n", what, strerror(errno));
  abort();
}

__attribute__((constructor)) static void begin(void) {
  const char *path = getenv("POWER_CUT_JOURNAL");
  struct stat status;
  folder = getenv("POWER_CUT_FOLDER");
  attic = getenv("POWER_CUT_ATTIC");
  if (path == NULL || folder == NULL || attic == NULL) return;
  folder_length = strlen(folder);
  if (stat(folder, &status) != 0) fail(folder);
  folder_inode = status.st_ino;
  journal = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (journal < 0) fail(path);
}

/* The name in the folder, or NULL for what lies elsewhere. */
static const char *name_of(const char *path) {
  if (journal < 0 || path == NULL || strncmp(path, folder, folder_length) != 0) return NULL;
  if (path[folder_length] != '/' || strchr(path + folder_length + 1, '/') != NULL) return NULL;
  return path + folder_length + 1;
}

/* With the lock held. */
static void note(const char *format, ...) {
  char line[4096];
  va_list values;
  va_start(values, format);
  int length = vsnprintf(line, sizeof line, format, values);
  va_end(values);
  if (length >= (int)sizeof line || write(journal, line, length) != length) fail("the journal");
  position++;
}

static int link_of(ino_t inode, char *path, size_t size) {
  return snprintf(path, size, "%s/%lu", attic, (unsigned long)inode) < (int)size;
}

/* 0: not of the folder. */
static int is_ours(const struct stat *status) {
  char second[4096];
  if (S_ISDIR(status->st_mode)) return status->st_ino == folder_inode;
  return link_of(status->st_ino, second, sizeof second) && access(second, F_OK) == 0;
}

/* It was opened so that it may have come to be, or to be empty. With the lock held. */
static void note_opened(const char *path, const char *name, int file, int is_truncated) {
  char second[4096];
  struct stat status;
  if (fstat(file, &status) != 0 || !link_of(status.st_ino, second, sizeof second)) fail(path);
  if (link(path, second) == 0) note("create %lu %s\n", (unsigned long)status.st_ino, name);
  else if (errno != EEXIST) fail(second);
  else if (is_truncated) note("truncate %lu 0\n", (unsigned long)status.st_ino);
}

/* The function that would have been called without us. */
#define NEXT(type, name)         \
  static __typeof__(type) *next; \
  if (next == NULL) next = (__typeof__(type) *)dlsym(RTLD_NEXT, name)

typedef FILE *fopen_type(const char *, const char *);
static FILE *opened_stream(fopen_type *next, const char *path, const char *mode) {
  const char *name = strpbrk(mode, "wa+") == NULL ? NULL : name_of(path);
  if (name == NULL) return next(path, mode);
  pthread_mutex_lock(&lock);
  FILE *stream = next(path, mode);
  int error = errno;
  if (stream != NULL) note_opened(path, name, fileno(stream), mode[0] == 'w');
  pthread_mutex_unlock(&lock);
  errno = error;
  return stream;
}

FILE *fopen64(const char *path, const char *mode) {
  NEXT(fopen_type, "fopen64");
  return opened_stream(next, path, mode);
}

FILE *fopen(const char *path, const char *mode) {
  NEXT(fopen_type, "fopen");
  return opened_stream(next, path, mode);
}

typedef int open_type(const char *, int, ...);
static int opened(open_type *next, const char *path, int flags, mode_t mode) {
  const char *name = (flags & (O_CREAT | O_TRUNC)) == 0 ? NULL : name_of(path);
  if (name == NULL) return next(path, flags, mode);
  pthread_mutex_lock(&lock);
  int file = next(path, flags, mode);
  int error = errno;
  if (file >= 0) note_opened(path, name, file, (flags & O_TRUNC) != 0);
  pthread_mutex_unlock(&lock);
  errno = error;
  return file;
}

#define HAS_MODE(flags) (((flags) & O_CREAT) != 0 || ((flags) & O_TMPFILE) == O_TMPFILE)
#define OPEN(name)                                                \
  int name(const char *path, int flags, ...) {                    \
    NEXT(open_type, #name);                                       \
    va_list values;                                               \
    va_start(values, flags);                                      \
    mode_t mode = HAS_MODE(flags) ? va_arg(values, mode_t) : 0;   \
    va_end(values);                                               \
    return opened(next, path, flags, mode);                       \
  }
OPEN(open)
OPEN(open64)

typedef int truncate_type(int, off64_t);
static int truncated(truncate_type *next, int file, off64_t length) {
  struct stat status;
  int result = next(file, length);
  if (result != 0 || journal < 0 || fstat(file, &status) != 0) return result;
  if (!is_ours(&status)) return result;
  pthread_mutex_lock(&lock);
  note("truncate %lu %ld\n", (unsigned long)status.st_ino, (long)length);
  pthread_mutex_unlock(&lock);
  return result;
}

int ftruncate(int file, off_t length) {
  NEXT(truncate_type, "ftruncate64");
  return truncated(next, file, length);
}

int ftruncate64(int file, off64_t length) {
  NEXT(truncate_type, "ftruncate64");
  return truncated(next, file, length);
}

int rename(const char *from, const char *to) {
  NEXT(int(const char *, const char *), "rename");
  const char *from_name = name_of(from), *to_name = name_of(to);
  if (from_name == NULL || to_name == NULL) return next(from, to);
  pthread_mutex_lock(&lock);
  int result = next(from, to), error = errno;
  if (result == 0) note("rename %s %s\n", from_name, to_name);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int unlink(const char *path) {
  NEXT(int(const char *), "unlink");
  const char *name = name_of(path);
  if (name == NULL) return next(path);
  pthread_mutex_lock(&lock);
  int result = next(path), error = errno;
  if (result == 0) note("unlink %s\n", name);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

static long microseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000L + time.tv_nsec / 1000;
}

/* The lock is not held while the disk works: other calls go on meanwhile, as they would. */
static int synced(int (*next)(int), int file) {
  struct stat before;
  if (journal < 0 || fstat(file, &before) != 0 || !is_ours(&before)) return next(file);
  long start = microseconds();
  pthread_mutex_lock(&lock);
  note("begin %ld\n", start);
  long began_at = position;
  pthread_mutex_unlock(&lock);
  int result = next(file), error = errno;
  long took = microseconds() - start;
  pthread_mutex_lock(&lock);
  if (result == 0 && S_ISDIR(before.st_mode)) note("syncdir %ld %ld\n", began_at, took);
  else if (result == 0)
    note("sync %lu %ld %ld %ld\n", (unsigned long)before.st_ino, (long)before.st_size, began_at, took);
  pthread_mutex_unlock(&lock);
  errno = error;
  return result;
}

int fsync(int file) {
  NEXT(int(int), "fsync");
  return synced(next, file);
}

int fdatasync(int file) {
  NEXT(int(int), "fdatasync");
  return synced(next, file);
}
