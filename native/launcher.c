/*
 * The trusted launcher of the jail: starts one command, is the reaper of everything it leaves behind, and reports what
 * the whole process tree used. bubblewrap's own reaper is never waited for, so without this the CPU time reads 0.
 *
 *   launcher enter FILE... -- COMMAND...      join control groups where allowed ("0" into each cgroup.procs), then exec
 *   launcher run [options] -- COMMAND...      supervise; options:
 *     --report-fd N    JSON goes there when all is over; closed for the command
 *     --data B --fsize B --nproc N --cpu S    resource limits of every process
 *     --max-procs N    watchdog on the number of processes (RLIMIT_NPROC does not hold for root)
 *     --max-rss B      watchdog on the sum of resident memory
 *     --grace MS       how long helpers may take to end after the command (default 500)
 *     --low            low CPU and IO priority
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 20
#define REAPED_PER_TURN 64
#define MAX_SEEN 65536

static pid_t self;
static int is_init;

static long long now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int fail(const char *what) {
  fprintf(stderr, "launcher: %s: %s\n", what, strerror(errno));
  return 127;
}

static int enter(int argc, char **argv) {
  int index = 0;
  for (; index < argc && strcmp(argv[index], "--") != 0; index++) {
    int fd = open(argv[index], O_WRONLY | O_CLOEXEC);
    /* where joining is forbidden after all, the command still runs: the group then counts nothing and bounds nothing */
    if (fd >= 0 && write(fd, "0", 1) < 0) errno = 0;
    if (fd >= 0) close(fd);
  }
  if (index + 1 >= argc) return 127;
  execvp(argv[index + 1], argv + index + 1);
  return fail(argv[index + 1]);
}

struct seen {
  pid_t pid, parent;
  char state;
  char mine;
};
static struct seen seen[MAX_SEEN];

static int read_stat(const char *name, struct seen *entry) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%s/stat", name);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  ssize_t length = read(fd, text, sizeof text - 1);
  close(fd);
  if (length <= 0) return 0;
  text[length] = 0;
  char *end = strrchr(text, ')'); /* the name in parentheses is the program's own choice */
  if (!end) return 0;
  int parent = 0;
  char state = 0;
  if (sscanf(end + 1, " %c %d", &state, &parent) != 2) return 0;
  entry->pid = atoi(name);
  entry->parent = parent;
  entry->state = state;
  entry->mine = 0;
  return 1;
}

/* Lists all our living descendants into `seen` (marked `mine`); returns how many live. */
static int scan(int *total) {
  DIR *proc = opendir("/proc");
  int count = 0, living = 0, changed = 1;
  if (!proc) return -1;
  for (struct dirent *entry; (entry = readdir(proc)) && count < MAX_SEEN;)
    if (isdigit((unsigned char)entry->d_name[0]) && read_stat(entry->d_name, &seen[count])) count++;
  closedir(proc);
  while (changed) { /* parents may come after their children: repeat until nothing is added */
    changed = 0;
    for (int i = 0; i < count; i++) {
      if (seen[i].mine || seen[i].pid == self) continue;
      int ours = is_init || seen[i].parent == self;
      for (int j = 0; j < count && !ours; j++) ours = seen[j].mine && seen[j].pid == seen[i].parent;
      if (ours) seen[i].mine = changed = 1;
    }
  }
  for (int i = 0; i < count; i++)
    if (seen[i].mine && seen[i].state != 'Z' && seen[i].state != 'X') living++;
  *total = count;
  return living;
}

/* How many processes there are beside us: inside a process namespace a directory listing answers that at once. */
static int count_processes(int *total) {
  if (!is_init) return scan(total);
  DIR *proc = opendir("/proc");
  int count = -1;
  if (!proc) return -1;
  for (struct dirent *entry; (entry = readdir(proc));)
    if (isdigit((unsigned char)entry->d_name[0])) count++;
  closedir(proc);
  return count;
}

static void kill_all(void) {
  int total = 0;
  if (is_init) {
    kill(-1, SIGKILL); /* everything of this process namespace except ourselves */
    return;
  }
  if (scan(&total) <= 0) return;
  for (int i = 0; i < total; i++)
    if (seen[i].mine) kill(seen[i].pid, SIGKILL);
}

static long long resident_bytes(int total) {
  long long pages = 0;
  for (int i = 0; i < total; i++) {
    char path[64];
    long size, resident;
    if (!seen[i].mine) continue;
    snprintf(path, sizeof path, "/proc/%d/statm", seen[i].pid);
    FILE *file = fopen(path, "re");
    if (!file) continue;
    if (fscanf(file, "%ld %ld", &size, &resident) == 2) pages += resident;
    fclose(file);
  }
  return pages * sysconf(_SC_PAGESIZE);
}

static void limit(int what, long long value) {
  if (value <= 0) return;
  struct rlimit bound = {(rlim_t)value, (rlim_t)value};
  setrlimit(what, &bound);
}

static int run(int argc, char **argv) {
  long long data = 0, fsize = 0, nproc = 0, cpu = 0, max_procs = 0, max_rss = 0, grace = 500;
  int report = -1, low = 0, index = 0;
  for (; index < argc && strcmp(argv[index], "--") != 0; index++) {
    const char *name = argv[index];
    if (strcmp(name, "--low") == 0) {
      low = 1;
      continue;
    }
    if (index + 1 >= argc) return 127;
    long long value = atoll(argv[++index]);
    if (strcmp(name, "--report-fd") == 0) report = (int)value;
    else if (strcmp(name, "--data") == 0) data = value;
    else if (strcmp(name, "--fsize") == 0) fsize = value;
    else if (strcmp(name, "--nproc") == 0) nproc = value;
    else if (strcmp(name, "--cpu") == 0) cpu = value;
    else if (strcmp(name, "--max-procs") == 0) max_procs = value;
    else if (strcmp(name, "--max-rss") == 0) max_rss = value;
    else if (strcmp(name, "--grace") == 0) grace = value;
  }
  if (index + 1 >= argc) return 127;
  char **command = argv + index + 1;

  self = getpid();
  is_init = self == 1;
  prctl(PR_SET_DUMPABLE, 0); /* the payload has our user id: it must not reach our descriptors through /proc */
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  prctl(PR_SET_PDEATHSIG, is_init ? SIGKILL : SIGTERM);
  if (report >= 0) fcntl(report, F_SETFD, FD_CLOEXEC);
  sigset_t waited, before;
  sigemptyset(&waited);
  sigaddset(&waited, SIGCHLD);
  sigaddset(&waited, SIGTERM);
  sigaddset(&waited, SIGINT);
  sigaddset(&waited, SIGHUP);
  sigprocmask(SIG_BLOCK, &waited, &before);
  signal(SIGCHLD, SIG_DFL);

  pid_t child = fork();
  if (child < 0) return fail("fork");
  if (child == 0) {
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (low) { /* only the command: the watchdog keeps its own */
      setpriority(PRIO_PROCESS, 0, 10);
      syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 7); /* best effort, lowest */
    }
    limit(RLIMIT_DATA, data);
    limit(RLIMIT_FSIZE, fsize);
    limit(RLIMIT_NPROC, nproc);
    limit(RLIMIT_CPU, cpu);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    execvp(command[0], command);
    _exit(fail(command[0]));
  }

  int status = 0, main_ended = 0, leftovers = 0, killed = 0, peak = 0, terminated = 0;
  const char *broken = NULL;
  long long end_at = 0, last_look = 0;
  int ticks = 0;
  for (;;) {
    int state;
    pid_t pid = 0;
    /* bounded: a fork bomb feeds us dead children faster than we can bury them, and the watchdog must get its turn */
    for (int reaped = 0; reaped < REAPED_PER_TURN && (pid = waitpid(-1, &state, WNOHANG)) > 0; reaped++)
      if (pid == child) {
        status = state;
        main_ended = 1;
        end_at = now_ms();
      }
    if (pid < 0 && errno == ECHILD) break;
    long long now = now_ms();
    if (main_ended && !killed && now - end_at >= grace) {
      int total = 0, living = scan(&total);
      leftovers = living > 0 ? living : 0;
      killed = 1;
    }
    if (killed) kill_all(); /* again in each turn: a fork may have raced the first */
    if (killed && main_ended && now - end_at > grace + 10000) break;
    if (now - last_look >= (is_init ? TICK_MS : 10 * TICK_MS) && !killed && (max_procs > 0 || max_rss > 0)) {
      int total = 0, living = count_processes(&total);
      last_look = now;
      if (living > peak) peak = living;
      if (max_procs > 0 && living > max_procs) broken = "processes";
      if (!broken && max_rss > 0 && (!is_init || ticks++ % 10 == 0)) {
        if (is_init) scan(&total);
        if (resident_bytes(total) > max_rss) broken = "memory";
      }
      if (broken) {
        killed = 1;
        continue;
      }
    }
    if (pid > 0) continue; /* more to bury */
    struct timespec turn = {0, (killed ? 5 : TICK_MS) * 1000000L};
    int signal_number = sigtimedwait(&waited, NULL, &turn);
    if (signal_number > 0 && signal_number != SIGCHLD) {
      terminated = signal_number;
      killed = 1;
    }
  }

  struct rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  if (report >= 0) {
    int by_signal = WIFSIGNALED(status);
    dprintf(report,
            "{\"exit\":%d,\"signal\":%d,\"user_us\":%lld,\"system_us\":%lld,\"maxrss_kb\":%ld,\"leftovers\":%d,"
            "\"peak\":%d,\"terminated\":%d,\"limit\":\"%s\"}\n",
            by_signal ? -1 : WEXITSTATUS(status), by_signal ? WTERMSIG(status) : 0,
            (long long)used.ru_utime.tv_sec * 1000000 + used.ru_utime.tv_usec,
            (long long)used.ru_stime.tv_sec * 1000000 + used.ru_stime.tv_usec, used.ru_maxrss, leftovers, peak, terminated,
            broken ? broken : "");
  }
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int main(int argc, char **argv) {
  if (argc > 2 && strcmp(argv[1], "enter") == 0) return enter(argc - 2, argv + 2);
  if (argc > 2 && strcmp(argv[1], "run") == 0) return run(argc - 2, argv + 2);
  fprintf(stderr, "usage: launcher enter FILE... -- COMMAND | launcher run [options] -- COMMAND\n");
  return 2;
}
